import type { StepStatus } from '../../../src/lifecycle/pipelines/contract.ts';
import type { State } from '../charts/prepare/wheel.ts';

const STATES: Readonly<Record<StepStatus, State>> = {
  queued: 'none',
  running: 'running',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'none',
};

export const stateOfStep = (status: StepStatus): State => STATES[status] ?? 'none';
