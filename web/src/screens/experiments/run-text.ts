import type { MetricSummary, MetricValue, Run } from '../../../../src/lifecycle/experiments/contract.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { formatNumber } from '../../kit/format.ts';

const STATES: Readonly<Record<string, State>> = {
  RUNNING: 'running',
  SCHEDULED: 'none',
  FINISHED: 'good',
  FAILED: 'bad',
  KILLED: 'watch',
  LOST: 'watch',
};

export const stateOfRun = (status: Run['status']): State => STATES[status] ?? 'none';
export const runWord = (status: Run['status']): string => status.toLowerCase();
/** Whether a value stands for an infinity: it is kept as the greatest double, as MLflow's own store keeps it. */
export const isInfinite = (value: MetricValue | null): boolean =>
  typeof value === 'number' && Math.abs(value) === Number.MAX_VALUE;

/** A metric's value as it is shown. */
export function metricNumber(value: MetricValue | undefined, decimals?: number): string {
  if (value === undefined) return '–';
  if (value === 'NaN') return 'NaN';
  if (isInfinite(value)) return value > 0 ? '∞' : '\u2212∞';
  return formatNumber(value, decimals);
}

/** One of the values that a metric is known by; undefined where it has none. */
export function metricPart(
  summary: MetricSummary | undefined,
  part: 'last' | 'best' | 'min' | 'max' | 'mean',
): MetricValue | undefined {
  if (!summary) return undefined;
  return part === 'last' ? summary.last : (summary[part] ?? 'NaN');
}

/** Decimals that one column of numbers shares, so that they can be compared down the column. */
export function columnDecimals(values: readonly (MetricValue | undefined)[]): number | undefined {
  const numbers = values.filter((value): value is number => typeof value === 'number' && value !== 0);
  if (numbers.length === 0) return undefined;
  if (numbers.every(Number.isInteger)) return 0;
  const largest = Math.max(...numbers.map(Math.abs));
  if (largest < 1e-3) return undefined;
  return Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(largest)) + (largest < 1 ? 0 : 1)));
}

/** The best of some values by a metric's direction; undefined when none is a number. */
export function bestOf(
  values: readonly (MetricValue | undefined)[],
  direction: MetricSummary['direction'],
): number | undefined {
  const numbers = values.filter((value): value is number => typeof value === 'number');
  if (numbers.length === 0) return undefined;
  return direction === 'minimize' ? Math.min(...numbers) : Math.max(...numbers);
}
