import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sqlLiteral, sqlName } from '../frames/index.ts';
import { type SegmentColumn, type SegmentHeader, syncDirectory, syncFile } from './segment-file.ts';

/** What segments need of the frames port: one SQL statement, its rows as objects. */
export interface SegmentFrames {
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** Small: who looks for one row reads one of these. The files are as large as with one group (measured). */
const rowGroup = 10_240;

/** The lightest: a seventh quicker to make, 5 % larger (measured), and days are written anew when they are over. */
const compression = 'COMPRESSION zstd, COMPRESSION_LEVEL 1';

/** Rows and event times of a converted segment. */
export interface SegmentFacts {
  readonly rows: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

export interface ConvertedSegment extends SegmentFacts {
  /** False when lines were left out, because they are no JSON. */
  readonly isWhole: boolean;
}

/**
 * Converts a sealed segment of lines to Parquet (zstd), one column per column of its header. A value that its column's
 * type cannot hold becomes NULL rather than stopping the segment; a line that is no JSON is left out. The file is on the disk, under its name, when this
 * returns. The header line has no key and is left out.
 *
 * @param keyColumn a column that is never null in a row
 * @param timeColumn the column with the event time in epoch milliseconds
 */
export async function convertLines(
  frames: SegmentFrames,
  header: SegmentHeader,
  source: string,
  target: string,
  keyColumn: string,
  timeColumn: string,
): Promise<ConvertedSegment> {
  const temporary = `${target}.tmp`;
  const copy = async (read: Reading, options = '') => {
    await rm(temporary, { force: true });
    const { shape, list } = read(header.columns);
    const form = `format = 'newline_delimited'${options}, columns = {${shape}}`;
    await frames.query(
      `COPY (SELECT ${list} FROM read_json(${sqlLiteral(source)}, ${form})` +
        ` WHERE ${sqlName(keyColumn)} IS NOT NULL) TO ${sqlLiteral(temporary)} (FORMAT parquet, ${compression}, ROW_GROUP_SIZE ${rowGroup})`,
    );
  };
  let isWhole = true;
  // Reading by type costs less than half as much, but stops at the first value of another type.
  await copy(readTyped)
    .catch((error: unknown) => (hasNoSpace(error) ? Promise.reject(error) : copy(readTolerant)))
    // A disk gives back other bytes than it was given: what is whole must not stay behind what is not.
    .catch(async (error: unknown) => {
      if (hasNoSpace(error)) throw error;
      isWhole = false;
      await copy(readTolerant, ', ignore_errors = true');
    });
  await syncFile(temporary);
  await rename(temporary, target);
  await syncDirectory(dirname(target));
  return { ...(await readFacts(frames, target, timeColumn)), isWhole };
}

/** Rows and event times of a segment that was converted already. */
export async function readFacts(
  frames: SegmentFrames,
  path: string,
  timeColumn: string,
): Promise<SegmentFacts> {
  const time = sqlName(timeColumn);
  const [facts] = await frames.query(
    `SELECT count(*)::DOUBLE AS rows, coalesce(min(${time}), 0)::DOUBLE AS min_time_ms,` +
      ` coalesce(max(${time}), 0)::DOUBLE AS max_time_ms FROM read_parquet(${sqlLiteral(path)})`,
  );
  return {
    rows: Number(facts?.rows ?? 0),
    minTimeMs: Number(facts?.min_time_ms ?? 0),
    maxTimeMs: Number(facts?.max_time_ms ?? 0),
  };
}

/** Whether something failed because the disk is full, in the words of the file system or of the engine. */
export function hasNoSpace(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'disk_full') return true;
  return /no space left on device|quota exceeded/i.test(message);
}

/** Types of the JSON members to read, and what to select from them. */
type Reading = (columns: readonly SegmentColumn[]) => { readonly shape: string; readonly list: string };

const readTyped: Reading = (columns) => {
  const listTypes = new Map<string, string>();
  for (const { type, list } of columns) {
    if (!list) continue;
    const known = listTypes.get(list.member);
    listTypes.set(list.member, known === undefined || known === type ? type : 'VARCHAR');
  }
  const members = new Map(columns.flatMap((c) => (c.list ? [] : [[c.name, c.type]])));
  for (const [member, type] of listTypes) members.set(member, `${type}[]`);
  const select = columns.map((c) =>
    listTypes.get(c.list?.member ?? '') === 'VARCHAR' ? castColumn(c) : plainColumn(c),
  );
  return { shape: shapeOf(members), list: select.join(', ') };
};

const readTolerant: Reading = (columns) => {
  const members = new Map(columns.map((c) => (c.list ? [c.list.member, 'VARCHAR[]'] : [c.name, 'VARCHAR'])));
  return { shape: shapeOf(members), list: columns.map(castColumn).join(', ') };
};

function shapeOf(members: ReadonlyMap<string, string>): string {
  return [...members].map(([name, type]) => `${sqlLiteral(name)}: ${sqlLiteral(type)}`).join(', ');
}

const valueSql = ({ name, list }: SegmentColumn): string =>
  list ? `${sqlName(list.member)}[${list.index + 1}]` : sqlName(name);

function plainColumn(column: SegmentColumn): string {
  return `${valueSql(column)} AS ${sqlName(column.name)}`;
}

function castColumn(column: SegmentColumn): string {
  if (column.type === 'VARCHAR') return plainColumn(column);
  return `TRY_CAST(${valueSql(column)} AS ${column.type}) AS ${sqlName(column.name)}`;
}
