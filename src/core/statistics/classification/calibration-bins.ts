import type { Estimate } from '../estimate.ts';
import { wilson } from '../wilson.ts';
import { orderOf } from './order-of.ts';

/** A bin of the reliability curve; `fromScore` and `toScore` are the smallest and largest score in it. */
export interface CalibrationBin {
  readonly fromScore: number;
  readonly toScore: number;
  readonly meanScore: number;
  readonly positives: number;
  /** Share of positives with Wilson's interval; n = rows of the bin. */
  readonly observed: Estimate;
}

/**
 * The reliability curve: rows in bins of (nearly) equal numbers by score. Rows of equal score are never parted,
 * so with ties there can be fewer and larger bins. No rows: no bins.
 * Source: scikit-learn `calibration_curve(strategy='quantile')`, which agrees for distinct scores.
 */
export function calibrationBins(
  labels: Uint8Array,
  scores: Float64Array,
  { bins = 15, confidence = 0.95 }: { bins?: number; confidence?: number } = {},
): readonly CalibrationBin[] {
  const order = orderOf(scores);
  const n = order.length;
  const result: CalibrationBin[] = [];
  for (let from = 0, bin = 1; from < n; bin++) {
    let to = Math.round((bin * n) / bins);
    if (to <= from) continue;
    while (to < n && scores[order[to]!] === scores[order[to - 1]!]) to++;
    let sum = 0;
    let positives = 0;
    for (let i = from; i < to; i++) {
      sum += scores[order[i]!]!;
      positives += labels[order[i]!] === 1 ? 1 : 0;
    }
    result.push({
      fromScore: scores[order[from]!]!,
      toScore: scores[order[to - 1]!]!,
      meanScore: sum / (to - from),
      positives,
      observed: wilson(positives, to - from, confidence),
    });
    from = to;
  }
  return result;
}
