import { z } from 'zod';
import { formatTime } from '../../core/time.ts';
import { type Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import { type StoredColumn, timeMsSql } from './columns.ts';
import type { ColumnProfile, NumericProfile, TopValue } from './contract.ts';

const probabilities = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const;
const histogramBins = 30;
const topCount = 10;

/** Rows of the queries below, by their names in SQL. */
const plainRow = z.object({ n: z.number(), d: z.number() });
const numericRow = plainRow.extend({
  inf: z.number(),
  lo: z.number().nullable(),
  hi: z.number().nullable(),
  q: z.number().array().nullable(),
});
const momentsRow = z.object({ mean: z.number(), sd: z.number().nullable() });
const binRow = z.object({ bin: z.number(), n: z.number() });
const topRow = z.object({ v: z.string(), n: z.number() });

/**
 * Counts every column of a Parquet file exactly: values, missing (null or NaN), infinities, distinct values;
 * for numbers their moments, quantiles (linear interpolation, as numpy's default) and an equal-width histogram
 * over the finite values; for times their range; for strings, booleans and integers the most frequent values.
 * A column without values has no numeric profile and no range.
 */
export async function profileColumns(
  frames: Frames,
  path: string,
  rows: number,
  columns: readonly StoredColumn[],
): Promise<readonly ColumnProfile[]> {
  const relation = `read_parquet(${sqlLiteral(path)})`;
  const profiles: ColumnProfile[] = [];
  for (const column of columns) {
    const number = column.type === 'integer' || column.type === 'number';
    const counts = number
      ? await numericCounts(frames, relation, column)
      : await plainCounts(frames, relation, column);
    const timeRange = column.type === 'time' ? await timeRangeOf(frames, relation, column) : null;
    profiles.push({
      name: column.name,
      type: column.type,
      storedType: column.storedType,
      ...counts,
      missing: rows - counts.count,
      missingRatio: rows === 0 ? 0 : (rows - counts.count) / rows,
      timeRange: timeRange && { min: formatTime(timeRange.minMs), max: formatTime(timeRange.maxMs) },
      top: await topValues(frames, relation, column, counts.count),
    });
  }
  return profiles;
}

/** Smallest and largest time of a column in epoch milliseconds; null if it holds none. */
export async function timeRangeOf(
  frames: Frames,
  relation: string,
  column: StoredColumn,
): Promise<{ readonly minMs: number; readonly maxMs: number } | null> {
  const ms = timeMsSql(sqlName(column.name), column.storedType);
  const [row] = await frames.query(`SELECT min(${ms}) AS lo, max(${ms}) AS hi FROM ${relation}`);
  return typeof row?.lo === 'number' && typeof row.hi === 'number' ? { minMs: row.lo, maxMs: row.hi } : null;
}

/** All distinct values of a column as text, missing ones left out. */
export async function distinctValues(
  frames: Frames,
  path: string,
  column: string,
): Promise<readonly string[]> {
  const name = sqlName(column);
  const { columns } = await frames.columns(
    `SELECT DISTINCT CAST(${name} AS VARCHAR) AS v FROM read_parquet(${sqlLiteral(path)}) WHERE ${name} IS NOT NULL`,
  );
  return z
    .string()
    .array()
    .parse(columns[0] ?? []);
}

type Counts = Pick<ColumnProfile, 'count' | 'infinite' | 'distinct' | 'numeric'>;

async function plainCounts(frames: Frames, relation: string, column: StoredColumn): Promise<Counts> {
  const name = sqlName(column.name);
  const [row] = await frames.query(
    `SELECT count(${name}) AS n, count(DISTINCT ${name}) AS d FROM ${relation}`,
  );
  const { n: count, d: distinct } = plainRow.parse(row);
  return { count, distinct, infinite: 0, numeric: null };
}

async function numericCounts(frames: Frames, relation: string, column: StoredColumn): Promise<Counts> {
  const name = sqlName(column.name);
  const [row] = await frames.query(
    `WITH x AS (SELECT ${name} AS raw, CAST(${name} AS DOUBLE) AS v FROM ${relation} WHERE NOT isnan(CAST(${name} AS DOUBLE)))
     SELECT count(v) AS n, count(v) FILTER (isinf(v)) AS inf, count(DISTINCT raw) AS d,
       min(v) FILTER (isfinite(v)) AS lo, max(v) FILTER (isfinite(v)) AS hi,
       quantile_cont(v, [${probabilities.join(', ')}]) FILTER (isfinite(v)) AS q
     FROM x`,
  );
  const { n: count, inf: infinite, d: distinct, lo, hi, q: quantiles } = numericRow.parse(row);
  const counts = { count, infinite, distinct };
  if (lo === null || hi === null) return { ...counts, numeric: null };
  // Squares of very large values would overflow: they are scaled first.
  const largest = Math.max(Math.abs(lo), Math.abs(hi));
  const scale = largest > 1e150 ? largest : 1;
  const [moments] = await frames.query(
    `WITH x AS (SELECT CAST(${name} AS DOUBLE) AS v FROM ${relation})
     SELECT favg(v / ${scale}) AS mean, stddev_samp(v / ${scale}) AS sd FROM x WHERE isfinite(v)`,
  );
  const { mean, sd } = momentsRow.parse(moments);
  const numeric: NumericProfile = {
    min: lo,
    max: hi,
    mean: mean * scale,
    // Of one value there is none.
    sd: (sd ?? 0) * scale,
    quantiles: probabilities.map((probability, i) => ({
      probability,
      value: quantiles?.[i] ?? lo,
    })),
    histogram: await histogram(frames, relation, column, lo, hi),
  };
  return { ...counts, numeric };
}

/** Integers over a narrow range get one bin each, so that no bin holds more whole numbers than another. */
function binEdges(column: StoredColumn, lo: number, hi: number): readonly number[] {
  const whole = column.type === 'integer' && hi - lo < histogramBins;
  if (whole) return Array.from({ length: hi - lo + 2 }, (_, i) => lo - 0.5 + i);
  if (lo === hi) return [lo - 0.5, hi + 0.5];
  return Array.from(
    { length: histogramBins + 1 },
    (_, i) => lo * (1 - i / histogramBins) + (hi * i) / histogramBins,
  );
}

async function histogram(frames: Frames, relation: string, column: StoredColumn, lo: number, hi: number) {
  const edges = binEdges(column, lo, hi);
  const counts = new Array<number>(edges.length - 1).fill(0);
  const start = edges[0] ?? 0;
  const width = (edges[edges.length - 1] ?? 0) / counts.length - start / counts.length;
  const rows = await frames.query(
    `WITH x AS (SELECT CAST(${sqlName(column.name)} AS DOUBLE) AS v FROM ${relation})
     SELECT greatest(0, least(${counts.length - 1}, floor(v / ${width} - (${start}) / ${width})))::INTEGER AS bin, count(*) AS n
     FROM x WHERE isfinite(v) GROUP BY bin`,
  );
  for (const { bin, n } of binRow.array().parse(rows)) counts[bin] = n;
  return { edges: [...edges], counts };
}

async function topValues(
  frames: Frames,
  relation: string,
  column: StoredColumn,
  count: number,
): Promise<TopValue[]> {
  if (!['string', 'boolean', 'integer'].includes(column.type) || count === 0) return [];
  const rows = await frames.query(
    `SELECT CAST(${sqlName(column.name)} AS VARCHAR) AS v, count(*) AS n FROM ${relation} WHERE v IS NOT NULL
     GROUP BY v ORDER BY n DESC, v LIMIT ${topCount}`,
  );
  return topRow
    .array()
    .parse(rows)
    .map(({ v: value, n }) => ({ value, count: n, ratio: n / count }));
}
