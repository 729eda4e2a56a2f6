import { constants, zstdCompressSync } from 'node:zlib';
import type { ColumnData, ColumnType, Encoder } from './column-data.ts';
import { BooleanEncoder } from './encode-booleans.ts';
import { NumberEncoder } from './encode-numbers.ts';
import { TextEncoder } from './encode-texts.ts';
import { hybridBytes } from './hybrid.ts';
import { PageBytes } from './page-bytes.ts';
import { binary, compactBytes, i32, i64, list, struct, type ThriftValue, text } from './thrift.ts';

/** Parquet's numbers of types and codecs; source: parquet.thrift of apache/parquet-format. */
const physical = { BOOLEAN: 0, INTEGER: 1, BIGINT: 2, UBIGINT: 2, DOUBLE: 5, VARCHAR: 6 } as const;
/** What values mean where their physical type does not tell. */
const converted: Partial<Record<ColumnType, number>> = { VARCHAR: 0, UBIGINT: 14 };
const encoding = { plain: 0, rle: 3, rleDictionary: 8 } as const;
const codec = { none: 0, zstd: 6 } as const;
/** Types of pages, and the fields of their headers that are a type's own. */
const dataPage = { type: 0, field: 5 } as const;
const dictionaryPage = { type: 2, field: 7 } as const;

/** Bytes of a page, about: little enough to be made at once beside a server that answers. */
const pageBytes = 64 * 1024;
/** A column of less is not worth the calls that compress it. */
const leastCompressed = 512;
/** The lightest: a segment is written anew, among others, when its day is over. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 };

/** A column's entry in the file's schema. */
export function schemaElement(name: string, type: ColumnType): ThriftValue {
  const optional = 1;
  const meaning = converted[type];
  return struct({
    1: i32(physical[type]),
    3: i32(optional),
    4: text(name),
    6: meaning === undefined ? undefined : i32(meaning),
    10: type === 'VARCHAR' ? struct({ 1: struct({}) }) : undefined,
  });
}

/** What a column of a row group is made of. */
interface ColumnRows {
  readonly name: string;
  readonly data: ColumnData;
  /** For each row, 1, or 0 where it is null and has no value in `data`. */
  readonly defined: Uint8Array;
}

/** What was written of it. */
interface WrittenChunk {
  readonly plainBytes: number;
  /** Its entry in the file's footer. */
  readonly meta: ThriftValue;
}

const page = new PageBytes();

/**
 * Writes a column of a row group, a page at each step.
 *
 * @param write takes bytes, which are good until it returns, and gives where in the file they are
 */
export function* writeChunk(
  { name, data, defined }: ColumnRows,
  write: (bytes: Uint8Array) => number,
): Generator<void, WrittenChunk> {
  const encoder = encoderOf(data);
  const { dictionary } = encoder;
  const rows = defined.length;
  let [plainBytes, sizeBytes] = [0, 0];
  let [dictionaryAt, dataAt]: (number | undefined)[] = [];
  const isCompressed = encoder.bytesOfAll >= leastCompressed;
  const put = ({ type, field }: { type: number; field: number }, plain: Uint8Array, header: ThriftValue) => {
    const stored = isCompressed ? compressed(plain) : plain;
    const head = compactBytes({ 1: i32(type), 2: i32(plain.length), 3: i32(stored.length), [field]: header });
    const at = write(head);
    write(stored);
    plainBytes += head.length + plain.length;
    sizeBytes += head.length + stored.length;
    return at;
  };
  if (dictionary) {
    const header = struct({ 1: i32(dictionary.count), 2: i32(encoding.plain) });
    dictionaryAt = put(dictionaryPage, dictionary.bytes, header);
    yield;
  }
  const rowsOfPage = Math.max(1, Math.floor(pageBytes / Math.max(encoder.bytesOfValue, 1 / 8)));
  let value = 0;
  let nulls = 0;
  for (let from = 0; from < rows; from += rowsOfPage) {
    const levels = defined.subarray(from, from + rowsOfPage);
    const values = ones(levels);
    putLevels(levels);
    encoder.put(page, value, value + values);
    value += values;
    nulls += levels.length - values;
    const header = struct({
      1: i32(levels.length),
      2: i32(dictionary ? encoding.rleDictionary : encoding.plain),
      3: i32(encoding.rle),
      4: i32(encoding.rle),
    });
    const at = put(dataPage, page.bytes, header);
    dataAt ??= at;
    yield;
  }
  const encodings = [encoding.plain, encoding.rle, ...(dictionary ? [encoding.rleDictionary] : [])];
  const bounds = encoder.bounds();
  const statistics = struct({
    3: i64(nulls),
    5: bounds ? binary(bounds.max) : undefined,
    6: bounds ? binary(bounds.min) : undefined,
  });
  const meta = struct({
    1: i32(physical[data.type]),
    2: list(encodings.map(i32)),
    3: list([text(name)]),
    4: i32(isCompressed ? codec.zstd : codec.none),
    5: i64(rows),
    6: i64(plainBytes),
    7: i64(sizeBytes),
    9: i64(dataAt ?? 0),
    11: dictionaryAt === undefined ? undefined : i64(dictionaryAt),
    12: statistics,
  });
  return { plainBytes, meta };
}

/** With memory for a page alone: what zstd takes for a text of unknown length takes longer to get than to use. */
function compressed(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params, pledgedSrcSize: bytes.length });
}

function ones(levels: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < levels.length; i++) count += levels[i] as number;
  return count;
}

/** Begins a page with which of its rows are null. */
function putLevels(levels: Uint8Array): void {
  const bytes = hybridBytes(levels, levels.length, 1);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  page.clear();
  page.put(size);
  page.put(bytes);
}

function encoderOf(data: ColumnData): Encoder {
  if (data.type === 'VARCHAR') return new TextEncoder(data.bytes, data.spans);
  return data.type === 'BOOLEAN' ? new BooleanEncoder(data.values) : new NumberEncoder(data);
}
