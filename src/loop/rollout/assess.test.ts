import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { momentsOf } from '../../core/statistics/Moments.ts';
import { parseTime } from '../../core/time.ts';
import type { ArmOutcome, ArmOutcomes } from '../../lifecycle/feedback/index.ts';
import { loopFileSchema, type Rollout } from '../contract.ts';
import { assess } from './assess.ts';
import { compareOutcomes } from './compareOutcomes.ts';

const file = loopFileSchema.parse({
  loop: 'flights',
  data: { source: 'x', time: 't', entity: 'e', label: { column: 'late' } },
  train: { run: 'python train.py' },
  deploy: {
    shadow: { minRequests: 100 },
    canary: { steps: [10, 100], minRequests: 50, minLabels: 200, minTime: '1d', maxTime: '10d' },
    verdict: { alpha: 0.05, margin: 0.02 },
    guardrails: { maxErrorRatio: 0.01, maxLatencyP99Ms: 50 },
  },
});

function rollout(stage: 'shadow' | 'canary', step: number | null): Rollout {
  return {
    stage,
    step,
    steps: [10, 100],
    percent: step === null ? 0 : ([10, 100][step] ?? 100),
    routeVersion: 5,
    since: '2001-03-01T00:00:00.000Z',
    sinceEventTime: '2001-03-01T00:00:00.000Z',
    beganEventTime: '2001-03-01T00:00:00.000Z',
    assessedAt: null,
    assessedEventTime: null,
    requests: { have: 0, need: 0 },
    labels: { have: 0, need: 0 },
    timeMs: { have: 0, need: 0 },
    outcome: null,
    guardrails: [],
    verdict: 'waiting',
    reason: '',
  };
}

interface Seen {
  readonly requests?: number;
  readonly failed?: number;
  readonly championFailed?: number;
  readonly slow?: number;
  readonly nonFinite?: number;
  readonly differences?: readonly number[];
  /** Route version of the challenger's rows. */
  readonly route?: number;
}

function outcomes(seen: Seen): ArmOutcomes {
  const none = { n: 0, mean: 0, m2: 0 };
  const arm = (
    name: ArmOutcome['arm'],
    modelVersion: string,
    predictions: number,
    failed = 0,
  ): ArmOutcome => ({
    arm: name,
    modelVersion,
    predictions,
    failed,
    nonFinite: 0,
    slow: 0,
    labelled: 0,
    latencyMs: null,
    firstEventTimeMs: 0,
    lastEventTimeMs: 0,
    strata: [
      {
        routeVersion: seen.route ?? 5,
        predictions,
        failed,
        nonFinite: name === 'champion' ? 0 : (seen.nonFinite ?? 0),
        slow: name === 'challenger' ? (seen.slow ?? 0) : 0,
        logLoss: none,
        brier: none,
      },
    ],
  });
  const difference = momentsOf(seen.differences ?? []);
  return {
    arms: [
      arm('champion', '1', 10_000, seen.championFailed),
      arm('challenger', '2', seen.requests ?? 0, seen.failed),
      arm('shadow', '2', seen.requests ?? 0),
    ],
    paired: [
      {
        shadowVersion: '2',
        championVersion: '1',
        pairs: difference.n,
        logLossDifference: difference,
        brierDifference: difference,
        meanScoreDistance: null,
      },
    ],
  };
}

function lookAt(step: Rollout, seen: Seen, at = '2001-03-03') {
  return assess({
    deploy: file.deploy,
    rollout: step,
    outcomes: outcomes(seen),
    championVersion: '1',
    challengerVersion: '2',
    nowMs: 0,
    watermarkMs: parseTime(at),
  });
}

/** `n` differences around a mean, with standard deviation 0.1. */
function around(mean: number, n: number): readonly number[] {
  return Array.from({ length: n }, (_, i) => mean + (i % 2 === 0 ? 0.1 : -0.1));
}

test('shadow passes on requests alone, and does not judge outcomes', () => {
  assert.equal(
    lookAt(rollout('shadow', null), { requests: 99 }).reason,
    'waits for 1 more mirrored requests',
  );
  const passed = lookAt(rollout('shadow', null), { requests: 100, differences: around(0.5, 400) });
  assert.equal(passed.verdict, 'pass');
});

test('requests count only from the present step on', () => {
  const seen = lookAt(rollout('canary', 0), { requests: 500, route: 4, differences: around(0, 2000) });
  assert.deepEqual(seen.requests, { have: 0, need: 50 });
});

test('a canary step waits for requests, labels and event time, each named', () => {
  const seen = lookAt(
    rollout('canary', 0),
    { requests: 20, differences: around(0, 150) },
    '2001-03-01T12:00',
  );
  assert.equal(seen.verdict, 'waiting');
  assert.equal(seen.reason, 'waits for 30 more requests, 50 more labelled pairs, 12 h of event time');
});

test('a challenger that is worse fails at any look in canary', () => {
  const seen = lookAt(rollout('canary', 0), { requests: 5, differences: around(0.08, 150) });
  assert.equal(seen.verdict, 'fail');
  assert.match(
    seen.reason,
    /^the challenger is worse: log loss \+0\.0800 \(\+0\.0\d+ to \+0\.\d+\) on 150 labelled pairs$/,
  );
});

test('all of the traffic is given only to a challenger known not to be worse', () => {
  const unsure = lookAt(rollout('canary', 0), { requests: 60, differences: around(0.005, 200) });
  assert.equal(unsure.outcome?.verdict, 'undecided');
  assert.match(unsure.reason, /^waits for proof that the challenger is not worse \(log loss \+0\.0050/);
  const sure = lookAt(rollout('canary', 0), { requests: 60, differences: around(0.0, 2000) });
  assert.equal(sure.outcome?.verdict, 'notWorse');
  assert.equal(sure.verdict, 'pass');
});

test('known to be worse is worse, also within the margin', () => {
  const seen = lookAt(rollout('canary', 0), { requests: 60, differences: around(0.012, 4000) });
  assert.ok((seen.outcome?.high ?? 1) < 0.02);
  assert.equal(seen.outcome?.verdict, 'worse');
});

test('what stays undecided is given up after maxTime of event time', () => {
  const seen = lookAt(rollout('canary', 0), { requests: 60, differences: around(0.005, 200) }, '2001-03-12');
  assert.equal(seen.verdict, 'fail');
  assert.match(seen.reason, /^still undecided after 10 d of event time: proof that/);
});

test('guardrails: errors beyond the champion’s own, scores that are no numbers, slow answers', () => {
  const failing = lookAt(rollout('canary', 0), { requests: 300, failed: 30 });
  assert.match(
    failing.reason,
    /^errors: 30 of 600 requests failed \(5\.00 %, at least [12]\.\d\d %\); 1\.00 % is allowed$/,
  );
  const shared = lookAt(rollout('canary', 0), { requests: 300, failed: 30, championFailed: 800 });
  assert.equal(shared.guardrails[0]?.verdict, 'pass');
  assert.equal(lookAt(rollout('shadow', null), { requests: 10, nonFinite: 1 }).verdict, 'fail');
  const slow = lookAt(rollout('canary', 0), { requests: 300, slow: 30 });
  assert.match(slow.reason, /^latency p99: 30 of 300 answers took longer than 50 ms/);
  assert.equal(lookAt(rollout('canary', 0), { requests: 300, slow: 3 }).guardrails[2]?.verdict, 'pass');
});

test('equal models: at most alpha of roll-outs are ever called worse, looked at after each 10 pairs', () => {
  const rng = createRng(7);
  const runs = 400;
  let wrong = 0;
  for (let run = 0; run < runs; run++) {
    const differences: number[] = [];
    for (let look = 0; look < 100; look++) {
      // Differences of log loss are skewed: mostly small, now and then large.
      for (let i = 0; i < 10; i++)
        differences.push((rng.next() < 0.5 ? -1 : 1) * -Math.log(1 - rng.next()) * 0.1);
      const { verdict } = compareOutcomes(
        outcomes({ differences }),
        '1',
        '2',
        { alpha: 0.05, margin: 0 },
        300,
      );
      if (verdict !== 'worse') continue;
      wrong += 1;
      break;
    }
  }
  assert.ok(wrong / runs <= 0.05, `${wrong} of ${runs}`);
});

test('a model trained in another unit is found out within a few hundred pairs', () => {
  const rng = createRng(11);
  const needed: number[] = [];
  for (let run = 0; run < 50; run++) {
    const differences: number[] = [];
    for (;;) {
      for (let i = 0; i < 10; i++) differences.push(0.05 + (rng.next() - 0.5));
      if (compareOutcomes(outcomes({ differences }), '1', '2', file.deploy.verdict, 300).verdict === 'worse')
        break;
    }
    needed.push(differences.length);
  }
  const median = needed.sort((a, b) => a - b)[25] ?? 0;
  assert.ok(median < 700, `median ${median} pairs`);
});
