import { tags } from './row-bytes.ts';
import type { SegmentColumn } from './segment-file.ts';

/**
 * How values lie in a row: those of columns outside lists, in the order of the columns, then every list; an empty one
 * where a row has none.
 */
interface RowLayout {
  /** Numbers of columns. */
  readonly alone: readonly number[];
  readonly lists: readonly {
    readonly member: string;
    /** The number of the column of each entry; -1 where none has it. */
    readonly columns: readonly number[];
  }[];
}

export function rowLayout(columns: readonly SegmentColumn[]): RowLayout {
  const alone: number[] = [];
  const members = new Map<string, number[]>();
  for (const [number, { list }] of columns.entries()) {
    if (!list) {
      alone.push(number);
      continue;
    }
    const entries = members.get(list.member) ?? [];
    members.set(list.member, entries);
    while (entries.length <= list.index) entries.push(-1);
    entries[list.index] = number;
  }
  return { alone, lists: [...members].map(([member, entries]) => ({ member, columns: entries })) };
}

/** Where a value is that a row does not have. */
export const nowhere = 0xffffffff;

/**
 * Finds where the values of a row begin.
 *
 * @param from where the row begins
 * @param places gets the place of each column's value, from `first` on; `nowhere` for one that the row does not have
 * @returns where the next row begins. Throws where there is no row
 */
export function findValues(
  bytes: Buffer,
  from: number,
  { alone, lists }: RowLayout,
  places: Uint32Array,
  first: number,
): number {
  let at = from;
  for (let i = 0; i < alone.length; i++) {
    places[first + (alone[i] as number)] = at;
    at = afterValue(bytes, at);
  }
  for (const { columns } of lists) at = findEntries(bytes, at, columns, places, first);
  // No row begins with a list: these are of columns that the layout does not have.
  while (bytes[at] === tags.list) at = findEntries(bytes, at, [], places, first);
  return at;
}

function findEntries(
  bytes: Buffer,
  from: number,
  columns: readonly number[],
  places: Uint32Array,
  first: number,
): number {
  if (bytes[from] !== tags.list) throw new Error(`byte ${from} of the segment begins no list`);
  const count = bytes.readUInt32LE(from + 1);
  let at = from + 5;
  for (let i = 0; i < count; i++) {
    const column = i < columns.length ? (columns[i] as number) : -1;
    if (column >= 0) places[first + column] = at;
    at = afterValue(bytes, at);
  }
  for (let i = count; i < columns.length; i++) {
    const column = columns[i] as number;
    if (column >= 0) places[first + column] = nowhere;
  }
  return at;
}

function afterValue(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case tags.double:
      return at + 9;
    case tags.int:
      return at + 5;
    case tags.short:
      return at + 2 + (bytes[at + 1] as number);
    case tags.null:
    case tags.false:
    case tags.true:
      return at + 1;
    case tags.text:
      return at + 5 + bytes.readUInt32LE(at + 1);
    default:
      throw new Error(`byte ${at} of the segment begins no value`);
  }
}

/** The value that begins at `at`. */
export function valueAt(bytes: Buffer, at: number): string | number | boolean | null {
  if (at === nowhere) return null;
  switch (bytes[at]) {
    case tags.double:
      return bytes.readDoubleLE(at + 1);
    case tags.int:
      return bytes.readInt32LE(at + 1);
    case tags.short:
      return bytes.toString('utf8', at + 2, afterValue(bytes, at));
    case tags.text:
      return bytes.toString('utf8', at + 5, afterValue(bytes, at));
    case tags.false:
    case tags.true:
      return bytes[at] === tags.true;
    default:
      return null;
  }
}

/**
 * Rows in the bytes [from, to) as lines of JSON, one at each step; what is null is left out of them, but not out of
 * their lists.
 */
export function* rowLines(
  bytes: Buffer,
  from: number,
  to: number,
  columns: readonly SegmentColumn[],
): Generator<string, void> {
  const layout = rowLayout(columns);
  const places = new Uint32Array(columns.length);
  const value = (number: number) => (number < 0 ? null : valueAt(bytes, places[number] as number));
  for (let at = from; at < to; ) {
    at = findValues(bytes, at, layout, places, 0);
    const row: [string, unknown][] = [];
    for (const number of layout.alone) row.push([columns[number]?.name ?? '', value(number) ?? undefined]);
    for (const { member, columns: entries } of layout.lists) row.push([member, entries.map(value)]);
    yield `${JSON.stringify(Object.fromEntries(row))}\n`;
  }
}
