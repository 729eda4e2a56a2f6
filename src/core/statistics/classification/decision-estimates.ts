import { type BootstrapOptions, bootstrapCounts } from '../bootstrap-counts.ts';
import type { Estimate } from '../estimate.ts';
import { wilson } from '../wilson.ts';
import { type Confusion, confusionOfCells } from './confusion.ts';
import { type DecisionMetric, decisionMetrics, proportionOf } from './decision-metrics.ts';

/** Each decision metric with its interval. */
type DecisionEstimates = Readonly<Record<DecisionMetric, Estimate>>;

const names = Object.keys(decisionMetrics) as DecisionMetric[];

/** All decision metrics with intervals: Wilson's where the metric is a proportion, else the bootstrap of rows. */
export function decisionEstimates(confusion: Confusion, options: BootstrapOptions): DecisionEstimates {
  const cells = [
    confusion.trueNegatives,
    confusion.falsePositives,
    confusion.falseNegatives,
    confusion.truePositives,
  ];
  const n = cells.reduce((sum, count) => sum + count, 0);
  return estimatesOf((metric) => {
    const proportion = proportionOf[metric]?.(confusion);
    if (proportion !== undefined) return wilson(proportion.successes, proportion.n, options.confidence);
    const statistic = (counts: readonly number[]): number | null =>
      decisionMetrics[metric](confusionOfCells(counts));
    return bootstrapped(cells, n, statistic, options);
  });
}

/**
 * Differences of all decision metrics, first model minus second, on the same rows and at the same threshold, with
 * intervals from the bootstrap of the rows (which keeps the pairing).
 */
export function decisionDifferences(
  labels: Uint8Array,
  first: Float64Array,
  second: Float64Array,
  threshold: number,
  options: BootstrapOptions,
): DecisionEstimates {
  const cells = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    const decisions = (first[i]! >= threshold ? 2 : 0) + (second[i]! >= threshold ? 1 : 0);
    cells[(labels[i] === 1 ? 4 : 0) + decisions]!++;
  }
  return estimatesOf((metric) =>
    bootstrapped(
      cells,
      labels.length,
      (counts) => {
        const [n0 = 0, n1 = 0, n2 = 0, n3 = 0, p0 = 0, p1 = 0, p2 = 0, p3 = 0] = counts;
        const ofFirst = decisionMetrics[metric](confusionOfCells([n0 + n1, n2 + n3, p0 + p1, p2 + p3]));
        const ofSecond = decisionMetrics[metric](confusionOfCells([n0 + n2, n1 + n3, p0 + p2, p1 + p3]));
        return ofFirst === null || ofSecond === null ? null : ofFirst - ofSecond;
      },
      options,
    ),
  );
}

function estimatesOf(estimate: (metric: DecisionMetric) => Estimate): DecisionEstimates {
  return Object.fromEntries(names.map((name) => [name, estimate(name)])) as Record<DecisionMetric, Estimate>;
}

function bootstrapped(
  cells: readonly number[],
  n: number,
  statistic: (counts: readonly number[]) => number | null,
  options: BootstrapOptions,
): Estimate {
  const value = statistic(cells);
  const interval = value === null ? null : bootstrapCounts(cells, statistic, options);
  return { value, low: interval?.[0] ?? null, high: interval?.[1] ?? null, n };
}
