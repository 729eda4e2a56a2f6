export { InferenceServer, type InferenceServerOptions } from './server.ts';
