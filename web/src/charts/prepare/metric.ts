import type { MetricHistory } from '../../../../src/lifecycle/experiments/contract.ts';

export type MetricColumns = {
  readonly steps: number[];
  readonly highs: (number | null)[];
  readonly lows: (number | null)[];
  /** null where the bucket ends on NaN: a gap. */
  readonly points: (number | null)[];
};

/** Columns for drawing a metric. Steps that do not grow (a metric logged at one step) become 0, 1, 2, ... */
export function prepareMetric(history: MetricHistory): MetricColumns {
  const { buckets } = history;
  const growing = buckets.every(
    (bucket, index) => index === 0 || bucket.step > (buckets[index - 1]?.step ?? 0),
  );
  return {
    steps: buckets.map((bucket, index) => (growing ? bucket.step : index)),
    highs: buckets.map((bucket) => bucket.max),
    lows: buckets.map((bucket) => bucket.min),
    points: buckets.map((bucket) => (bucket.value === 'NaN' ? null : bucket.value)),
  };
}
