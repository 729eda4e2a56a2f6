import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { rolloutSpecSchema } from '../contract.ts';
import { alpha, assertWithin, heavy, otherSeed } from './rates.testing.ts';
import { type StickyRollout, simulateSticky } from './sticky-simulation.testing.ts';

/** What rollouts promise where entities come back, keep their arm, and are alike in all that they ask. */
const plan = { alpha, minLabels: 200, prove: 'better', metric: 'outcome', maxTime: '365d' };
const canary = rolloutSpecSchema.parse({
  ...plan,
  kind: 'canary',
  version: 2,
  shadow: null,
  mirror: false,
  steps: [5, 10, 20, 50, 100],
});
const bandit = rolloutSpecSchema.parse({
  ...plan,
  kind: 'bandit',
  arms: [{ arm: 'challenger', version: 2 }],
  promote: 'auto',
  algorithm: 'epsilonGreedy',
});
const shape = { looks: 40, requestsPerLook: 150 } as const;
const runs = heavy ? 300 : 60;

/** Of equal arms: why those ended that did. */
function wrongOf(t: TestContext, seed: number, rollout: StickyRollout): readonly string[] {
  const rng = createRng(seed + otherSeed);
  const ends = Array.from({ length: runs }, () => simulateSticky(rng, rollout));
  const wrong = ends.flatMap(({ end, look }) => (end === 'undecided' ? [] : [look.reason]));
  for (const reason of wrong) t.diagnostic(reason);
  return wrong;
}

test('A/A: a bandit whose 200 entities come back under 40 splits: within the stated rate', (t) => {
  const entity: StickyRollout['entity'] = (rng) => ({ label: rng.next() < 0.5 ? 0.95 : 0.05 });
  assertWithin(t, wrongOf(t, 40, { ...shape, spec: bandit, entities: 200, skew: 0, entity }).length, runs);
});

test('who can never be answered, and comes back, says no more against the arm that it fell to; nor do few that ask for most against the split', (t) => {
  const entity: StickyRollout['entity'] = (rng) => ({ label: 0.5, failure: rng.next() < 0.02 ? 1 : 0 });
  for (const [entities, skew] of [
    [300, 0],
    [1000, 1],
  ] as const) {
    const wrong = wrongOf(t, 42, { ...shape, spec: canary, entities, skew, entity });
    assertWithin(t, wrong.length, runs);
    // These have 0.001 each: two of 60 come with probability 0.006.
    const checks = wrong.filter((reason) => /^(errors|split)/.test(reason));
    assert.ok(checks.length <= 1, checks.join('\n'));
  }
});

test('an arm of its own that fails is ended all the same', () => {
  const entity: StickyRollout['entity'] = () => ({ label: 0.5 });
  const rng = createRng(43 + otherSeed);
  for (let run = 0; run < 10; run++) {
    const spec = rolloutSpecSchema.parse({ ...canary, steps: [10, 100] });
    const { end, look } = simulateSticky(rng, {
      ...shape,
      spec,
      entities: 1000,
      skew: 1,
      entity,
      broken: 0.2,
    });
    assert.equal(end, 'failed');
    assert.match(look.reason, /^errors/);
  }
});
