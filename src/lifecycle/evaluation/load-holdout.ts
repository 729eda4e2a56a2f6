import { fail } from '../../core/errors.ts';
import { parseTime } from '../../core/time.ts';
import { type Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import type { EvaluateInputs, Holdout } from './contract.ts';

/** Rows fetched at once. */
const BLOCK_ROWS = 100_000;
/** Classes named in an error message. */
const NAMED_CLASSES = 5;

/** The labelled rows of a hold-out, by columns, in file order. */
export interface HoldoutRows {
  /** 1 = the positive class. */
  readonly labels: Uint8Array;
  /** Values of each wanted column that the file has; null = missing. */
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
  /** Values of the segment columns as text. */
  readonly segments: Readonly<Record<string, readonly (string | null)[]>>;
  /** Rows of the hold-out with and without label. */
  readonly rows: number;
  /** Share of positives among the labelled rows outside the hold-out; null if there are none. */
  readonly outsidePositiveRatio: number | null;
}

type Request = Pick<EvaluateInputs, 'holdout' | 'labelColumn' | 'positiveClass' | 'segments'>;

/**
 * Reads the hold-out of a Parquet file in blocks, so that the engine's memory limit holds for any size.
 *
 * @param wanted columns that the models take; those that the file lacks are left out of the result
 * Throws `evaluation_column_missing` (label, time, segment), `evaluation_no_rows`, `evaluation_class_unknown`.
 */
export async function loadHoldout(
  frames: Frames,
  path: string,
  request: Request,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<HoldoutRows> {
  const source = `read_parquet(${sqlLiteral(path)}, file_row_number = true)`;
  const types = new Map(
    (await frames.query(`DESCRIBE SELECT * FROM read_parquet(${sqlLiteral(path)})`)).map((row) => [
      String(row.column_name),
      String(row.column_type),
    ]),
  );
  requireColumn(types, request.labelColumn, 'the label');
  for (const column of request.segments) requireColumn(types, column, 'a segment');
  const inside = holdoutSql(request.holdout, types);
  const present = wanted.filter((name) => types.has(name));
  const label = sqlName(request.labelColumn);
  const positive = positiveSql(label, request.positiveClass);
  const counts = await countRows(frames, source, inside, label, positive);
  if (counts.labelled === 0) {
    const holdout = JSON.stringify(request.holdout);
    throw fail('evaluation_no_rows', { ...counts, holdout, column: request.labelColumn });
  }
  if (counts.positives + counts.outsidePositives === 0) {
    throw fail('evaluation_class_unknown', {
      column: request.labelColumn,
      positiveClass: request.positiveClass,
      found: await classesOf(frames, source, label),
    });
  }

  const selected = [
    `CAST(${positive} AS TINYINT)`,
    ...present.map(sqlName),
    ...request.segments.map((name) => `CAST(${sqlName(name)} AS VARCHAR)`),
  ].map((expression, i) => `${expression} AS c${i}`);
  const labels = new Uint8Array(counts.labelled);
  const cells: unknown[][] = selected.slice(1).map(() => []);
  let filled = 0;
  for (let from = counts.firstRow; from <= counts.lastRow; from += BLOCK_ROWS) {
    const block = await frames.columns(
      `SELECT ${selected.join(', ')} FROM ${source} WHERE file_row_number >= ${from}
       AND file_row_number < ${from + BLOCK_ROWS} AND ${inside} AND ${label} IS NOT NULL ORDER BY file_row_number`,
      [],
      signal,
    );
    labels.set((block.columns[0] ?? []) as number[], filled);
    filled += block.columns[0]?.length ?? 0;
    cells.forEach((column, i) => {
      for (const value of block.columns[i + 1] ?? []) column.push(value);
    });
  }
  const outside = counts.total - counts.labelled;
  return {
    labels,
    columns: Object.fromEntries(present.map((name, i) => [name, cells[i] ?? []])),
    segments: Object.fromEntries(
      request.segments.map((name, i) => [name, (cells[present.length + i] ?? []) as (string | null)[]]),
    ),
    rows: counts.rows,
    outsidePositiveRatio: outside === 0 ? null : counts.outsidePositives / outside,
  };
}

function requireColumn(types: ReadonlyMap<string, string>, column: string, role: string): void {
  if (types.has(column)) return;
  throw fail('evaluation_column_missing', { column, role, known: [...types.keys()].join(', ') });
}

function holdoutSql(holdout: Holdout, types: ReadonlyMap<string, string>): string {
  if (holdout.by === 'rows') {
    return `(file_row_number >= ${holdout.fromRow} AND file_row_number < ${holdout.toRow})`;
  }
  requireColumn(types, holdout.column, 'the time of the hold-out');
  const column = sqlName(holdout.column);
  const type = types.get(holdout.column) ?? '';
  const ms = /INT/.test(type) ? column : `epoch_ms(${type === 'DATE' ? `${column}::TIMESTAMP` : column})`;
  const [from, to] = [parseTime(holdout.from, 'holdout.from'), parseTime(holdout.to, 'holdout.to')];
  return `coalesce(${ms} >= ${from} AND ${ms} < ${to}, false)`;
}

/** Is the label the positive class: equal as text, or as numbers (1, 1.0 and true are the same class). */
function positiveSql(label: string, positiveClass: string): string {
  const wanted = sqlLiteral(positiveClass);
  const number = (text: string) =>
    `coalesce(TRY_CAST(${text} AS DOUBLE), CAST(TRY_CAST(${text} AS BOOLEAN) AS DOUBLE))`;
  const text = `CAST(${label} AS VARCHAR)`;
  return `(${text} = ${wanted} OR coalesce(${number(text)} = ${number(wanted)}, false))`;
}

async function countRows(frames: Frames, source: string, inside: string, label: string, positive: string) {
  const [row] = await frames.query(
    `SELECT count(*) FILTER (${inside}) AS rows,
       count(${label}) FILTER (${inside}) AS labelled,
       count(${label}) AS total,
       count(*) FILTER (${inside} AND ${positive}) AS positives,
       count(*) FILTER (NOT ${inside} AND ${positive}) AS outside_positives,
       min(file_row_number) FILTER (${inside}) AS first_row,
       max(file_row_number) FILTER (${inside}) AS last_row
     FROM ${source}`,
  );
  return {
    rows: Number(row?.rows),
    labelled: Number(row?.labelled),
    total: Number(row?.total),
    positives: Number(row?.positives),
    outsidePositives: Number(row?.outside_positives),
    firstRow: Number(row?.first_row),
    lastRow: Number(row?.last_row),
  };
}

async function classesOf(frames: Frames, source: string, label: string): Promise<string> {
  const rows = await frames.query(
    `SELECT DISTINCT CAST(${label} AS VARCHAR) AS class FROM ${source} WHERE ${label} IS NOT NULL
     ORDER BY 1 LIMIT ${NAMED_CLASSES + 1}`,
  );
  const names = rows.slice(0, NAMED_CLASSES).map((row) => `"${row.class}"`);
  return names.join(', ') + (rows.length > NAMED_CLASSES ? ' and others' : '');
}
