/** Runs as comma-separated values: what the table shows, of every run of the view. */
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { get } from '../../../api/client.ts';
import type { CountedPage, RunsView } from '../../../api/tracking.ts';
import { metricPart } from '../run-text.ts';
import { type ColumnRef, columnText } from './columns.ts';

/**
 * One field; quoted where RFC 4180 asks for it, and where a spreadsheet with a decimal comma would divide it (`;`). A
 * formula of a spreadsheet is kept from being one.
 */
export function csvField(value: string): string {
  const safe = /^[=+@\t\r-]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value;
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The values of one run in the order of the columns, whole and unrounded, times in RFC 3339, durations in ms. */
export function csvLine(run: Run, columns: readonly ColumnRef[]): string {
  const values = columns.map((column): string => {
    if (column.kind === 'metric') return String(metricPart(run.metrics[column.key], column.part) ?? '');
    if (column.kind === 'param') return run.params[column.key] ?? '';
    if (column.kind === 'tag') return run.tags[column.key] ?? '';
    const own: Readonly<Record<string, string>> = {
      started: run.startTime,
      took: run.durationMs === null ? '' : String(run.durationMs),
      status: run.status,
      experiment: run.experimentId,
      by: run.user,
      id: run.id,
    };
    return own[column.key] ?? '';
  });
  return [run.id, run.name, ...values].map(csvField).join(',');
}

/** All runs of a view as CSV, a thousand at a time; `onProgress` hears how many are there. */
export async function runsCsv(
  view: RunsView,
  columns: readonly ColumnRef[],
  onProgress: (count: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const parts = [['run_id', 'run', ...columns.map(columnText)].map(csvField).join(','), '\r\n'];
  let after: string | undefined;
  let count = 0;
  do {
    const page: CountedPage<Run> = await get('/runs', { ...view, limit: 1000, after }, signal);
    parts.push(...page.items.map((run) => `${csvLine(run, columns)}\r\n`));
    count += page.items.length;
    onProgress(count);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return new Blob(parts, { type: 'text/csv' });
}
