import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { compareModels } from './compare-models.ts';
import { type Estimate, type Gate, gateSchema } from './contract.ts';
import { estimateText } from './estimate-text.ts';
import { type Evidence, judgeGates, overallVerdict } from './judge-gates.ts';
import { measureLatency } from './measure-latency.ts';
import { segmentRows } from './segment-rows.ts';

const rng = createRng(1);
const labels = Uint8Array.from({ length: 500 }, (_, k) => (k % 4 === 0 ? 1 : 0));
const scores = Float64Array.from(labels, (label) => 0.2 + 0.3 * label * rng.next() + 0.2 * rng.next());
const comparison = compareModels(
  { labels, candidate: scores, champion: scores },
  { threshold: 0.4, confidence: 0.95, dummyScore: 0.25, seed: 0, resamples: 50 },
);
const estimate = (value: number | null, low = value, high = value): Estimate => ({
  value,
  low,
  high,
  n: 41203,
});

function verdictOf(gate: Gate, change: { auc?: Estimate; difference?: Estimate; p99Ms?: Estimate }) {
  const evidence: Evidence = {
    overall: {
      ...comparison,
      candidate: { ...comparison.candidate, auc: change.auc ?? comparison.candidate.auc },
      candidateMinusChampion: {
        ...comparison.candidateMinusChampion!,
        auc: change.difference ?? comparison.candidateMinusChampion!.auc,
        logLoss: change.difference ?? comparison.candidateMinusChampion!.logLoss,
      },
    },
    latency: { p50Ms: estimate(1), p99Ms: change.p99Ms ?? estimate(1) },
    nonFiniteScores: 0,
    championDigest: 'sha256:c',
  };
  const { verdict, reason } = judgeGates([gate], evidence)[1]!;
  return { verdict, reason };
}

test('a bound is passed or failed by the whole interval, else unsure', () => {
  const gate: Gate = { metric: 'auc', min: 0.65 };
  assert.deepEqual(verdictOf(gate, { auc: estimate(0.713, 0.708, 0.718) }), {
    verdict: 'pass',
    reason: 'AUC 0.713 (0.708 to 0.718) is at least 0.65 on 41,203 rows',
  });
  assert.deepEqual(verdictOf(gate, { auc: estimate(0.63, 0.62, 0.64) }), {
    verdict: 'fail',
    reason: 'AUC 0.630 (0.620 to 0.640) is below 0.65 on 41,203 rows',
  });
  assert.equal(verdictOf(gate, { auc: estimate(0.655, 0.645, 0.665) }).verdict, 'unsure');
  assert.deepEqual(verdictOf(gate, { auc: estimate(null) }), {
    verdict: 'unsure',
    reason: 'AUC is not defined on 41,203 rows, so it cannot be compared with 0.65',
  });
  assert.equal(verdictOf({ latencyP99Ms: 10 }, { p99Ms: estimate(50, 48, null) }).verdict, 'fail');
  assert.equal(verdictOf({ latencyP99Ms: 10 }, { p99Ms: estimate(9, 8, null) }).verdict, 'unsure');
  assert.equal(verdictOf({ latencyP99Ms: 10 }, { p99Ms: estimate(2, 1, 3) }).verdict, 'pass');
});

test('against the champion: margin 0 asks for better, a margin for not worse, each metric in its own direction', () => {
  const better: Gate = { metric: 'auc', against: 'champion', margin: 0 };
  const notWorse: Gate = { metric: 'auc', against: 'champion', margin: 0.01 };
  const gain = estimate(0.012, 0.008, 0.016);
  assert.deepEqual(verdictOf(better, { difference: gain }), {
    verdict: 'pass',
    reason: 'AUC changes by 0.0120 (0.0080 to 0.0160) against the champion on the same 41,203 rows: better',
  });
  const slightLoss = estimate(-0.004, -0.008, -0.001);
  assert.equal(verdictOf(better, { difference: slightLoss }).verdict, 'fail');
  assert.equal(verdictOf(notWorse, { difference: slightLoss }).verdict, 'pass');
  assert.equal(verdictOf(notWorse, { difference: estimate(-0.01, -0.02, 0.001) }).verdict, 'unsure');
  assert.equal(verdictOf(better, { difference: estimate(null) }).verdict, 'unsure');
  const logLoss: Gate = { metric: 'logLoss', against: 'champion', margin: 0 };
  assert.equal(verdictOf(logLoss, { difference: gain }).verdict, 'fail', 'more log loss is worse');
  assert.equal(verdictOf(logLoss, { difference: slightLoss }).verdict, 'pass');
  const same = verdictOf(better, {});
  assert.equal(same.verdict, 'unsure', 'the same model again is not better');
});

test('the whole verdict is the worst of all', () => {
  const of = (...verdicts: ('pass' | 'fail' | 'unsure')[]) =>
    overallVerdict(
      verdicts.map((verdict) => ({ gate: null, name: '', verdict, measured: null, reason: '' })),
    );
  assert.deepEqual(
    [of('pass', 'unsure', 'fail'), of('unsure', 'pass'), of('pass')],
    ['fail', 'unsure', 'pass'],
  );
});

test('a gate in none of the forms is refused in one sentence', () => {
  const problem = (gate: unknown) => gateSchema.safeParse(gate).error?.issues.map((issue) => issue.message);
  assert.deepEqual(problem({ metric: 'au', min: 0.6 }), [
    'unknown metric "au"; the known metrics are auc, logLoss, brier, ece, accuracy, balancedAccuracy, precision, recall, specificity, f1, mcc',
  ]);
  assert.match(problem({ metric: 'auc', minimum: 0.6 })![0]!, /^unknown key minimum; a gate is one of/);
  assert.match(problem({ latencyP99Ms: '10ms' })![0]!, /positive number of milliseconds, not "10ms"/);
  assert.match(problem({ metric: 'auc', against: 'champion', margin: -1 })![0]!, /not negative/);
  assert.deepEqual(problem({ latencyP99Ms: 0 }), ['latencyP99Ms is a positive number of milliseconds']);
  assert.match(problem('auc')![0]!, /^a gate is one of/);
});

test('segments: top values, the pooled rest, missing; each row once', () => {
  const values = [
    ...new Array<string>(150).fill('b'),
    ...new Array<string>(150).fill('a'),
    ...Array.from({ length: 40 }, (_, k) => `rare ${k}`),
    ...new Array<null>(5).fill(null),
  ];
  const segments = segmentRows(values);
  assert.deepEqual(
    segments.map((s) => [s.value, s.kind, s.rows.length]),
    [
      ['a', 'value', 150],
      ['b', 'value', 150],
      [null, 'other', 40],
      [null, 'missing', 5],
    ],
  );
  const many = Array.from({ length: 3000 }, (_, k) => `v${k % 20}`);
  assert.equal(segmentRows(many).length, 11);
  assert.deepEqual(segmentRows([]), []);
});

test('estimates are written with the digits that their interval supports', () => {
  assert.equal(estimateText(estimate(0.48312, 0.4796, 0.4866)), '0.4831 (0.4796 to 0.4866)');
  assert.equal(estimateText(estimate(12.3, 11, 14)), '12.30 (11.00 to 14.00)');
  assert.equal(estimateText(estimate(0.5)), '0.500 (0.500 to 0.500)');
  assert.equal(estimateText(estimate(50, 48, null)), '50.00 (48.00 or more)');
  assert.equal(estimateText({ value: 0.5, low: null, high: null, n: 1 }), '0.500');
});

test('latency is measured per row', async () => {
  const { p50Ms, p99Ms } = await measureLatency(
    () => new Promise((resolve) => setTimeout(resolve, 2)),
    10,
    createRng(1),
  );
  assert.ok(p50Ms.value! >= 1 && p99Ms.value! >= p50Ms.value! && p50Ms.n >= 50);
});
