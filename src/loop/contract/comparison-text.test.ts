import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparisonText, differenceText } from './comparison-text.ts';
import type { ArmComparison } from './look.ts';

const text = (difference: number | null, low: number | null, high: number | null, more = {}) =>
  comparisonText({
    arm: 'challenger',
    metric: 'logLoss',
    segment: null,
    compared: 'pairs',
    n: 5052,
    champion: 0.4,
    challenger: 0.4,
    difference,
    low,
    high,
    alpha: 0.05,
    margin: 0.02,
    verdict: 'undecided',
    ...more,
  } satisfies ArmComparison);

test('a comparison says which is better, whether that is proved, and how large the difference may be', () => {
  assert.deepEqual(
    [
      text(-0.8926, -1.158, -0.6271),
      text(0.03, 0.01, 0.05, { n: 12, compared: 'arms', segment: { feature: 'airport', value: 'ZRH' } }),
      text(0.002, -0.0073, 0.0113, { verdict: 'notWorse' }),
      text(-0.002, -0.0273, 0.0113),
      text(-0.002, null, null),
      text(null, null, null),
    ],
    [
      'log loss worse by 0.8926, proved (between 0.6271 and 1.1580) on 5,052 pairs',
      'log loss where airport is ZRH better by 0.0300, proved (between 0.0100 and 0.0500) on 12 labels',
      'log loss better by 0.0020 so far; proved not worse by more than 0.0200 (from 0.0073 worse to 0.0113 better) on 5,052 pairs',
      'log loss worse by 0.0020 so far, not proved (from 0.0273 worse to 0.0113 better) on 5,052 pairs',
      'log loss worse by 0.0020 so far, too few to say more, on 5,052 pairs',
      'log loss: nothing to compare yet',
    ],
  );
});

test('of a past look the numbers alone are told, in the same words', () => {
  const told = (difference: number | null, low: number | null, high: number | null) =>
    differenceText({ metric: 'brier', difference, low, high });
  assert.deepEqual(
    [told(-0.3, -0.5, -0.1), told(0.002, -0.0273, 0.0113), told(0.3, null, null), told(null, null, null)],
    [
      'Brier score worse by 0.3000 (between 0.1000 and 0.5000)',
      'Brier score better by 0.0020 (from 0.0273 worse to 0.0113 better)',
      'Brier score better by 0.3000',
      'Brier score: nothing to compare yet',
    ],
  );
});
