export { type LoadedModel, openModel, type RuntimeContext } from './open-model.ts';
