import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../rng.ts';
import { momentsOf } from '../moments.ts';
import { type BanditArm, boundedShares, epsilonGreedyShares, thompsonShares } from './bandit-shares.ts';

const armOf = (arm: string, n: number, successes: number): BanditArm => ({
  arm,
  reward: { n, mean: n === 0 ? 0 : successes / n, m2: n === 0 ? 0 : successes * (1 - successes / n) },
});

test('Thompson: shares are the probability of being best', () => {
  const rng = createRng(1);
  // P(Beta(13, 9) > Beta(9, 13)), by numerical integration with scipy.
  const two = thompsonShares([armOf('a', 20, 12), armOf('b', 20, 8)], 'beta', rng);
  assert.ok(Math.abs((two.a ?? 0) - 0.8916) < 0.02, `${two.a}`);
  const fresh = thompsonShares([armOf('a', 0, 0), armOf('b', 0, 0), armOf('c', 0, 0)], 'beta', rng);
  for (const share of Object.values(fresh)) assert.ok(Math.abs(share - 1 / 3) < 0.03);
});

test('Thompson with Gaussian rewards: equal arms share, a clearly better one has nearly all', () => {
  const rng = createRng(2);
  const values = (mean: number, n: number) =>
    momentsOf(Array.from({ length: n }, () => mean + rng.normal() * 50));
  const same = { arm: 'b', reward: values(1000, 300) };
  const even = thompsonShares([{ ...same, arm: 'a' }, same], 'gaussian', rng);
  assert.ok(Math.abs((even.a ?? 0) - 0.5) < 0.03);
  const better = thompsonShares([same, { arm: 'a', reward: values(1030, 300) }], 'gaussian', rng);
  assert.ok((better.a ?? 0) > 0.99, `${better.a}`);
});

test('epsilon-greedy: epsilon is spread evenly, untried arms go first', () => {
  assert.deepEqual(epsilonGreedyShares([armOf('a', 10, 5), armOf('b', 10, 4)], 0.2), { a: 0.9, b: 0.1 });
  assert.deepEqual(epsilonGreedyShares([armOf('a', 10, 5), armOf('b', 0, 0)], 0.2), { a: 0.1, b: 0.9 });
});

test('shares keep to the floor, move slowly and sum to 1', () => {
  const now = { a: 0.5, b: 0.5 };
  const free = boundedShares(now, { a: 1, b: 0 }, 0.05, 1);
  assert.ok(Math.abs((free.a ?? 0) - 0.95) < 1e-12 && Math.abs((free.b ?? 0) - 0.05) < 1e-12);
  const slow = boundedShares(now, { a: 1, b: 0 }, 0.05, 0.1);
  assert.ok(Math.abs((slow.a ?? 0) - 0.6) < 1e-12 && Math.abs((slow.b ?? 0) - 0.4) < 1e-12);
});

test('a bandit with delayed rewards finds the best of three arms, and still asks the others', () => {
  const rng = createRng(9);
  const rates: Readonly<Record<string, number>> = { a: 0.1, b: 0.12, c: 0.2 };
  let best = 0;
  for (let run = 0; run < 3; run++) {
    let shares: Readonly<Record<string, number>> = { a: 1 / 3, b: 1 / 3, c: 1 / 3 };
    const byStep: Record<string, number[]>[] = [];
    const known: Readonly<Record<string, number[]>> = { a: [], b: [], c: [] };
    for (let step = 0; step < 40; step++) {
      const now: Record<string, number[]> = { a: [], b: [], c: [] };
      for (let i = 0; i < 100; i++) {
        const u = rng.next();
        const arm = u < (shares.a ?? 0) ? 'a' : u < (shares.a ?? 0) + (shares.b ?? 0) ? 'b' : 'c';
        now[arm]?.push(rng.next() < (rates[arm] ?? 0) ? 1 : 0);
      }
      // Rewards become known five steps later.
      byStep.push(now);
      for (const [arm, rewards] of Object.entries(byStep[step - 5] ?? {})) known[arm]?.push(...rewards);
      const arms = Object.entries(known).map(([arm, rewards]) => ({ arm, reward: momentsOf(rewards) }));
      shares = boundedShares(shares, thompsonShares(arms, 'beta', rng), 0.02, 0.2);
      assert.ok(Object.values(shares).every((share) => share >= 0.02 - 1e-12));
    }
    if ((shares.c ?? 0) > 0.9) best++;
  }
  assert.ok(best >= 2, `${best} of 3`);
});
