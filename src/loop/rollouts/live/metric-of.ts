import type { RolloutMetric, RolloutSpec } from '../../contract.ts';

/**
 * A metric of one row, as `observe` has it in SQL; NaN while it is not known.
 *
 * @param score NaN where none was answered, or one that is not finite
 * @param label NaN while it waits
 */
export function metricOf(
  metric: RolloutMetric,
  { threshold, value }: Pick<RolloutSpec, 'threshold' | 'value'>,
  score: number,
  label: number,
): number {
  if (metric === 'outcome') return label;
  if (Number.isNaN(score) || Number.isNaN(label)) return Number.NaN;
  const isBinary = label === 0 || label === 1;
  const isChance = score >= 0 && score <= 1;
  const positive = score >= threshold;
  switch (metric) {
    case 'logLoss':
      return isBinary && isChance
        ? -Math.log(Math.max(label === 1 ? score : 1 - score, Number.EPSILON))
        : Number.NaN;
    case 'brier':
      return isBinary && isChance ? (score - label) ** 2 : Number.NaN;
    case 'accuracy':
      return isBinary ? Number(positive === (label === 1)) : Number.NaN;
    case 'absoluteError':
      return Math.abs(score - label);
    case 'squaredError':
      return (score - label) ** 2;
    case 'value': {
      const worth = value ?? { truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0 };
      if (!isBinary) return Number.NaN;
      if (label === 1) return positive ? worth.truePositive : worth.falseNegative;
      return positive ? worth.falsePositive : worth.trueNegative;
    }
  }
}
