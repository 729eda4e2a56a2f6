import { formatTime } from '../../core/time.ts';
import { type Frames, sqlLiteral } from '../../platform/frames/index.ts';
import type { StoredColumn } from './columns.ts';
import type { DatasetVersion } from './contract.ts';

const sampleSize = 20;

type Cell = DatasetVersion['sample'][number][number];

/** The first rows of a Parquet file as JSON cells: times as RFC 3339, NaN as null, infinities and lists as text. */
export async function sampleRows(
  frames: Frames,
  path: string,
  columns: readonly StoredColumn[],
): Promise<Cell[][]> {
  const result = await frames.columns(`SELECT * FROM read_parquet(${sqlLiteral(path)}) LIMIT ${sampleSize}`);
  const rows = result.columns[0]?.length ?? 0;
  return Array.from({ length: rows }, (_, row) =>
    columns.map((column, i) => toCell(result.columns[i]?.[row], column)),
  );
}

function toCell(value: unknown, column: StoredColumn): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return null;
    if (column.type === 'time') return formatTime(value);
    return Number.isFinite(value) ? value : String(value);
  }
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return JSON.stringify(value);
}
