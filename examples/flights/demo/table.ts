import type { Estimate } from '../../../src/core/statistics/estimate.ts';
import { monthNames, type Policy, type Quality } from './policies.ts';

const metrics = [
  { key: 'logLoss', title: 'Log loss (lower is better)', digits: 4 },
  { key: 'brier', title: 'Brier score (lower is better)', digits: 4 },
  { key: 'auc', title: 'AUC (higher is better)', digits: 3 },
] as const satisfies readonly { key: keyof Quality; title: string; digits: number }[];

const cellWidth = 22;
/** Odd, so that zero is in the middle. */
const chartWidth = 61;

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
      `${p.name.padEnd(nameWidth)}${String(p.trainings).padStart(4)} trainings, log loss against never ${signed(p.againstNever.all)}`,
  );
  return [...blocks, trainings.join('\n')].join('\n\n');
}

/** Log loss less that of never retraining, by month, as dots with their intervals on a common scale. */
export function monthChart(policies: readonly Policy[]): string {
  const estimates = policies.flatMap((p) => p.againstNever.months);
  const reach = Math.max(1e-4, ...estimates.flatMap((e) => [Math.abs(e.low ?? 0), Math.abs(e.high ?? 0)]));
  const place = (x: number) => Math.round(((x + reach) / (2 * reach)) * (chartWidth - 1));
  const zero = place(0);
  const nameWidth = Math.max(...policies.map((p) => p.name.length)) + 2;
  const lines = monthNames.flatMap((month, m) =>
    policies.map((policy, p) => {
      const estimate = policy.againstNever.months[m];
      const cells = new Array<string>(chartWidth).fill(' ');
      cells[zero] = '┊';
      if (estimate?.value != null && estimate.low !== null && estimate.high !== null) {
        for (let x = place(estimate.low); x <= place(estimate.high); x++) cells[x] = x === zero ? '┼' : '─';
        cells[place(estimate.value)] = '●';
      }
      const label = (p === 0 ? month : '').padEnd(10);
      return `${label}${policy.name.padEnd(nameWidth)}${cells.join('')}  ${estimate ? signed(estimate) : ''}`;
    }),
  );
  const better = '◂ better than never retraining';
  const worse = 'worse ▸';
  const axis = `${' '.repeat(10 + nameWidth)}${better}${worse.padStart(chartWidth - better.length)}`;
  return ['Log loss less that of never retraining, same flights', axis, ...lines].join('\n');
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
