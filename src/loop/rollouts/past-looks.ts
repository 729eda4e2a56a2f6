import { parseTime } from '../../core/time.ts';
import type { RolloutLook, RolloutPastLook, RolloutStep } from '../contract.ts';

/** Most looks that are kept; beyond them the one that tells least is dropped. */
export const keptLooks = 120;

/**
 * The course of a rollout with one more look. A look at the same evidence takes the place of the one before; segments
 * are left out. What is kept stays spread over the whole rollout, and its first and last look are always kept.
 */
export function keepLook(
  past: readonly RolloutPastLook[],
  look: RolloutLook,
  { stage, percent }: RolloutStep,
): readonly RolloutPastLook[] {
  const now: RolloutPastLook = {
    at: look.at,
    stage,
    percent,
    arms: look.arms.map(({ arm, requests, labelled }) => ({ arm, requests, labelled })),
    comparisons: look.comparisons
      .filter((c) => c.segment === null && c.difference !== null)
      .map(({ arm, metric, n, difference, low, high }) => ({ arm, metric, n, difference, low, high })),
  };
  const last = past.at(-1);
  const looks = [...(last && evidence(last) === evidence(now) ? past.slice(0, -1) : past), now];
  return looks.length <= keptLooks ? looks : looks.toSpliced(closest(looks), 1);
}

/** The look, neither first nor last, whose neighbours are nearest to each other in time. */
function closest(looks: readonly RolloutPastLook[]): number {
  const times = looks.map((look) => parseTime(look.at));
  const gap = (index: number): number => (times[index + 1] ?? 0) - (times[index - 1] ?? 0);
  return times.reduce(
    (best, _, index) => (index > 1 && index < times.length - 1 && gap(index) < gap(best) ? index : best),
    1,
  );
}

const evidence = ({ stage, percent, arms }: RolloutPastLook): string =>
  JSON.stringify([stage, percent, arms]);
