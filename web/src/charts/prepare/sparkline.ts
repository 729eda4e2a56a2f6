import { linePath, runsOf } from './paths.ts';
import { extent } from './ticks.ts';

/** A line without axes; null values are gaps. The last sample is marked. null when nothing is known. */
export function prepareSparkline(values: readonly (number | null)[], width: number, height: number) {
  const range = extent(values);
  if (!range) return null;
  const [low, high] = range;
  const x = (index: number): number =>
    2 + (values.length < 2 ? (width - 4) / 2 : (index / (values.length - 1)) * (width - 4));
  const y = (value: number): number =>
    2 + (high === low ? (height - 4) / 2 : (1 - (value - low) / (high - low)) * (height - 4));
  const known = values.flatMap((value, index) =>
    value === null || !Number.isFinite(value) ? [] : [{ index, x: x(index), y: y(value) }],
  );
  const runs = runsOf(known, (before, after) => after.index !== before.index + 1);
  return { paths: runs.filter((run) => run.length > 1).map(linePath), last: known.at(-1) ?? null };
}
