import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClose } from '../assert-close.testing.ts';
import { golden } from '../golden.testing.ts';
import { emptyMoments, momentsOf } from '../moments.ts';
import { armCountTest } from './arm-count-test.ts';
import { differenceConfidenceSequence } from './difference-confidence-sequence.ts';
import { meanConfidenceSequence } from './mean-confidence-sequence.ts';
import { mixtureBoundary, tightestRho } from './mixture-boundary.ts';
import { multinomialTest } from './multinomial-test.ts';
import { proportionConfidenceSequence } from './proportion-confidence-sequence.ts';

const options = { alpha: 0.05, targetN: 1000 };
const alternating = (low: number, high: number, n: number) =>
  momentsOf(Array.from({ length: n }, (_, k) => (k % 2 ? low : high)));

test('the boundary is tightest where it is tuned', () => {
  const at = (rhoFactor: number) => mixtureBoundary(1000, tightestRho(1000, 0.05) * rhoFactor, 0.05);
  assert.ok(at(1) < at(1.3) && at(1) < at(0.75));
});

test('multinomial evidence equals the ratio of scipy likelihoods', () => {
  for (const [counts, probabilities, expected] of golden.sequential.multinomial) {
    assertClose(multinomialTest(counts, probabilities).logEvidence, expected, 1e-8);
  }
  assert.equal(multinomialTest([0, 0], [0.5, 0.5]).pValue, 1);
  assert.ok(multinomialTest([400, 600], [0.5, 0.5]).pValue < 1e-6);
});

test('the ends of the sequence of a proportion are where the evidence is 1/alpha', () => {
  for (const [x = 0, n = 0, p = 0, evidence = 0] of golden.sequential.betaBinomial) {
    const { low, high } = proportionConfidenceSequence(x, n, Math.exp(-evidence));
    assertClose(p < x / n ? low : high, p, 1e-9);
  }
  const none = proportionConfidenceSequence(0, 200, 0.05);
  assert.equal(none.low, 0);
  assert.ok(none.high! > 0.01 && none.high! < 0.04);
  assert.equal(proportionConfidenceSequence(200, 200, 0.05).high, 1);
  assert.equal(proportionConfidenceSequence(0, 0, 0.05).value, null);
});

test('a mean and a difference: centre, sign, and silence before there is enough', () => {
  const mean = meanConfidenceSequence(alternating(0, 1, 1000), options)!;
  assertClose(mean.value, 0.5);
  assert.ok(mean.low! > 0.43 && mean.high! < 0.57);
  assert.equal(meanConfidenceSequence(alternating(0, 1, 99), options), null);
  assert.equal(meanConfidenceSequence(alternating(1, 1, 500), options), null);
  const stratum = { challenger: alternating(0, 1.4, 1000), champion: alternating(0, 1, 1000) };
  const difference = differenceConfidenceSequence([stratum], options)!;
  assertClose(difference.value, 0.2);
  assert.ok(difference.low! > 0 && difference.n === 2000);
  assert.equal(differenceConfidenceSequence([], options), null);
  const few = { challenger: alternating(0, 1, 20), champion: alternating(0, 1, 5000) };
  assert.equal(differenceConfidenceSequence([few], options), null);
  const alone = { challenger: alternating(0, 9, 300), champion: emptyMoments };
  assert.deepEqual(
    differenceConfidenceSequence([stratum, alone], options),
    difference,
    'a step of one arm says nothing',
  );
  const enough = { challenger: alternating(0, 1.4, 100), champion: alternating(0, 1, 5000) };
  assert.notEqual(differenceConfidenceSequence([enough], options), null);
});

test('a level that moves while the split is widened is no difference', () => {
  const early = { challenger: alternating(0, 1, 100), champion: alternating(0, 1, 9900) };
  const late = { challenger: alternating(2, 3, 5000), champion: alternating(2, 3, 5000) };
  const difference = differenceConfidenceSequence([early, late], options)!;
  assert.ok(Math.abs(difference.value!) < 1e-12);
  assert.ok(Math.abs(difference.high!) < 0.1);
});

test('events in two arms: ratio, open ends, strata', () => {
  const one = armCountTest([{ challenger: 30, champion: 10, challengerShare: 0.5 }], 0.05);
  assertClose(one.ratio.value, 3, 1e-6);
  assert.ok(one.ratio.low! > 1 && one.pValue < 0.05);
  const fair = armCountTest([{ challenger: 10, champion: 990, challengerShare: 0.01 }], 0.05);
  assertClose(fair.ratio.value, 1, 1e-6);
  assert.equal(fair.pValue, 1);
  const nothing = armCountTest([{ challenger: 0, champion: 0, challengerShare: 0.1 }], 0.05);
  assert.deepEqual(nothing, { pValue: 1, ratio: { value: null, low: 0, high: null, n: 0 } });
  const onlyChallenger = armCountTest([{ challenger: 12, champion: 0, challengerShare: 0.1 }], 0.05);
  assert.ok(onlyChallenger.ratio.value === null && onlyChallenger.ratio.high === null);
  assert.ok(onlyChallenger.ratio.low! > 5 && onlyChallenger.pValue < 1e-6);
  const onlyChampion = armCountTest([{ challenger: 0, champion: 12, challengerShare: 0.5 }], 0.05);
  assert.ok(onlyChampion.ratio.low === 0 && onlyChampion.ratio.high! < 1);
  const both = armCountTest(
    [
      { challenger: 4, champion: 99, challengerShare: 0.01 },
      { challenger: 80, champion: 20, challengerShare: 0.5 },
    ],
    0.05,
  );
  assertClose(both.ratio.value, 4, 0.02);
});
