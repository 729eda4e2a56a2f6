import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng, type Rng } from '../../rng.ts';
import { assertClose } from '../assert-close.testing.ts';
import { momentsOf } from '../moments.ts';
import {
  type ActionStratum,
  doublyRobust,
  inversePropensity,
  type LoggedDecision,
  selfNormalised,
  withMeanModel,
} from './off-policy.ts';
import { offPolicyOfStrata } from './off-policy-of-strata.ts';

/** Worked by hand: weights 2, 0.5, 0 and rewards 1, 3, 5. */
const three: readonly LoggedDecision[] = [
  { propensity: 0.25, target: 0.5, reward: 1 },
  { propensity: 0.5, target: 0.25, reward: 3 },
  { propensity: 0.25, target: 0, reward: 5 },
];

test('by hand: scores 2, 1.5, 0 for IPS; 3.5 / 2.5 for SNIPS', () => {
  const ips = inversePropensity(three);
  assertClose(ips.value ?? Number.NaN, 3.5 / 3, 1e-12);
  // Squared deviations 0.6944, 0.1111, 1.3611 sum to 2.1667; /2 = 1.0833 is the variance.
  assertClose(ips.standardError ?? Number.NaN, Math.sqrt(13 / 12 / 3), 1e-12);
  assertClose(ips.effectiveN, 6.25 / 4.25, 1e-12);
  const snips = selfNormalised(three);
  assertClose(snips.value ?? Number.NaN, 1.4, 1e-12);
  // w(r − 1.4): −0.8, 0.8, 0.
  assertClose(snips.standardError ?? Number.NaN, (Math.sqrt(1.28) / 2.5) * Math.sqrt(1.5), 1e-12);
  const robust = doublyRobust(three.map((d) => ({ ...d, predicted: 2, baseline: 2 })));
  // 2 + 2·(−1), 2 + 0.5·1, 2 + 0 → mean 4.5/3.
  assertClose(robust.value ?? Number.NaN, 1.5, 1e-12);
});

test('what is not defined is null', () => {
  assert.equal(inversePropensity([]).value, null);
  assert.equal(selfNormalised([{ propensity: 0.5, target: 0, reward: 1 }]).value, null);
  assert.equal(inversePropensity(three.slice(0, 1)).standardError, null);
  const none = offPolicyOfStrata([], { a: 1 });
  assert.deepEqual([none.ips.value, none.snips.value, none.doublyRobust.value], [null, null, null]);
});

interface Drawn extends LoggedDecision {
  readonly action: string;
  readonly context: string;
}

const policy = { a: 0.1, b: 0.3, c: 0.6 };
const rates: Readonly<Record<string, number>> = { a: 0.2, b: 0.35, c: 0.3 };
const truth = 0.1 * 0.2 + 0.3 * 0.35 + 0.6 * 0.3;

/** A log whose propensities change half way, as a bandit's do; rewards 0/1 that depend on the action and a context. */
function logOf(rng: Rng, n: number): readonly Drawn[] {
  return Array.from({ length: n }, (_, i) => {
    const shares = i < n / 2 ? { a: 0.6, b: 0.3, c: 0.1 } : { a: 0.3, b: 0.4, c: 0.3 };
    const u = rng.next();
    const action = u < shares.a ? 'a' : u < shares.a + shares.b ? 'b' : 'c';
    const context = rng.next() < 0.5 ? 'x' : 'y';
    const rate = (rates[action] ?? 0) + (context === 'x' ? 0.15 : -0.15);
    const reward = rng.next() < rate ? 1 : 0;
    return { action, context, reward, propensity: shares[action], target: policy[action] };
  });
}

test('strata give what the decisions give one by one', () => {
  const log = logOf(createRng(3), 2000);
  const groups = Map.groupBy(log, (d) => `${d.action}/${d.propensity}`);
  const strata = [...groups.values()].map((rows): ActionStratum => {
    const [first] = rows as [Drawn, ...Drawn[]];
    return {
      action: first.action,
      propensity: first.propensity,
      reward: momentsOf(rows.map((d) => d.reward)),
    };
  });
  const summed = offPolicyOfStrata(strata, policy);
  const means = new Map(
    Map.groupBy(log, (d) => d.action)
      .entries()
      .map(([action, rows]) => [action, momentsOf(rows.map((d) => d.reward)).mean]),
  );
  const baseline = Object.entries(policy).reduce((sum, [a, p]) => sum + p * (means.get(a) ?? 0), 0);
  const single = {
    ips: inversePropensity(log),
    snips: selfNormalised(log),
    doublyRobust: doublyRobust(log.map((d) => ({ ...d, predicted: means.get(d.action) ?? 0, baseline }))),
  };
  for (const name of ['ips', 'snips', 'doublyRobust'] as const) {
    assertClose(summed[name].value ?? Number.NaN, single[name].value ?? 0, 1e-10);
    assertClose(summed[name].standardError ?? Number.NaN, single[name].standardError ?? 0, 1e-10);
  }
});

test('intervals of 95 % hold the truth in 95 % of 600 logs, and a model makes them narrower', () => {
  const rng = createRng(11);
  const held = { ips: 0, snips: 0, robust: 0 };
  const widths = { ips: 0, snips: 0, robust: 0 };
  const runs = 600;
  for (let run = 0; run < runs; run++) {
    const log = logOf(rng, 600);
    const estimates = {
      ips: inversePropensity(log),
      snips: selfNormalised(log),
      robust: doublyRobust(withMeanModel(log, () => policy)),
    };
    for (const name of ['ips', 'snips', 'robust'] as const) {
      const { low, high } = estimates[name];
      if (low !== null && high !== null && low <= truth && truth <= high) held[name]++;
      widths[name] += (high ?? 0) - (low ?? 0);
    }
  }
  // 0.95 less three standard errors.
  for (const name of ['ips', 'snips', 'robust'] as const) {
    assert.ok(held[name] / runs >= 0.923, `${name} ${held[name]} of ${runs}`);
  }
  assert.ok(widths.robust < widths.snips && widths.snips < widths.ips, JSON.stringify(widths));
});
