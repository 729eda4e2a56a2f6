import type { ArmSeen } from '../contract/look.ts';
import type { RolloutMetric } from '../contract/plan.ts';

/** Fewer may all be odd ones by chance. */
const leastLabels = 20;

const takes: Readonly<Record<RolloutMetric, string>> = {
  logLoss: '0 or 1, of scores between 0 and 1',
  brier: '0 or 1, of scores between 0 and 1',
  accuracy: '0 or 1',
  value: '0 or 1',
  absoluteError: 'numbers, of scores',
  squaredError: 'numbers, of scores',
  outcome: 'numbers',
};

/**
 * What a rollout waits for in vain: labels came, and its metric can be computed of none. Null where it can, where none
 * came, and while there are too few to say.
 */
export function unusableLabels(
  metric: RolloutMetric,
  arms: readonly Pick<ArmSeen, 'labelled' | 'mean'>[],
): string | null {
  const count = arms.reduce((sum, { labelled }) => sum + labelled, 0);
  if (count < leastLabels || arms.some(({ mean }) => mean !== null)) return null;
  return `labels that ${metric} takes (${takes[metric]}): none of the ${count.toLocaleString('en-US')} that came is one; abort it and begin one with another metric, if they are as they should be`;
}
