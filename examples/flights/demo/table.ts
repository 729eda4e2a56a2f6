import type { Estimate } from '../../../src/core/statistics/Estimate.ts';
import { monthNames, type Policy, type Quality } from './policies.ts';

const metrics = [
  { key: 'logLoss', title: 'Log loss (lower is better)', digits: 4 },
  { key: 'brier', title: 'Brier score (lower is better)', digits: 4 },
  { key: 'auc', title: 'AUC (higher is better)', digits: 3 },
] as const satisfies readonly { key: keyof Quality; title: string; digits: number }[];

const cellWidth = 22;
const chartWidth = 48;

/** The table by month: one block per metric, one line per policy, 95 % intervals in brackets. */
export function monthTable(policies: readonly Policy[]): string {
  const nameWidth = Math.max(...policies.map((p) => p.name.length)) + 2;
  const blocks = metrics.map(({ key, title, digits }) => {
    const head = [title.padEnd(nameWidth), ...[...monthNames, 'all'].map((m) => m.padStart(cellWidth))].join(
      '',
    );
    const lines = policies.map((policy) =>
      [
        policy.name.padEnd(nameWidth),
        ...[...policy.months, policy.all].map((q) => cell(q[key], digits)),
      ].join(''),
    );
    return [head, ...lines].join('\n');
  });
  const trainings = policies.map(
    (p) =>
      `${p.name.padEnd(nameWidth)}${String(p.trainings).padStart(4)} trainings, log loss against never ${signed(p.againstNever)}`,
  );
  return [...blocks, trainings.join('\n')].join('\n\n');
}

/** Log loss by month as dots on a common scale, with their intervals. */
export function monthChart(policies: readonly Policy[]): string {
  const estimates = policies.flatMap((p) => p.months.map((q) => q.logLoss));
  const low = Math.min(...estimates.map((e) => e.low ?? Number.POSITIVE_INFINITY));
  const high = Math.max(...estimates.map((e) => e.high ?? Number.NEGATIVE_INFINITY));
  const place = (x: number) => Math.round(((x - low) / (high - low)) * (chartWidth - 1));
  const nameWidth = Math.max(...policies.map((p) => p.name.length)) + 2;
  const lines = monthNames.flatMap((month, m) =>
    policies.map((policy, p) => {
      const {
        value,
        low: from,
        high: to,
      } = policy.months[m]?.logLoss ?? { value: null, low: null, high: null };
      const cells = new Array<string>(chartWidth).fill(' ');
      if (value !== null && from !== null && to !== null) {
        for (let x = place(from); x <= place(to); x++) cells[x] = '─';
        cells[place(value)] = '●';
      }
      const label = (p === 0 ? month : '').padEnd(10);
      return `${label}${policy.name.padEnd(nameWidth)}│${cells.join('')}│ ${value?.toFixed(4) ?? ''}`;
    }),
  );
  const axis = `${' '.repeat(10 + nameWidth)} ${low.toFixed(3)}${high.toFixed(3).padStart(chartWidth - 5)}`;
  return ['Log loss by month, 95 % intervals by days', ...lines, axis].join('\n');
}

function cell(estimate: Estimate, digits: number): string {
  const { value, low, high } = estimate;
  if (value === null) return '-'.padStart(cellWidth);
  const short = (x: number | null) => (x === null ? '?' : x.toFixed(digits).replace(/^0/, ''));
  return `${short(value)} [${short(low)} ${short(high)}]`.padStart(cellWidth);
}

function signed({ value, low, high }: Estimate): string {
  const text = (x: number | null) => (x === null ? '?' : `${x < 0 ? '−' : '+'}${Math.abs(x).toFixed(4)}`);
  return `${text(value)} [${text(low)} ${text(high)}]`;
}
