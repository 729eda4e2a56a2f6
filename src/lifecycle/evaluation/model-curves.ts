import { calibrationBins } from '../../core/statistics/classification/calibration-bins.ts';
import { confusionOf } from '../../core/statistics/classification/confusion.ts';
import { logisticRecalibration } from '../../core/statistics/classification/logistic-recalibration.ts';
import { rocCurve } from '../../core/statistics/classification/roc-curve.ts';
import type { ModelCurves } from './contract.ts';

const HISTOGRAM_BINS = 20;
const ROC_POINTS = 100;

/** What is drawn of one model: confusion at the threshold, calibration, score histogram, ROC curve. */
export function modelCurves(
  labels: Uint8Array,
  scores: Float64Array,
  threshold: number,
  confidence: number,
): Pick<ModelCurves, 'confusion' | 'calibration' | 'scoreHistogram' | 'roc'> {
  const fit = logisticRecalibration(labels, scores);
  const roc = rocCurve(labels, scores, ROC_POINTS);
  return {
    confusion: confusionOf(labels, scores, threshold),
    calibration: {
      bins: calibrationBins(labels, scores, { confidence }).map(
        ({ fromScore, toScore, meanScore, observed }) => ({ fromScore, toScore, meanScore, observed }),
      ),
      intercept: fit?.intercept ?? null,
      slope: fit?.slope ?? null,
    },
    scoreHistogram: scoreHistogram(labels, scores),
    roc: roc && [...roc],
  };
}

/** Bins of equal width over 0..1; a score outside counts in the bin at that end. */
function scoreHistogram(labels: Uint8Array, scores: Float64Array): ModelCurves['scoreHistogram'] {
  const bins = Array.from({ length: HISTOGRAM_BINS }, (_, k) => ({
    fromScore: k / HISTOGRAM_BINS,
    toScore: (k + 1) / HISTOGRAM_BINS,
    negatives: 0,
    positives: 0,
  }));
  scores.forEach((score, row) => {
    const bin = bins[Math.min(HISTOGRAM_BINS - 1, Math.max(0, Math.floor(score * HISTOGRAM_BINS)))]!;
    if (labels[row] === 1) bin.positives++;
    else bin.negatives++;
  });
  return bins;
}
