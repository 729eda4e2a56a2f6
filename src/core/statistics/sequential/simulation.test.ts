import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng, type Rng } from '../../rng.ts';
import { logLossOf } from '../classification/row-losses.ts';
import { emptyMoments, type Moments } from '../moments.ts';
import { armCountTest } from './arm-count-test.ts';
import { differenceConfidenceSequence } from './difference-confidence-sequence.ts';
import { meanConfidenceSequence } from './mean-confidence-sequence.ts';
import { multinomialTest } from './multinomial-test.ts';
import { proportionConfidenceSequence } from './proportion-confidence-sequence.ts';

const ALPHA = 0.05;

/** Welford's update. */
function added(moments: Moments, value: number): Moments {
  const n = moments.n + 1;
  const delta = value - moments.mean;
  const mean = moments.mean + delta / n;
  return { n, mean, m2: moments.m2 + delta * (value - mean) };
}

/** Share of streams in which the claim is made at any look. */
function rate(streams: number, seed: number, claimed: (rng: Rng) => boolean): number {
  const rng = createRng(seed);
  let claims = 0;
  for (let s = 0; s < streams; s++) if (claimed(rng)) claims++;
  return claims / streams;
}

/** Log loss of a calibrated model on a row of its own: skewed, as in a real rollout. */
function draw(rng: Rng): number {
  const score = 0.05 + 0.5 * rng.next() ** 2;
  return logLossOf(rng.next() < score ? 1 : 0, score);
}

/** Looks after every row at the difference of two arms whose split goes through the steps of a rollout. */
function rollout(rng: Rng, worseBy: number): 'worse' | 'better' | null {
  const options = { alpha: ALPHA, targetN: 1000 };
  const strata: { challenger: Moments; champion: Moments }[] = [];
  for (const [share, rows] of [
    [0.1, 2500],
    [0.5, 2000],
  ] as const) {
    const stratum = { challenger: emptyMoments, champion: emptyMoments };
    strata.push(stratum);
    for (let i = 0; i < rows; i++) {
      if (rng.next() < share) stratum.challenger = added(stratum.challenger, draw(rng) + worseBy);
      else stratum.champion = added(stratum.champion, draw(rng));
      const difference = differenceConfidenceSequence(strata, options);
      if (difference !== null && difference.low! > 0) return 'worse';
      if (difference !== null && difference.high! < 0) return 'better';
    }
  }
  return null;
}

test('A/A: the difference of two arms is claimed within alpha, looked at after every row', () => {
  const claims = rate(400, 1, (rng) => rollout(rng, 0) !== null);
  assert.ok(claims <= ALPHA, `${claims}`);
});

/** Outcomes of which most are alike: the smaller arm's first rows show nothing of their variance. */
const rareOutcomes: Readonly<Record<string, (rng: Rng) => number>> = {
  'clicks of 1 in 1,000': (rng) => (rng.next() < 0.001 ? 1 : 0),
  'clicks of 1 in 100': (rng) => (rng.next() < 0.01 ? 1 : 0),
  'sales to 1 in 50, log-normal': (rng) => (rng.next() < 0.02 ? 50 * Math.exp(rng.normal()) : 0),
  'sums with a Pareto tail of 2.1': (rng) => (1 - rng.next()) ** (-1 / 2.1),
};
for (const [name, outcome] of Object.entries(rareOutcomes)) {
  test(`A/A: ${name}: the difference of two arms is claimed within alpha, from 1 % of the traffic on`, () => {
    const claims = rate(150, 8, (rng) => {
      const strata: { challenger: Moments; champion: Moments }[] = [];
      for (const share of [0.01, 0.1, 0.5]) {
        const stratum = { challenger: emptyMoments, champion: emptyMoments };
        strata.push(stratum);
        for (let i = 1; i <= 7000; i++) {
          if (rng.next() < share) stratum.challenger = added(stratum.challenger, outcome(rng));
          else stratum.champion = added(stratum.champion, outcome(rng));
          if (i % 100 !== 0) continue;
          const difference = differenceConfidenceSequence(strata, { alpha: ALPHA, targetN: 400 });
          if (difference !== null && (difference.low! > 0 || difference.high! < 0)) return true;
        }
      }
      return false;
    });
    assert.ok(claims <= ALPHA, `${claims}`);
  });
}

test('A/B: a challenger worse by 0.15 nats is found, and never called better', () => {
  const worse = rate(60, 2, (rng) => rollout(rng, 0.15) === 'worse');
  assert.ok(worse >= 0.95, `${worse}`);
});

test('A/A: the mean of skewed losses is missed within alpha, looked at after every row', () => {
  const odds = 0.2;
  const mean = 3 * odds;
  const misses = rate(600, 3, (rng) => {
    let moments = emptyMoments;
    for (let i = 0; i < 3000; i++) {
      moments = added(moments, rng.next() < odds ? 3 : 0);
      const sequence = meanConfidenceSequence(moments, { alpha: ALPHA, targetN: 1000 });
      if (sequence !== null && (sequence.low! > mean || sequence.high! < mean)) return true;
    }
    return false;
  });
  assert.ok(misses <= ALPHA, `${misses}`);
});

test('A/A: errors of two arms and the ratio of samples are claimed within alpha; the true proportion is held', () => {
  const streams = 400;
  const shares = rate(streams, 4, (rng) => {
    let events = 0;
    for (let i = 1; i <= 1500; i++) {
      if (rng.next() < 0.1) events++;
      if (multinomialTest([events, i - events], [0.1, 0.9]).pValue <= ALPHA) return true;
    }
    return false;
  });
  assert.ok(shares <= ALPHA, `multinomial ${shares}`);
  const errors = rate(200, 5, (rng) => {
    const [early, late] = [
      { challenger: 0, champion: 0, challengerShare: 0.1 },
      { challenger: 0, champion: 0, challengerShare: 0.5 },
    ];
    for (let i = 0; i < 120; i++) {
      const stratum = i < 60 ? early : late;
      if (rng.next() < stratum.challengerShare) stratum.challenger++;
      else stratum.champion++;
      if (armCountTest([early, late], ALPHA).pValue <= ALPHA) return true;
    }
    return false;
  });
  assert.ok(errors <= ALPHA, `errors ${errors}`);
  const proportion = rate(200, 6, (rng) => {
    let slow = 0;
    for (let n = 1; n <= 1000; n++) {
      if (rng.next() < 0.02) slow++;
      if (n % 5 !== 0) continue;
      const { low, high } = proportionConfidenceSequence(slow, n, ALPHA);
      if (low! > 0.02 || high! < 0.02) return true;
    }
    return false;
  });
  assert.ok(proportion <= ALPHA, `proportion ${proportion}`);
});
