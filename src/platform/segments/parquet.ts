import { rename, rm } from 'node:fs/promises';
import { sqlLiteral, sqlName } from '../frames/index.ts';
import type { SegmentColumn, SegmentHeader } from './segment-file.ts';

/** What segments need of the frames port: one SQL statement, its rows as objects. */
export interface SegmentFrames {
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** Rows and event times of a converted segment. */
export interface SegmentFacts {
  readonly rows: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

/**
 * Converts a sealed segment to Parquet (zstd), one column per column of its header. A value that its column's
 * type cannot hold becomes NULL rather than stopping the segment. The header line has no key and is left out.
 *
 * @param keyColumn a column that is never null in a row
 * @param timeColumn the column with the event time in epoch milliseconds
 */
export async function convertSegment(
  frames: SegmentFrames,
  header: SegmentHeader,
  source: string,
  target: string,
  keyColumn: string,
  timeColumn: string,
): Promise<SegmentFacts> {
  const temporary = `${target}.tmp`;
  await rm(temporary, { force: true });
  const members = new Map(
    header.columns.map((c) => (c.list ? [c.list.member, 'VARCHAR[]'] : [c.name, 'VARCHAR'])),
  );
  const shape = [...members].map(([name, type]) => `${sqlLiteral(name)}: ${sqlLiteral(type)}`).join(', ');
  const list = header.columns.map(castColumn).join(', ');
  await frames.query(
    `COPY (SELECT ${list} FROM read_json(${sqlLiteral(source)}, format = 'newline_delimited', columns = {${shape}})` +
      ` WHERE ${sqlName(keyColumn)} IS NOT NULL) TO ${sqlLiteral(temporary)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  const time = sqlName(timeColumn);
  const [facts] = await frames.query(
    `SELECT count(*)::DOUBLE AS rows, coalesce(min(${time}), 0)::DOUBLE AS min_time_ms,` +
      ` coalesce(max(${time}), 0)::DOUBLE AS max_time_ms FROM read_parquet(${sqlLiteral(temporary)})`,
  );
  await rename(temporary, target);
  return {
    rows: Number(facts?.rows ?? 0),
    minTimeMs: Number(facts?.min_time_ms ?? 0),
    maxTimeMs: Number(facts?.max_time_ms ?? 0),
  };
}

function castColumn({ name, type, list }: SegmentColumn): string {
  const value = list ? `${sqlName(list.member)}[${list.index + 1}]` : sqlName(name);
  return `${type === 'VARCHAR' ? value : `TRY_CAST(${value} AS ${type})`} AS ${sqlName(name)}`;
}
