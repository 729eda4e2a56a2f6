export { PythonHost, type PythonHostOptions } from './python-host.ts';
export type { PythonModel } from './python-model.ts';
