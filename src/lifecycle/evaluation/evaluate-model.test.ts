import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logisticPackage } from '../../platform/onnx/testing.ts';
import { evaluationReportSchema } from './contract.ts';
import { evaluateModel } from './evaluate-model.ts';
import { PackagedModel } from './packaged-model.ts';
import { openEvaluation, testRows } from './testing.ts';

test('a model is judged on the hold-out beside the dummy and the champion', async (t) => {
  const { context, logistic, inputs, lines } = await openEvaluation(t);
  const candidateDigest = await logistic(1.5, -1, -1);
  const championDigest = await logistic(0.6, 0.2, -1);
  const request = inputs({
    candidateDigest,
    championDigest,
    segments: ['origin'],
    gates: [
      { metric: 'auc', min: 0.65 },
      { metric: 'auc', against: 'champion', margin: 0 },
      { metric: 'logLoss', max: 0.3 },
      { latencyP99Ms: 1000 },
    ],
  });
  const report = await evaluateModel(request, context);
  assert.deepEqual(evaluationReportSchema.parse(JSON.parse(JSON.stringify(report))), report);

  const { overall } = report;
  assert.deepEqual([report.dataset.rows, report.dataset.unlabelledRows], [3000, 60]);
  assert.equal(overall.rows, 2940);
  assert.ok(overall.candidate.auc.value! > 0.78 && overall.candidate.auc.value! < 0.88);
  assert.equal(overall.dummy.auc.value, 0.5);
  assert.equal(report.dummy.from, 'rows outside the hold-out');
  assert.ok(Math.abs(report.dummy.score - overall.positives / overall.rows) < 0.05);
  assert.ok(overall.candidateMinusChampion!.auc.low! > 0 && overall.candidateMinusDummy.logLoss.high! < 0);
  const fromMeans = overall.candidate.logLoss.value! - overall.champion!.logLoss.value!;
  assert.ok(Math.abs(overall.candidateMinusChampion!.logLoss.value! - fromMeans) < 1e-12);
  assert.ok(Math.abs(report.candidate.calibration.slope! - 1) < 0.15, 'the true law is calibrated');

  assert.deepEqual(
    report.segments.map((s) => [s.value, s.kind]),
    [
      ['ATL', 'value'],
      ['ORD', 'value'],
      ['SFO', 'value'],
      [null, 'missing'],
    ],
  );
  assert.equal(
    report.segments.reduce((sum, s) => sum + s.comparison.rows, 0),
    overall.rows,
  );
  assert.deepEqual(
    report.gates.map((gate) => gate.verdict),
    ['pass', 'pass', 'pass', 'fail', 'pass'],
  );
  assert.equal(report.verdict, 'fail');
  assert.match(report.gates[1]!.reason, /^AUC 0\.\d+ \(0\.\d+ to 0\.\d+\) is at least 0\.65 on 2,940 rows$/);
  assert.ok(lines.some((line) => line.startsWith('gate logLoss ≤ 0.3: fail. Log loss')));
  assert.ok(report.candidate.roc!.length <= 100);
  assert.equal(
    report.candidate.scoreHistogram.reduce((sum, bin) => sum + bin.negatives + bin.positives, 0),
    2940,
  );

  const again = await evaluateModel(request, context);
  const withoutTimes = ({ candidate, champion, gates, ...rest }: typeof report) => ({
    ...rest,
    curves: [candidate, champion].map((curves) => ({ ...curves, latency: null })),
    verdicts: gates.map((gate) => gate.verdict),
  });
  assert.deepEqual(withoutTimes(again), withoutTimes(report), 'the same but for the measured times');
});

test('a hold-out by time, the first model, and a file that is all hold-out', async (t) => {
  const { context, logistic, inputs } = await openEvaluation(t);
  const candidateDigest = await logistic(1.5, -1, -1);
  const day = { by: 'time', column: 'departed', from: '2001-01-02', to: '2001-01-03T00:00:00Z' } as const;
  const gates = [{ metric: 'auc', against: 'champion', margin: 0 }] as const;
  const first = await evaluateModel(inputs({ candidateDigest, holdout: day, gates: [...gates] }), context);
  assert.equal(first.dataset.rows, 1440);
  assert.equal(first.champion, null);
  assert.deepEqual(
    [first.verdict, first.gates[1]!.reason],
    ['pass', 'There is no champion yet, so AUC is compared with none'],
  );
  const all = { by: 'rows', fromRow: 0, toRow: testRows } as const;
  const whole = await evaluateModel(inputs({ candidateDigest, holdout: all }), context);
  assert.equal(whole.dummy.from, 'the hold-out itself');
  assert.equal(whole.dummy.score, whole.overall.positives / whole.overall.rows);
});

test('scores that are not finite are counted, left out, and refused', async (t) => {
  const { context, logistic, inputs } = await openEvaluation(t);
  const candidateDigest = await logistic(Number.NaN, 1, 0);
  const championDigest = await logistic(1, -1, 0);
  const report = await evaluateModel(
    inputs({ candidateDigest, championDigest, segments: ['origin'] }),
    context,
  );
  assert.equal(report.candidate.nonFiniteScores, 2940);
  assert.equal(report.champion!.nonFiniteScores, 0);
  assert.equal(report.overall.candidate.auc.value, null);
  assert.equal(report.verdict, 'fail');
  assert.equal(report.gates[0]!.reason, '2,940 of 2,940 scores are NaN or infinite');
  assert.deepEqual(evaluationReportSchema.parse(JSON.parse(JSON.stringify(report))), report);
});

test('what cannot be evaluated is refused with the thing named', async (t) => {
  const { context, logistic, inputs } = await openEvaluation(t);
  const candidateDigest = await logistic(1, -1, 0);
  const evaluate = (change: Parameters<typeof inputs>[0]) =>
    evaluateModel(inputs({ candidateDigest, ...change }), context);
  await assert.rejects(evaluate({ labelColumn: 'lat' }), {
    code: 'evaluation_column_missing',
    message: /no column "lat", which is the label; they have departed, x1/,
  });
  await assert.rejects(evaluate({ segments: ['airport'] }), { message: /"airport", which is a segment/ });
  await assert.rejects(evaluate({ positiveClass: 'late' }), {
    code: 'evaluation_class_unknown',
    message: /never holds the positive class "late"; it holds "false", "true"/,
  });
  await assert.rejects(evaluate({ holdout: { by: 'rows', fromRow: 9000, toRow: 9001 } }), {
    code: 'evaluation_no_rows',
    message: /holds 0 rows/,
  });
  await assert.rejects(evaluate({ positiveClass: 'false' }), {
    code: 'evaluation_class_mismatch',
    message: /probability of class "1", the positive class is "false"/,
  });
  await assert.rejects(evaluate({ candidateDigest: `sha256:${'0'.repeat(64)}` }), { code: 'blob_missing' });
  await assert.rejects(evaluate({ candidateDigest: await logistic(1, 1, 0, { score: null }) }), {
    code: 'evaluation_no_score',
    message: /outputs are label, probability/,
  });
  const { signature, graph } = logisticPackage();
  const renamed = {
    signature: {
      ...signature,
      inputs: signature.inputs.map((i) => ({ ...i, name: i.name.replace('x2', 'y') })),
    },
    graph: {
      ...graph,
      inputs: graph.inputs.map((i) => ({ ...i, columns: [i.columns[0]!.replace('x2', 'y')] })),
    },
  };
  await assert.rejects(evaluate({ candidateDigest: await logistic(1, 1, 0, renamed) }), {
    code: 'evaluation_column_missing',
    message: /"y", which is an input of the model/,
  });
});

test('a champion that cannot be opened leaves no candidate open', async (t) => {
  const { context, logistic, inputs } = await openEvaluation(t);
  const candidateDigest = await logistic(1, -1, 0);
  const close = t.mock.method(PackagedModel.prototype, 'close');
  const championDigest = `sha256:${'0'.repeat(64)}` as const;
  await assert.rejects(evaluateModel(inputs({ candidateDigest, championDigest }), context), {
    code: 'blob_missing',
  });
  assert.equal(close.mock.callCount(), 1);
});

test('labels written as 1, 1.0 and true are one class', async (t) => {
  const { context, logistic, inputs } = await openEvaluation(t);
  const candidateDigest = await logistic(1.5, -1, -1);
  const byWord = await evaluateModel(inputs({ candidateDigest }), context);
  const byNumber = await evaluateModel(inputs({ candidateDigest, positiveClass: '1' }), context);
  assert.deepEqual(byNumber.overall, byWord.overall);
});
