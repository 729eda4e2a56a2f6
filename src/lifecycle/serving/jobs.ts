export { batchStep, runBatchStep } from './batch/batch-step.ts';
export { packageInputsSchema, packageOutputsSchema, packageStep } from './packaging/package-step.ts';
