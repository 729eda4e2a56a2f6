import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createRng, type Rng } from '../../core/rng.ts';
import { type BanditSpec, rolloutSpecSchema } from '../contract.ts';
import { type BanditEnd, type SimulatedBandit, simulateBandit } from './bandit-simulation.testing.ts';
import { alpha, assertWithin, heavy, otherSeed } from './rates.testing.ts';

/** What bandits promise: shares that follow the rewards must not make verdicts wrong. See simulation.test.ts. */
function planOf(changes: Readonly<Record<string, unknown>> = {}): BanditSpec {
  const arms = [{ arm: 'challenger', version: 2 }];
  const plan = { kind: 'bandit', arms, metric: 'accuracy', alpha, minLabels: 300, maxChange: 0.2 };
  const spec = rolloutSpecSchema.parse({ ...plan, maxTime: '365d', ...changes });
  if (spec.kind !== 'bandit') throw new Error('not a bandit');
  return spec;
}

function ends(runs: number, seed: number, simulation: SimulatedBandit): readonly BanditEnd[] {
  const rng = createRng(seed + otherSeed);
  return Array.from({ length: runs }, () => simulateBandit(rng, simulation));
}

const count = (all: readonly BanditEnd[], end: BanditEnd['end']) => all.filter((e) => e.end === end).length;

/** Right with this probability, more or less by a season; better by `effect` when the challenger decides. */
const decisions =
  (effect: number, season = 0) =>
  (rng: Rng, challenger: boolean, time: number): number => {
    const level = 0.7 + season * Math.sin((2 * Math.PI * time) / 1500);
    return rng.next() < level + (challenger ? effect : 0) ? 1 : 0;
  };
const shape = { looks: 12, requestsPerLook: 250 } as const;
const late = { missing: 0.3, delay: (rng: Rng) => rng.int(3) };

/** Of equal arms none is to be promoted as better, or given up as worse. */
function assertEqualArms(t: TestContext, all: readonly BanditEnd[]): void {
  assertWithin(t, count(all, 'promoted') + count(all, 'failed'), all.length);
}

test('equal arms by Thompson sampling, with seasons and rewards late and missing: within the stated rate', (t) => {
  const simulation = { ...shape, ...late, spec: planOf(), reward: decisions(0, 0.2) };
  assertEqualArms(t, ends(heavy ? 1000 : 50, 20, simulation));
});

test('equal arms by epsilon-greedy, with seasons and rewards late and missing: within the stated rate', (t) => {
  const spec = planOf({ algorithm: 'epsilonGreedy' });
  assertEqualArms(t, ends(1000, 21, { ...shape, ...late, spec, reward: decisions(0, 0.2) }));
});

test('power: a challenger better by 0.1 is promoted, one worse by 0.2 given up, and the traffic follows', () => {
  const runs = heavy ? 300 : 20;
  const better = ends(runs, 30, { ...shape, looks: 30, spec: planOf(), reward: decisions(0.1, 0.1) });
  assert.ok(count(better, 'promoted') / runs >= 0.9, `${count(better, 'promoted')} of ${runs}`);
  const share = better.reduce((sum, e) => sum + e.share, 0) / runs;
  assert.ok(share > 0.4, `mean share ${share}`);
  const worse = ends(runs, 31, { ...shape, looks: 40, spec: planOf(), reward: decisions(-0.2, 0.1) });
  assert.ok(count(worse, 'failed') / runs >= 0.9, `${count(worse, 'failed')} of ${runs}`);
});

test('gaussian rewards of any size: money', () => {
  const spec = planOf({
    metric: 'value',
    rewards: 'gaussian',
    margin: 1,
    value: { truePositive: 10, falsePositive: -8, trueNegative: 1, falseNegative: -5 },
  });
  const reward = (rng: Rng, challenger: boolean): number => 5 * rng.normal() + (challenger ? 2 : 0);
  const runs = heavy ? 300 : 20;
  const all = ends(runs, 32, { ...shape, spec, reward });
  assert.ok(count(all, 'promoted') / runs >= 0.9, `${count(all, 'promoted')} of ${runs}`);
});
