import type { MetricValue, Run, RunStatus } from '../../../../src/lifecycle/experiments/contract.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { formatNumber } from '../../kit/format.ts';

const STATES: Readonly<Record<RunStatus, State>> = {
  RUNNING: 'running',
  SCHEDULED: 'none',
  FINISHED: 'good',
  FAILED: 'bad',
  KILLED: 'watch',
};

export const stateOfRun = (status: RunStatus): State => STATES[status] ?? 'none';
export const runWord = (status: RunStatus): string => status.toLowerCase();
export const metricNumber = (value: MetricValue | undefined, decimals?: number): string =>
  value === undefined ? '–' : value === 'NaN' ? 'NaN' : formatNumber(value, decimals);

/** Decimals that one column of numbers shares, so that they can be compared down the column. */
export function columnDecimals(values: readonly (MetricValue | undefined)[]): number | undefined {
  const numbers = values.filter((value): value is number => typeof value === 'number' && value !== 0);
  if (numbers.length === 0) return undefined;
  if (numbers.every(Number.isInteger)) return 0;
  const largest = Math.max(...numbers.map(Math.abs));
  if (largest < 1e-3) return undefined;
  return Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(largest)) + (largest < 1 ? 0 : 1)));
}

/** Params whose values differ between the runs shown, most different first; the rest would only fill columns. */
export function varyingParams(runs: readonly Run[], limit: number): readonly string[] {
  const values = new Map<string, Set<string>>();
  for (const run of runs) {
    for (const [key, value] of Object.entries(run.params)) {
      const seen = values.get(key) ?? new Set();
      values.set(key, seen.add(value));
    }
  }
  return [...values]
    .filter(
      ([key, seen]) =>
        seen.size > 1 || (seen.size === 1 && runs.some((run) => run.params[key] === undefined)),
    )
    .toSorted((a, b) => b[1].size - a[1].size || a[0].localeCompare(b[0]))
    .slice(0, limit)
    .map(([key]) => key);
}

/** The metrics that most of the runs have, single-value metrics of quality first. */
export function commonMetrics(runs: readonly Run[], limit: number): readonly string[] {
  const counts = new Map<string, number>();
  for (const run of runs)
    for (const key of Object.keys(run.metrics)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const known = /auc|loss|brier|accuracy|f1|rmse|r2|mae/i;
  return [...counts]
    .toSorted(
      (a, b) =>
        Number(known.test(b[0])) - Number(known.test(a[0])) || b[1] - a[1] || a[0].localeCompare(b[0]),
    )
    .slice(0, limit)
    .map(([key]) => key);
}
