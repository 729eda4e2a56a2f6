import type { ArmComparison } from './look.ts';
import type { RolloutMetric } from './plan.ts';

/**
 * Which is better by one metric, whether that is proved, and between which bounds the difference lies, without signs:
 * `log loss worse by 0.8926, proved (between 0.6271 and 1.1580) on 361 pairs`,
 * `log loss better by 0.0020 so far, not proved (from 0.0073 worse to 0.0113 better) on 5,052 pairs`, and where the margin
 * is kept, `…; proved not worse by more than 0.0200 (from …)`.
 */
export function comparisonText(c: ArmComparison): string {
  const where = c.segment === null ? '' : ` where ${c.segment.feature} is ${c.segment.value}`;
  const name = `${metricNames[c.metric]}${where}`;
  if (c.difference === null) return `${name}: nothing to compare yet`;
  const what = c.compared === 'pairs' ? 'pair' : 'label';
  const on = `${c.n.toLocaleString('en-US')} ${what}${c.n === 1 ? '' : 's'}`;
  return `${name} ${wordOf(c.difference)} by ${sizeOf(c.difference)}${knownText(c)} on ${on}`;
}

/** The same without a verdict, for looks of which only the numbers are kept: `log loss worse by 0.0020 (from 0.0273 worse to 0.0113 better)`. */
export function differenceText({
  metric,
  difference,
  low,
  high,
}: Pick<ArmComparison, 'metric' | 'difference' | 'low' | 'high'>): string {
  if (difference === null) return `${metricNames[metric]}: nothing to compare yet`;
  const bounds = low === null || high === null ? '' : ` (${boundsText(low, high)})`;
  return `${metricNames[metric]} ${wordOf(difference)} by ${sizeOf(difference)}${bounds}`;
}

function knownText({ low, high, margin, verdict }: ArmComparison): string {
  if (low === null || high === null) return ' so far, too few to say more,';
  if (low > 0 || high < 0) return `, proved (${boundsText(low, high)})`;
  const proved =
    verdict === 'notWorse' ? `; proved not worse by more than ${sizeOf(margin)}` : ', not proved';
  return ` so far${proved} (${boundsText(low, high)})`;
}

function boundsText(low: number, high: number): string {
  if (low > 0) return `between ${sizeOf(low)} and ${sizeOf(high)}`;
  if (high < 0) return `between ${sizeOf(high)} and ${sizeOf(low)}`;
  return `from ${sizeOf(low)} worse to ${sizeOf(high)} better`;
}

const wordOf = (difference: number): string => (difference < 0 ? 'worse' : 'better');
const sizeOf = (difference: number): string => Math.abs(difference).toFixed(4);

const metricNames: Readonly<Record<RolloutMetric, string>> = {
  logLoss: 'log loss',
  brier: 'Brier score',
  accuracy: 'accuracy',
  absoluteError: 'absolute error',
  squaredError: 'squared error',
  outcome: 'outcome',
  value: 'value',
};
