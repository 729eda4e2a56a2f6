export type { EraseHook, EraseRequest } from './erase-hook.ts';
export {
  defineStepKind,
  type StepBlobs,
  type StepContext,
  type StepKind,
  type StepPlace,
} from './step-kind.ts';
