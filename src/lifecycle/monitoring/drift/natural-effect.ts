import { categoricalDrift } from '../../../core/statistics/drift/categorical-drift.ts';
import { rankWasserstein } from '../../../core/statistics/drift/rank-wasserstein.ts';
import type { WindowSize } from '../contract.ts';
import { windowStartMs } from '../window-times.ts';
import { type ColumnKind, type ColumnValues, columnValues } from './column-values.ts';

const minWindows = 5;
const quantile = 0.95;

/** Rows of the reference in each whole window of its own time; windows of less than half the usual size left out. */
export function referenceWindows(
  timesMs: readonly (number | null)[],
  size: WindowSize,
): readonly (readonly number[])[] {
  const windows = new Map<number, number[]>();
  timesMs.forEach((time, row) => {
    if (time === null) return;
    const start = windowStartMs(time, size);
    const rows = windows.get(start);
    if (rows) rows.push(row);
    else windows.set(start, [row]);
  });
  const sizes = [...windows.values()].map((rows) => rows.length).sort((a, b) => a - b);
  const usual = sizes[Math.floor(sizes.length / 2)] ?? 0;
  return [...windows.values()].filter((rows) => rows.length * 2 >= usual);
}

/**
 * How much the reference's own windows differ from the reference as a whole: the 95th percentile of their effects,
 * noise removed. A column that changes from window to window by nature (the weekday in windows of a day) must move
 * by more than that before it has drifted. null with fewer than five windows: then nothing is known.
 */
export function naturalEffect(
  whole: ColumnValues,
  windows: readonly (readonly unknown[])[],
  kind: ColumnKind,
): number | null {
  if (windows.length < minWindows) return null;
  const effects = windows
    .map((values) => effectOf(whole, columnValues(values, kind)))
    .filter((effect) => effect !== null)
    .sort((a, b) => a - b);
  if (effects.length < minWindows) return null;
  const position = (effects.length - 1) * quantile;
  const low = effects[Math.floor(position)] ?? 0;
  const high = effects[Math.ceil(position)] ?? low;
  return low + (position - Math.floor(position)) * (high - low);
}

function effectOf(whole: ColumnValues, window: ColumnValues): number | null {
  if (whole.kind === 'numeric' && window.kind === 'numeric') {
    return rankWasserstein(whole.sample.sorted, window.sample.sorted)?.effect ?? null;
  }
  if (whole.kind === 'categorical' && window.kind === 'categorical') {
    return categoricalDrift(whole.counts, window.counts).effect;
  }
  return null;
}
