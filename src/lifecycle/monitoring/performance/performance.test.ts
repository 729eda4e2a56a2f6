import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../../core/rng.ts';
import { monitorSpecSchema } from '../contract.ts';
import { compareMetric } from './compare-metric.ts';
import { measurePerformance } from './measure-performance.ts';

const spec = monitorSpecSchema.parse({}).performance;
const rules = { n: 1000, minLabels: 200, tolerance: 0 };

test('a small case, by hand', () => {
  const labels = Uint8Array.from([1, 0, 1, 0]);
  const scores = Float64Array.from([0.8, 0.4, 0.4, 0.2]);
  const result = measurePerformance({ labels, scores }, { eligible: 5, mature: true }, undefined, spec);
  const value = (metric: string) => result.metrics.find((m) => m.metric === metric)?.value ?? Number.NaN;
  const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-12);
  near(value('logLoss'), -(Math.log(0.8) + Math.log(0.6) + Math.log(0.4) + Math.log(0.8)) / 4);
  near(value('brier'), (0.04 + 0.16 + 0.36 + 0.04) / 4);
  // Pairs: 0.8 beats both, 0.4 beats 0.2 and ties 0.4: 3.5 of 4.
  near(value('auc'), 3.5 / 4);
  near(value('accuracy'), 3 / 4);
  assert.deepEqual([result.labelled, result.eligible, result.coverageRatio], [4, 5, 0.8]);
  assert.equal(result.baseRate?.value, 0.5);
  near(result.metrics.find((m) => m.metric === 'logLoss')?.dummy ?? 0, Math.log(2));
  assert.ok(result.metrics.every((m) => m.verdict === 'no-reference'));
});

test('no labels and one class only are not defined, never zero', () => {
  const none = measurePerformance(
    { labels: new Uint8Array(), scores: new Float64Array() },
    { eligible: 0, mature: false },
    undefined,
    spec,
  );
  assert.deepEqual([none.metrics, none.baseRate, none.meanScore, none.coverageRatio], [[], null, null, 0]);
  const oneClass = measurePerformance(
    { labels: Uint8Array.from([0, 0, 0]), scores: Float64Array.from([0.1, 0.2, 0.3]) },
    { eligible: 3, mature: true },
    undefined,
    spec,
  );
  assert.equal(
    oneClass.metrics.some((m) => m.metric === 'auc'),
    false,
  );
  assert.equal(oneClass.metrics.find((m) => m.metric === 'logLoss')?.dummy, 0);
});

test('verdicts need the whole interval of the difference on one side', () => {
  const before = { value: 0.5, low: 0.49, high: 0.51 };
  const at = (value: number, half: number) => ({ value, low: value - half, high: value + half });
  assert.equal(compareMetric('logLoss', at(0.52, 0.01), before, rules).verdict, 'worse');
  assert.equal(compareMetric('logLoss', at(0.51, 0.01), before, rules).verdict, 'same');
  assert.equal(compareMetric('logLoss', at(0.48, 0.01), before, rules).verdict, 'better');
  assert.equal(compareMetric('auc', at(0.48, 0.01), before, rules).verdict, 'worse');
  assert.equal(
    compareMetric('logLoss', at(0.52, 0.01), before, { ...rules, tolerance: 0.02 }).verdict,
    'same',
  );
  assert.equal(compareMetric('logLoss', at(0.9, 0.01), before, { ...rules, n: 199 }).verdict, 'insufficient');
  assert.match(
    compareMetric('logLoss', at(0.52, 0.01), before, rules).reason,
    /^log loss 0\.52 against 0\.5 before deployment: worse; difference 0\.02 \(95 %: 0\.00586 to 0\.0341\) on 1000 labels$/,
  );
});

test('a model as good as before is called worse in about one window of forty', () => {
  const rng = createRng(5);
  const draw = (n: number) => {
    const scores = Float64Array.from({ length: n }, () => 1 / (1 + Math.exp(-rng.normal() + 1)));
    return { scores, labels: Uint8Array.from(scores, (score) => (rng.next() < score ? 1 : 0)) };
  };
  let worse = 0;
  const repeats = 400;
  for (let i = 0; i < repeats; i++) {
    const before = measurePerformance(draw(1000), { eligible: 1000, mature: true }, undefined, spec);
    const metrics = before.metrics.map(({ metric, value, low, high }) => ({ metric, value, low, high }));
    const reference = {
      modelVersion: '1',
      datasetVersionId: 'd',
      evaluationId: null,
      scoresDigest: null,
      metrics,
      baseRate: null,
    };
    const now = measurePerformance(draw(500), { eligible: 500, mature: true }, reference, spec);
    worse += now.metrics.find((m) => m.metric === 'logLoss')?.verdict === 'worse' ? 1 : 0;
  }
  assert.ok(worse / repeats < 0.05, `${worse} of ${repeats}`);
});
