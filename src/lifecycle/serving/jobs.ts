export { packageInputsSchema, packageOutputsSchema, packageStep } from './packaging/package-step.ts';
