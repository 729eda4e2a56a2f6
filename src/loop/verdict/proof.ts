import { comparisonText } from '../contract/comparison-text.ts';
import type { ArmComparison, RolloutSpec } from '../contract.ts';
import type { ComparedArm } from './compare-arms.ts';

/** Is the arm proved on all that the plan names? What is missing, one phrase each. */
export function unproved(spec: RolloutSpec, arm: string, comparisons: readonly ArmComparison[]): string[] {
  return comparisons
    .filter((c) => c.arm === arm)
    .filter((c) => {
      const isPrimary = c.segment === null && c.metric === spec.metric;
      if (isPrimary && spec.prove === 'better') return c.verdict !== 'better';
      return c.verdict !== 'better' && c.verdict !== 'notWorse';
    })
    .map((c) => comparisonText(c));
}

/** The arm with the best primary metric of those that are proved on all that the plan names; undefined: none is. */
export function provedArm(
  spec: RolloutSpec,
  arms: readonly ComparedArm[],
  comparisons: readonly ArmComparison[],
): string | undefined {
  const gain = (arm: string) => comparisons.find((c) => c.arm === arm)?.difference ?? 0;
  return arms
    .map(({ arm }) => arm)
    .filter((arm) => unproved(spec, arm, comparisons).length === 0)
    .sort((a, b) => gain(b) - gain(a))[0];
}

/** What is asked for, in words. */
export function provedWord({ prove }: RolloutSpec): string {
  return prove === 'better' ? 'better' : 'not worse';
}
