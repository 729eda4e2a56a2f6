import { normalQuantile } from '../../../core/statistics/special/normal-quantile.ts';
import type { Estimate, MetricName, MetricResult } from '../contract.ts';
import { threeDigits } from '../text.ts';

const z95 = normalQuantile(0.975);

interface Rules {
  readonly n: number;
  readonly minLabels: number;
  readonly tolerance: number;
}

const titles: Readonly<Record<MetricName, string>> = {
  logLoss: 'log loss',
  brier: 'Brier score',
  auc: 'AUC',
  accuracy: 'accuracy',
  ece: 'calibration error',
};

/** Whether more of the metric is worse. */
function lowerIsBetter(metric: MetricName): boolean {
  return metric === 'logLoss' || metric === 'brier' || metric === 'ece';
}

/**
 * Compares a window's metric with the reference's, as independent samples: the difference has the standard error
 * of both intervals together. Worse if its whole 95 % interval is beyond the tolerance, better if it is on the
 * good side of zero, else the same. Without a reference, or with too few labels, no verdict.
 */
export function compareMetric(
  metric: MetricName,
  current: Estimate,
  reference: Estimate | undefined,
  { n, minLabels, tolerance }: Rules,
): Pick<MetricResult, 'reference' | 'difference' | 'verdict' | 'reason'> {
  const title = titles[metric];
  if (!reference) {
    return {
      reference: null,
      difference: null,
      verdict: 'no-reference',
      reason: `${title} ${threeDigits(current.value)} on ${n} labels; there is no earlier evaluation to compare with`,
    };
  }
  const before = { value: reference.value, low: reference.low, high: reference.high };
  const difference = differenceOf(current, reference);
  const numbers = `${title} ${threeDigits(current.value)} against ${threeDigits(before.value)} before deployment`;
  const known = { reference: before, difference };
  if (n < minLabels) {
    const reason = `${numbers}: ${n} labels are too few to say (at least ${minLabels})`;
    return { ...known, verdict: 'insufficient', reason };
  }
  const sign = lowerIsBetter(metric) ? 1 : -1;
  const low = Math.min(sign * difference.low, sign * difference.high);
  const high = Math.max(sign * difference.low, sign * difference.high);
  const verdict = low > tolerance ? 'worse' : high < 0 ? 'better' : 'same';
  const interval = `difference ${threeDigits(difference.value)} (95 %: ${threeDigits(difference.low)} to ${threeDigits(difference.high)})`;
  const allowed = tolerance > 0 ? `, tolerance ${threeDigits(tolerance)}` : '';
  return { ...known, verdict, reason: `${numbers}: ${verdict}; ${interval}${allowed} on ${n} labels` };
}

function differenceOf(current: Estimate, reference: Estimate) {
  const value = current.value - reference.value;
  const half = z95 * Math.hypot(standardError(current), standardError(reference));
  return { value, low: value - half, high: value + half };
}

/** Of an estimate by its 95 % interval; 0 where none is known. */
function standardError({ low, high }: Estimate): number {
  return low === null || high === null ? 0 : (high - low) / 2 / z95;
}
