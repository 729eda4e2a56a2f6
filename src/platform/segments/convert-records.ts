import { closeSync, fstatSync, openSync, readSync, renameSync } from 'node:fs';
import { type ColumnType, type ParquetColumn, ParquetFile } from '../parquet/index.ts';
import { blocksIn } from './blocks.ts';
import { ColumnReader } from './column-reader.ts';
import type { ConvertedSegment } from './convert-lines.ts';
import { findValues, rowLayout } from './read-rows.ts';
import type { SegmentColumn } from './segment-file.ts';

/** Rows of a row group. Few: who looks for one row reads one of these. */
const mostRows = 10_240;
/** Values of a row group, about: models of thousands of features have smaller ones. */
const mostValues = 2_000_000;
/** A row group ends where its rows take more than this. */
const groupBytes = 64 * 1024 * 1024;
/** Values that are read in one step. */
const valuesAtOnce = 8192;

const types: readonly string[] = [
  'VARCHAR',
  'DOUBLE',
  'BIGINT',
  'UBIGINT',
  'INTEGER',
  'BOOLEAN',
] satisfies ColumnType[];

export interface RecordsJob {
  /** The sealed segment, its columns, and where its Parquet file shall be. */
  readonly source: string;
  readonly columns: readonly SegmentColumn[];
  readonly target: string;
  /** The column with the event time in epoch milliseconds. */
  readonly timeColumn: string;
}

/**
 * Makes the Parquet file of a segment of records, in steps of well under a millisecond: who works beside a server rests
 * between them. A value that its column's type cannot hold becomes null; a block that is not whole is left out. The
 * file's bytes are on the disk when this returns, its name when the directory was synchronized.
 */
export function* convertRecords({
  source,
  columns,
  target,
  timeColumn,
}: RecordsJob): Generator<void, ConvertedSegment> {
  const bytes = yield* read(source);
  const temporary = `${target}.tmp`;
  const parquetColumns = columns.map(parquetColumn);
  const file = new ParquetFile(temporary, parquetColumns);
  const width = columns.length;
  const rowsAtOnce = Math.ceil(valuesAtOnce / width);
  const rowGroup = Math.min(mostRows, Math.ceil(mostValues / width));
  const layout = rowLayout(columns);
  // A group ends when it is full, which is found after a step; a value takes a byte at least.
  const most = Math.min(rowGroup + rowsAtOnce, Math.ceil(bytes.length / Math.max(1, layout.alone.length)));
  const readers = parquetColumns.map(({ type }) => new ColumnReader(type, bytes, most));
  const places = new Uint32Array(Math.min(rowsAtOnce, most) * width);
  const times = { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
  let [found, inGroup, rows, groupFrom] = [0, 0, 0, 0];
  let isWhole = true;
  const readFound = () => {
    for (const [column, reader] of readers.entries()) reader.add(places, column, width, found);
    inGroup += found;
    found = 0;
  };
  function* endGroup(at: number): Generator<void, void> {
    readFound();
    if (inGroup === 0) return;
    for (const [column, reader] of readers.entries()) {
      const { data, defined } = reader.take();
      if (columns[column]?.name === timeColumn && data.type === 'BIGINT') widen(times, data.values);
      yield* file.column(data, defined);
    }
    file.endRowGroup(inGroup);
    rows += inGroup;
    [inGroup, groupFrom] = [0, at];
  }
  try {
    for (const block of blocksIn(bytes, bytes.indexOf('\n') + 1)) {
      isWhole &&= block.isWhole;
      if (!block.isWhole) continue;
      for (let at = block.from; at < block.to; ) {
        at = findValues(bytes, at, layout, places, found * width);
        found++;
        if (found === rowsAtOnce) {
          readFound();
          yield;
        }
        if (inGroup >= rowGroup || at - groupFrom > groupBytes) yield* endGroup(at);
      }
    }
    yield* endGroup(bytes.length);
    file.end();
  } finally {
    file.close();
  }
  renameSync(temporary, target);
  const { min, max } = times;
  return { rows, minTimeMs: min <= max ? min : 0, maxTimeMs: min <= max ? max : 0, isWhole };
}

function widen(range: { min: number; max: number }, values: Float64Array): void {
  for (const value of values) {
    if (value < range.min) range.min = value;
    if (value > range.max) range.max = value;
  }
}

function parquetColumn({ name, type }: SegmentColumn): ParquetColumn {
  if (!isColumnType(type)) throw new Error(`column "${name}" has type ${type}, which segments do not have`);
  return { name, type };
}

const isColumnType = (type: string): type is ColumnType => types.includes(type);

/** What segments are read into. Kept: memory outside the heap that comes and goes has the heap collected. */
let kept = Buffer.alloc(0);
const longestKept = 64 * 1024 * 1024;

const readAtOnce = 1024 * 1024;

function* read(path: string): Generator<void, Buffer> {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const buffer = size <= kept.length ? kept : Buffer.allocUnsafeSlow(size);
    if (size <= longestKept) kept = buffer;
    let length = 0;
    for (let got = 1; length < size && got > 0; length += got) {
      got = readSync(file, buffer, length, Math.min(readAtOnce, size - length), length);
      yield;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
