import type { Confusion } from './confusion.ts';

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/**
 * Metrics of decisions, from their counts. null where the definition divides by zero (a class is absent, or
 * nothing was decided positive); scikit-learn returns 0 with a warning there.
 */
export const decisionMetrics = {
  /** Share of right decisions. */
  accuracy: (c) =>
    ratio(
      c.truePositives + c.trueNegatives,
      c.truePositives + c.trueNegatives + c.falsePositives + c.falseNegatives,
    ),
  /** Mean of recall and specificity. */
  balancedAccuracy: (c) => {
    const recall = ratio(c.truePositives, c.truePositives + c.falseNegatives);
    const specificity = ratio(c.trueNegatives, c.trueNegatives + c.falsePositives);
    return recall === null || specificity === null ? null : (recall + specificity) / 2;
  },
  /** Share of positive decisions that are right. */
  precision: (c) => ratio(c.truePositives, c.truePositives + c.falsePositives),
  /** Share of positives that were found. */
  recall: (c) => ratio(c.truePositives, c.truePositives + c.falseNegatives),
  /** Share of negatives that were left alone. */
  specificity: (c) => ratio(c.trueNegatives, c.trueNegatives + c.falsePositives),
  /** Harmonic mean of precision and recall. */
  f1: (c) => ratio(2 * c.truePositives, 2 * c.truePositives + c.falsePositives + c.falseNegatives),
  /** Matthews correlation of labels and decisions, -1..1. */
  mcc: (c) =>
    ratio(
      c.truePositives * c.trueNegatives - c.falsePositives * c.falseNegatives,
      Math.sqrt(
        (c.truePositives + c.falsePositives) *
          (c.truePositives + c.falseNegatives) *
          (c.trueNegatives + c.falsePositives) *
          (c.trueNegatives + c.falseNegatives),
      ),
    ),
} as const satisfies Record<string, (counts: Confusion) => number | null>;

/** Name of a metric of decisions at a threshold. */
export type DecisionMetric = keyof typeof decisionMetrics;

/** Those that are a share of independent rows, with the rows they are a share of: their interval is Wilson's. */
export const proportionOf: Partial<
  Record<DecisionMetric, (c: Confusion) => { readonly successes: number; readonly n: number }>
> = {
  accuracy: (c) => ({
    successes: c.truePositives + c.trueNegatives,
    n: c.truePositives + c.trueNegatives + c.falsePositives + c.falseNegatives,
  }),
  precision: (c) => ({ successes: c.truePositives, n: c.truePositives + c.falsePositives }),
  recall: (c) => ({ successes: c.truePositives, n: c.truePositives + c.falseNegatives }),
  specificity: (c) => ({ successes: c.trueNegatives, n: c.trueNegatives + c.falsePositives }),
};
