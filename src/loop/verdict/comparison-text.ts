import type { ArmComparison, RolloutMetric } from '../contract.ts';

/** `log loss better by 0.0123 (0.0010 to 0.0240) on 812 pairs`, or `worse by …`. */
export function comparisonText(c: ArmComparison): string {
  const where = c.segment === null ? '' : ` where ${c.segment.feature} is ${c.segment.value}`;
  const name = `${metricNames[c.metric]}${where}`;
  if (c.difference === null) return `${name}: no label yet`;
  const isWorse = c.difference < 0;
  const number = (x: number) => `${x < 0 ? '−' : ''}${Math.abs(x).toFixed(4)}`;
  const ends = c.low === null || c.high === null ? null : isWorse ? [-c.high, -c.low] : [c.low, c.high];
  const interval = ends === null ? 'no interval yet' : ends.map(number).join(' to ');
  const by = `${isWorse ? 'worse' : 'better'} by ${number(Math.abs(c.difference))}`;
  return `${name} ${by} (${interval}) on ${c.n.toLocaleString('en-US')} ${c.compared === 'pairs' ? 'pairs' : 'labels'}`;
}

const metricNames: Readonly<Record<RolloutMetric, string>> = {
  logLoss: 'log loss',
  brier: 'Brier score',
  accuracy: 'accuracy',
  absoluteError: 'absolute error',
  squaredError: 'squared error',
  outcome: 'outcome',
  value: 'value',
};
