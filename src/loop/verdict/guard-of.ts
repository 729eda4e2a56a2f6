import type { ArmGuard } from '../../lifecycle/serving/index.ts';
import type { RolloutSpec } from '../contract.ts';

/** What a replica watches an arm for by itself, within the request: the plan's own limits. */
export function guardOf({ maxErrorRatio, maxLatencyP99Ms }: RolloutSpec): ArmGuard {
  return {
    // A guard allows something: a limit of 0 is judged from the log alone.
    maxErrorRatio: Math.min(0.999, Math.max(0.0001, maxErrorRatio)),
    slowMs: maxLatencyP99Ms ?? null,
    maxSlowRatio: 0.01,
    allowNonFinite: false,
    alpha: 0.001,
  };
}
