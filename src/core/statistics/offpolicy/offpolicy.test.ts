import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng, type Rng } from '../../rng.ts';
import { assertClose } from '../assert-close.testing.ts';
import { momentsOf, varianceOf } from '../moments.ts';
import { type ActionStratum, offPolicyOfStrata } from './off-policy-of-strata.ts';

const estimators = ['ips', 'snips', 'doublyRobust'] as const;

interface Decision {
  readonly action: string;
  readonly propensity: number;
  readonly reward: number;
}

function strataOf(decisions: readonly Decision[]): readonly ActionStratum[] {
  const groups = Map.groupBy(decisions, (d) => `${d.action}/${d.propensity}`);
  return [...groups.values()].map(([first, ...others]) => {
    const { action = '', propensity = 0 } = first ?? {};
    return { action, propensity, reward: momentsOf([first, ...others].map((d) => d?.reward ?? 0)) };
  });
}

/** Worked by hand: weights 2, 0.5, 0 and rewards 1, 3, 5. */
const three: readonly Decision[] = [
  { action: 'a', propensity: 0.25, reward: 1 },
  { action: 'b', propensity: 0.5, reward: 3 },
  { action: 'c', propensity: 0.25, reward: 5 },
];
const ofThree = { a: 0.5, b: 0.25, c: 0 };

test('by hand: scores 2, 1.5, 0 for IPS; 3.5 / 2.5 for SNIPS; too few of each action for an interval', () => {
  const { ips, snips, doublyRobust } = offPolicyOfStrata(strataOf(three), ofThree);
  assertClose(ips.value, 3.5 / 3, 1e-12);
  assertClose(ips.effectiveN, 6.25 / 4.25, 1e-12);
  assertClose(snips.value, 1.4, 1e-12);
  // The model knows each action's one reward, so there is no error to correct: 0.5·1 + 0.25·3.
  assertClose(doublyRobust.value, 1.25, 1e-12);
  for (const { standardError, low, high } of [ips, snips, doublyRobust])
    assert.deepEqual([standardError, low, high], [null, null, null]);
});

test('by hand: 20 of each action, and no less variance than that of both around their means', () => {
  const rewards = (action: string, propensity: number, values: readonly number[]): ActionStratum => ({
    action,
    propensity,
    reward: momentsOf(Array.from({ length: 20 }, (_, i) => values[i % 2] ?? 0)),
  });
  // Weights 2 and 2/3, means 2 and 1.5; squared deviations 20 and 5.
  const strata = [rewards('a', 0.25, [1, 3]), rewards('b', 0.75, [1, 2])];
  const { ips, snips, doublyRobust } = offPolicyOfStrata(strata, { a: 0.5, b: 0.5 });
  const [ofA, ofB] = [20 / 19, 25 / 38];
  assertClose(ips.value, 2.5, 1e-12);
  const [a, b] = [20 * (4 * ofA + 1.5 ** 2), 20 * ((4 / 9) * ofB + 1.5 ** 2)];
  const error = Math.sqrt((a + b) / 40 / 39);
  assertClose(ips.standardError, error, 1e-12);
  // t with (a + b)² / (a²/19 + b²/19) = 31.9 degrees of freedom is 2.0370.
  assertClose(((ips.high ?? 0) - (ips.low ?? 0)) / 2 / error, 2.037, 2e-4);
  assertClose(snips.value, 100 / (160 / 3), 1e-12);
  assertClose(doublyRobust.value, 1.75, 1e-12);
  assertClose(doublyRobust.standardError, Math.sqrt((20 * (4 * ofA + (4 / 9) * ofB)) / 40 / 39), 1e-12);
  const alike = [rewards('a', 0.25, [1, 1]), rewards('b', 0.75, [1, 1])];
  assert.equal(offPolicyOfStrata(alike, { a: 1 }).ips.standardError, null, 'nothing varies');
});

test('what is not defined is null, not 0 with no error', () => {
  const values = (...[strata, target]: Parameters<typeof offPolicyOfStrata>) => {
    const estimates = offPolicyOfStrata(strata, target);
    return estimators.flatMap((name) => [estimates[name].value, estimates[name].standardError]);
  };
  const nothing = new Array(6).fill(null);
  assert.deepEqual(values([], { a: 1 }), nothing);
  assert.deepEqual(values(strataOf(three), { d: 1 }), nothing, 'nobody has seen d');
  assert.deepEqual(
    values(strataOf(three), { a: 0.5, d: 0.5 }),
    nothing,
    'nor what half of d would have given',
  );
  assert.deepEqual(values(strataOf(three.slice(0, 1)), { a: 1 }), [4, null, 1, null, 1, null]);
  assert.deepEqual(values(strataOf(three), { a: 1, d: 0 }), values(strataOf(three), { a: 1 }));
});

const policy: Readonly<Record<string, number>> = { a: 0.1, b: 0.3, c: 0.6 };
const rates: Readonly<Record<string, number>> = { a: 0.2, b: 0.35, c: 0.3 };
const truth = 0.1 * 0.2 + 0.3 * 0.35 + 0.6 * 0.3;

/** A log whose propensities change half way, as a bandit's do; rewards 0/1 that depend on the action. */
function logOf(rng: Rng, n: number): readonly Decision[] {
  return Array.from({ length: n }, (_, i) => {
    const shares = i < n / 2 ? { a: 0.6, b: 0.3, c: 0.1 } : { a: 0.3, b: 0.4, c: 0.3 };
    const u = rng.next();
    const action = u < shares.a ? 'a' : u < shares.a + shares.b ? 'b' : 'c';
    const reward = rng.next() < (rates[action] ?? 0) ? 1 : 0;
    return { action, reward, propensity: shares[action] };
  });
}

test('strata give what the decisions give one by one', () => {
  const log = logOf(createRng(3), 2000);
  const weightOf = (d: Decision) => (policy[d.action] ?? 0) / d.propensity;
  const total = log.reduce((sum, d) => sum + weightOf(d), 0);
  const means = new Map(
    [...Map.groupBy(log, (d) => d.action)].map(([a, rows]) => [a, momentsOf(rows.map((d) => d.reward)).mean]),
  );
  const meanOf = (action: string) => means.get(action) ?? 0;
  const baseline = Object.entries(policy).reduce((sum, [action, p]) => sum + p * meanOf(action), 0);
  const normalised = log.reduce((sum, d) => sum + weightOf(d) * d.reward, 0) / total;
  const scores = {
    ips: log.map((d) => weightOf(d) * d.reward),
    snips: log.map((d) => normalised + ((weightOf(d) * log.length) / total) * (d.reward - normalised)),
    doublyRobust: log.map((d) => baseline + weightOf(d) * (d.reward - meanOf(d.action))),
  };
  const summed = offPolicyOfStrata(strataOf(log), policy);
  for (const name of estimators) {
    const moments = momentsOf(scores[name]);
    assertClose(summed[name].value, moments.mean, 1e-10);
    const plain = Math.sqrt((varianceOf(moments) ?? 0) / log.length);
    const ratio = (summed[name].standardError ?? 0) / plain;
    assert.ok(ratio > 0.98 && ratio < 1.05, `${name} ${ratio}`);
  }
  const twice = offPolicyOfStrata(strataOf(log), policy, 4);
  assertClose(twice.ips.standardError, 2 * (summed.ips.standardError ?? 0), 1e-12);
  assertClose(twice.ips.effectiveN, summed.ips.effectiveN / 4, 1e-12);
});

test('intervals of 95 % hold the truth in 95 % of 600 logs, and are narrower than those of plain IPS', () => {
  const rng = createRng(11);
  const held = { ips: 0, snips: 0, doublyRobust: 0 };
  const widths = { ips: 0, snips: 0, doublyRobust: 0 };
  const runs = 600;
  for (let run = 0; run < runs; run++) {
    const estimates = offPolicyOfStrata(strataOf(logOf(rng, 600)), policy);
    for (const name of estimators) {
      const { low, high } = estimates[name];
      if (low !== null && high !== null && low <= truth && truth <= high) held[name]++;
      widths[name] += (high ?? 0) - (low ?? 0);
    }
  }
  // 0.95 less three standard errors.
  for (const name of estimators) {
    assert.ok(held[name] / runs >= 0.923, `${name} ${held[name]} of ${runs}`);
  }
  assert.ok(Math.max(widths.doublyRobust, widths.snips) < 0.95 * widths.ips, JSON.stringify(widths));
});

/** How often intervals held the truth among those given, and how many were given, by estimator. */
function coverage(
  rng: Rng,
  {
    n,
    share,
    rate,
    runs,
  }: { n: number; share: number; rate: Readonly<Record<string, number>>; runs: number },
) {
  const held = { ips: 0, snips: 0, doublyRobust: 0 };
  let given = 0;
  for (let run = 0; run < runs; run++) {
    const log = Array.from({ length: n }, () => {
      const action = rng.next() < share ? 'b' : 'a';
      const propensity = action === 'b' ? share : 1 - share;
      return { action, propensity, reward: rng.next() < (rate[action] ?? 0) ? 1 : 0 };
    });
    const estimates = offPolicyOfStrata(strataOf(log), { b: 1 });
    if (estimates.ips.low === null) continue;
    given++;
    for (const name of estimators) {
      const { low, high } = estimates[name];
      if (low !== null && high !== null && low <= (rate.b ?? 0) && (rate.b ?? 0) <= high) held[name]++;
    }
  }
  return { given, held };
}

test('of a rarely taken action there is no interval before it keeps its confidence', () => {
  const rng = createRng(12);
  const [runs, even, rare] = [600, { a: 0.3, b: 0.4 }, { a: 0.05, b: 0.08 }];
  for (const n of [20, 50, 100]) assert.ok(coverage(rng, { n, share: 0.02, rate: even, runs }).given === 0);
  for (const of of [
    { n: 50, share: 0.5, rate: even },
    { n: 300, share: 0.1, rate: even },
    { n: 300, share: 0.1, rate: rare },
    { n: 1500, share: 0.02, rate: rare },
  ]) {
    const { given, held } = coverage(rng, { ...of, runs });
    assert.ok(given > 0.7 * runs, `${given} of ${runs} given for ${JSON.stringify(of)}`);
    for (const name of estimators)
      assert.ok(held[name] / given >= 0.9, `${name}: ${held[name]} of ${given} for ${JSON.stringify(of)}`);
  }
});
