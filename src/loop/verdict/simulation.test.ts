import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createRng, type Rng } from '../../core/rng.ts';
import { rolloutSpecSchema } from '../contract.ts';
import { alpha, assertWithin, heavy, otherSeed } from './rates.testing.ts';
import { type Ended, type Simulated, type Simulation, simulate } from './simulation.testing.ts';

/** What rollouts promise, measured: the judge itself on simulated rollouts, each looked at at every step of its labels. */
function planOf(changes: Readonly<Record<string, unknown>> = {}) {
  return rolloutSpecSchema.parse({
    kind: 'canary',
    version: 2,
    shadow: null,
    steps: [10, 50, 100],
    alpha,
    margin: 0.03,
    minLabels: 400,
    minRequests: 20,
    prove: 'better',
    maxTime: '365d',
    ...changes,
  });
}

/** How many of `runs` rollouts end in each way. */
function outcomes(
  runs: number,
  seed: number,
  simulation: Simulation,
): Readonly<Record<Ended['end'], number>> {
  const rng = createRng(seed + otherSeed);
  const ends = { promoted: 0, worse: 0, fail: 0, undecided: 0 };
  for (let run = 0; run < runs; run++) ends[simulate(rng, simulation).end]++;
  return ends;
}

/** Of equal versions those are wrong that are promoted as better, or given up as worse (or as broken). */
function assertEqualVersions(t: TestContext, ends: Readonly<Record<Ended['end'], number>>): void {
  const wrong = ends.promoted + ends.worse + ends.fail;
  assertWithin(t, wrong, wrong + ends.undecided);
}

/** Log losses are skewed: mostly small, now and then large. */
const skewed = (rng: Rng): number => -Math.log(1 - rng.next()) * 0.4;

interface Traffic {
  /** How much greater the challenger's mean loss is. */
  readonly effect?: number;
  /** Level of the loss at a time: seasons, and moods that last (autocorrelation). */
  readonly level?: (rng: Rng, time: number) => number;
  /** How much the arms differ on one request beyond chance, as a mood that lasts; its mean is 0. */
  readonly disagreement?: (rng: Rng, time: number) => number;
  readonly missing?: number;
  readonly delay?: (rng: Rng) => number;
}

function drawn({ effect = 0, level, disagreement, missing = 0, delay }: Traffic): Simulation['draw'] {
  return (rng, time, share): Simulated => {
    const challenger = rng.next() < share;
    const base = skewed(rng) + (level?.(rng, time) ?? 0);
    const gap = effect + 0.1 * rng.normal() + (disagreement?.(rng, time) ?? 0);
    const known = rng.next() >= missing;
    return {
      challenger,
      loss: known ? base + (challenger ? gap : 0) : null,
      difference: known ? gap : null,
      delay: delay?.(rng) ?? 0,
    };
  };
}

/** A mood that lasts about `length` requests (AR(1)) with standard deviation `size`. */
function mood(length: number, size: number): (rng: Rng, time: number) => number {
  const keep = Math.exp(-1 / length);
  let now = 0;
  return (rng, time) => {
    if (time === 0) now = size * rng.normal();
    now = keep * now + size * Math.sqrt(1 - keep * keep) * rng.normal();
    return now;
  };
}

const season = (_: Rng, time: number): number => 0.3 * Math.sin((2 * Math.PI * time) / 1500);
const shape = { looks: 40, requestsPerLook: 100 } as const;

test('A/A, mirrored: 1,000 rollouts end in a wrong verdict within the stated rate', (t) => {
  assertEqualVersions(t, outcomes(1000, 1, { ...shape, spec: planOf(), draw: drawn({}) }));
});

test('A/A, own requests of each arm: within the stated rate', (t) => {
  assertEqualVersions(t, outcomes(1000, 2, { ...shape, spec: planOf({ mirror: false }), draw: drawn({}) }));
});

test('A/A with seasons and moods that last, both ways of comparing: within the stated rate', (t) => {
  const runs = heavy ? 1000 : 300;
  const level = (rng: Rng, time: number) => season(rng, time) + slow(rng, time);
  const slow = mood(200, 0.3);
  const arms = { ...shape, spec: planOf({ mirror: false }), draw: drawn({ level }) };
  assertEqualVersions(t, outcomes(runs, 3, arms));
  const pairs = { ...shape, spec: planOf(), draw: drawn({ level, disagreement: mood(20, 0.05) }) };
  assertEqualVersions(t, outcomes(runs, 4, pairs));
});

test('A/A with labels that are late and a third missing at random: within the stated rate', (t) => {
  const runs = heavy ? 1000 : 300;
  const late = { missing: 0.33, delay: (rng: Rng) => Math.floor(-5 * Math.log(1 - rng.next())) };
  assertEqualVersions(
    t,
    outcomes(runs, 5, { ...shape, spec: planOf(), draw: drawn({ ...late, level: season }) }),
  );
  const spec = planOf({ mirror: false });
  assertEqualVersions(t, outcomes(runs, 6, { ...shape, spec, draw: drawn({ ...late, level: season }) }));
});

test('A/A where decisions differ in 1 of 50 requests, as often for the better as for the worse: within the stated rate', (t) => {
  const draw = (rng: Rng, _: number, share: number): Simulated => {
    const differs = rng.next() < 0.02;
    const difference = differs ? (rng.next() < 0.5 ? 1 : -1) : 0;
    return { challenger: rng.next() < share, loss: null, difference, delay: 0 };
  };
  assertEqualVersions(
    t,
    outcomes(heavy ? 1000 : 400, 12, { ...shape, spec: planOf({ metric: 'accuracy' }), draw }),
  );
});

test('a version that decides everything alike is not worse', () => {
  const draw = (rng: Rng, _: number, share: number): Simulated => ({
    challenger: rng.next() < share,
    loss: 0.5,
    difference: 0,
    delay: 0,
  });
  const spec = planOf({ metric: 'accuracy', prove: 'notWorse', steps: [10, 50] });
  assert.equal(outcomes(10, 13, { ...shape, spec, draw }).promoted, 10);
});

test('power: a version worse by 0.03 is aborted, one better by 0.03 promoted, in 9 of 10 rollouts and more', () => {
  const runs = heavy ? 1000 : 200;
  const worse = outcomes(runs, 7, { ...shape, spec: planOf(), draw: drawn({ effect: 0.03 }) });
  assert.ok(worse.worse / runs >= 0.9, JSON.stringify(worse));
  assert.ok(worse.promoted / runs <= alpha, JSON.stringify(worse));
  const better = outcomes(runs, 8, { ...shape, spec: planOf(), draw: drawn({ effect: -0.03 }) });
  assert.ok(better.promoted / runs >= 0.9, JSON.stringify(better));
  assert.ok(better.worse / runs <= alpha, JSON.stringify(better));
});

test('power with seasons, moods and labels that are late and missing: 9 of 10 still', () => {
  const runs = heavy ? 1000 : 200;
  const hard = {
    level: season,
    disagreement: mood(10, 0.03),
    missing: 0.33,
    delay: (rng: Rng) => rng.int(5),
  };
  const worse = outcomes(runs, 9, {
    ...shape,
    looks: 80,
    spec: planOf(),
    draw: drawn({ ...hard, effect: 0.04 }),
  });
  assert.ok(worse.worse / runs >= 0.9, JSON.stringify(worse));
});

test('not worse by more than the margin: equal versions are promoted, and one worse by the margin hardly ever', () => {
  const runs = heavy ? 1000 : 200;
  const spec = planOf({ prove: 'notWorse', margin: 0.02 });
  const equal = outcomes(runs, 10, { ...shape, spec, draw: drawn({}) });
  assert.ok(equal.promoted / runs >= 0.9, JSON.stringify(equal));
  const worse = outcomes(runs, 11, { ...shape, spec, draw: drawn({ effect: 0.02 }) });
  const limit = runs * alpha + 2 * Math.sqrt(runs * alpha * (1 - alpha));
  assert.ok(worse.promoted <= limit, JSON.stringify(worse));
});

test('A/A: own requests whose worst outcomes come late, or whose better ones mostly never, in both arms alike', (t) => {
  const runs = heavy ? 1000 : 60;
  const isBad = (loss: number) => loss > 0.65;
  const cases: readonly ((rng: Rng, loss: number) => Pick<Simulated, 'loss' | 'delay'>)[] = [
    (_, loss) => ({ loss, delay: isBad(loss) ? 10 : 0 }),
    (rng, loss) => ({ loss: isBad(loss) || rng.next() < 0.1 ? loss : null, delay: 0 }),
  ];
  for (const [i, labelled] of cases.entries()) {
    const draw: Simulation['draw'] = (rng, _, share) => {
      const challenger = rng.next() < share;
      return { challenger, difference: null, ...labelled(rng, skewed(rng)) };
    };
    const spec = planOf({ mirror: false });
    assertEqualVersions(t, outcomes(runs, 70 + i, { spec, looks: 40, requestsPerLook: 100, draw }));
  }
});
