import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../rng.ts';
import { assertClose } from '../assert-close.testing.ts';
import { bootstrapCounts } from '../bootstrap-counts.ts';
import { golden } from '../golden.testing.ts';
import { meanEstimate } from '../mean-estimate.ts';
import { normalQuantile } from '../special/normal-quantile.ts';
import { wilson } from '../wilson.ts';
import { auc, aucDifference } from './auc.ts';
import { calibrationBins } from './calibration-bins.ts';
import { confusionOf } from './confusion.ts';
import { decisionDifferences, decisionEstimates } from './decision-estimates.ts';
import { type DecisionMetric, decisionMetrics } from './decision-metrics.ts';
import { calibrationErrorDifference, expectedCalibrationError } from './expected-calibration-error.ts';
import { logisticRecalibration } from './logistic-recalibration.ts';
import { rocCurve } from './roc-curve.ts';
import { brierOf, logLossOf, rowLosses } from './row-losses.ts';

const { classification: expected } = golden;
const labels = Uint8Array.from(expected.labels);
const first = Float64Array.from(expected.first);
const second = Float64Array.from(expected.second);
const onlyNegatives = new Uint8Array(labels.length);
const z = normalQuantile(0.975);
const options = () => ({ rng: createRng(5) });

test('AUC equals scikit-learn, its interval DeLong', () => {
  [first, second].forEach((scores, k) => {
    const estimate = auc(labels, scores);
    assertClose(estimate.value, expected.auc[k]!);
    assertClose(estimate.low, expected.auc[k]! - z * Math.sqrt(expected.delong.variances[k]!));
  });
  const difference = aucDifference(labels, first, second);
  assertClose(difference.value, expected.delong.difference);
  assertClose(difference.high, expected.delong.difference + z * expected.delong.standardError);
  assertClose(difference.pValue, expected.delong.pValue, 1e-8);
});

test('AUC where it is not defined, constant, or perfect', () => {
  assert.deepEqual(auc(onlyNegatives, first), { value: null, low: null, high: null, n: labels.length });
  assert.equal(aucDifference(onlyNegatives, first, second).pValue, null);
  assert.deepEqual(auc(labels, new Float64Array(labels.length).fill(0.2)).value, 0.5);
  const perfect = auc(Uint8Array.from([0, 0, 0, 1, 1, 1]), Float64Array.from([1, 2, 3, 4, 5, 6]));
  assert.equal(perfect.value, 1);
  assertClose(perfect.low, wilson(3, 3).low ?? 0);
  assert.equal(auc(Uint8Array.from([0, 1]), Float64Array.from([0.1, 0.9])).low, null);
  const same = aucDifference(labels, first, first);
  assert.deepEqual([same.value, same.low, same.high, same.pValue], [0, 0, 0, 1]);
});

test('log loss and Brier score equal scikit-learn, the interval scipy', () => {
  const logLoss = meanEstimate(rowLosses(labels, first, logLossOf));
  assertClose(logLoss.value, expected.logLoss);
  assertClose(logLoss.low, expected.logLossInterval[0]);
  assertClose(logLoss.high, expected.logLossInterval[1]);
  assertClose(meanEstimate(rowLosses(labels, first, brierOf)).value, expected.brier);
  assert.ok(Number.isFinite(logLossOf(1, 0)) && Number.isFinite(logLossOf(0, 1)));
  assert.deepEqual(meanEstimate([]), { value: null, low: null, high: null, n: 0 });
  assert.deepEqual(meanEstimate([3]), { value: 3, low: null, high: null, n: 1 });
});

test('decision metrics equal scikit-learn, the bootstrap interval scipy', () => {
  const confusion = confusionOf(labels, first, expected.threshold);
  const estimates = decisionEstimates(confusion, options());
  for (const [name, value] of Object.entries(expected.decisions)) {
    const estimate = estimates[name as DecisionMetric];
    assertClose(estimate.value, value, 1e-10, name);
    assert.ok(
      estimate.low !== null && estimate.high !== null && estimate.low < value && value < estimate.high,
    );
  }
  assertClose(estimates.mcc.low, expected.mccBootstrap[0], 0.05);
  assertClose(estimates.mcc.high, expected.mccBootstrap[1], 0.05);
  assert.deepEqual(decisionEstimates(confusion, options()), estimates, 'the same seed gives the same');
});

test('a metric that divides by zero is null, not 0', () => {
  const nothing = { truePositives: 0, falsePositives: 0, trueNegatives: 9, falseNegatives: 0 };
  for (const name of ['balancedAccuracy', 'precision', 'recall', 'f1', 'mcc'] as const) {
    assert.equal(decisionMetrics[name](nothing), null, name);
  }
  assert.equal(decisionMetrics.accuracy(nothing), 1);
  assert.equal(decisionEstimates(nothing, options()).f1.low, null);
});

test('differences of decisions on the same rows', () => {
  const differences = decisionDifferences(labels, first, second, expected.threshold, options());
  const of = (scores: Float64Array) => confusionOf(labels, scores, expected.threshold);
  for (const name of Object.keys(decisionMetrics) as DecisionMetric[]) {
    const value = decisionMetrics[name](of(first))! - decisionMetrics[name](of(second))!;
    assertClose(differences[name].value, value, 1e-9, name);
  }
  const same = decisionDifferences(labels, first, first, expected.threshold, options());
  assert.deepEqual([same.f1.low, same.f1.high], [0, 0]);
  const neverPositive = new Float64Array(labels.length);
  const { precision } = decisionDifferences(labels, first, neverPositive, expected.threshold, options());
  assert.deepEqual(
    [precision.value, precision.low, precision.high],
    [null, null, null],
    'one of them has none',
  );
});

test('the calibration curve equals scikit-learn; ties stay together', () => {
  const bins = calibrationBins(labels, first, { bins: 10 });
  bins.forEach((bin, k) => {
    assertClose(bin.observed.value, expected.calibration.observed[k]!);
    assertClose(bin.meanScore, expected.calibration.meanScore[k]!);
  });
  assert.equal(bins.length, 10);
  assert.equal(calibrationBins(labels, new Float64Array(labels.length).fill(0.3)).length, 1);
  assert.deepEqual(calibrationBins(new Uint8Array(0), new Float64Array(0)), []);
});

test('calibration error: near 0 when calibrated, and the difference of two models', () => {
  const rng = createRng(11);
  const scores = Float64Array.from({ length: 20_000 }, () => rng.next());
  const truth = Uint8Array.from(scores, (p) => (rng.next() < p ? 1 : 0));
  const off = scores.map((p) => p * 0.8);
  const calibrated = expectedCalibrationError(truth, scores, options());
  assert.ok(calibrated.value! < 0.02 && calibrated.low! < 0.005, JSON.stringify(calibrated));
  const biased = expectedCalibrationError(truth, off, options());
  assert.ok(biased.low! > 0.08 && biased.high! < 0.12, JSON.stringify(biased));
  const difference = calibrationErrorDifference(truth, off, scores, { ...options(), resamples: 200 });
  assertClose(difference.value, biased.value! - calibrated.value!, 1e-9);
  assert.ok(difference.low! > 0.07);
  assert.equal(expectedCalibrationError(new Uint8Array(0), new Float64Array(0), options()).value, null);
});

test('recalibration equals scikit-learn; null where there is no finite fit', () => {
  const fit = logisticRecalibration(labels, first);
  assertClose(fit?.intercept ?? null, expected.recalibration.intercept, 1e-3);
  assertClose(fit?.slope ?? null, expected.recalibration.slope, 1e-3);
  assert.equal(logisticRecalibration(labels, new Float64Array(labels.length).fill(0.5)), null);
  assert.equal(logisticRecalibration(onlyNegatives, first), null);
  assert.equal(logisticRecalibration(Uint8Array.from([0, 1]), Float64Array.from([0.1, 0.9])), null);
});

test('recalibration of scores that are far too sure: a forest gives 0 and 1, and is wrong in one of ten', () => {
  const truth = Uint8Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : 0));
  const sure = Float64Array.from(truth, (label, i) => (i % 20 < 2 ? 1 - label : label));
  const fit = logisticRecalibration(truth, sure);
  // Nine of ten are right on either side: logit(0.9) is the slope times the logit that a score of 1 is kept at.
  assertClose(1 + (fit?.intercept ?? Number.NaN), 1, 1e-6);
  assertClose(fit?.slope ?? null, Math.log(9) / Math.log((1 - 1e-12) / 1e-12), 1e-6);
  const narrow = Float64Array.from(truth, (label, i) => 0.9 + 1e-5 * (i % 20 < 2 ? 1 - label : label));
  assert.ok((logisticRecalibration(truth, narrow)?.slope ?? 0) > 1000, 'close scores are not equal ones');
});

test('the ROC curve equals scikit-learn and is thinned between its ends', () => {
  const all = rocCurve(labels, first, 10_000)!;
  all.forEach((point, k) => {
    assertClose(point.falsePositiveRate, expected.roc.fpr[k]!);
    assertClose(point.truePositiveRate, expected.roc.tpr[k]!);
  });
  assert.equal(all.length, expected.roc.fpr.length);
  const thin = rocCurve(labels, first, 20)!;
  assert.ok(thin.length <= 20 && thin.length > 10);
  assert.deepEqual([thin[0], thin.at(-1)], [all[0], all.at(-1)]);
  assert.equal(rocCurve(onlyNegatives, first), null);
});

test('the bootstrap of counts covers a proportion as it should', () => {
  const rng = createRng(3);
  let covered = 0;
  for (let r = 0; r < 300; r++) {
    let hits = 0;
    for (let i = 0; i < 200; i++) hits += rng.next() < 0.3 ? 1 : 0;
    const share = (cells: readonly number[]) => cells[0]! / (cells[0]! + cells[1]!);
    const [low, high] = bootstrapCounts([hits, 200 - hits], share, { rng, resamples: 300 })!;
    if (low <= 0.3 && 0.3 <= high) covered++;
  }
  assert.ok(covered >= 0.91 * 300 && covered <= 0.99 * 300, `${covered} of 300`);
});
