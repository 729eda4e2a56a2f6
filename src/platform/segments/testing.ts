import { DuckDBInstance } from '@duckdb/node-api';
import { pino } from 'pino';
import type { SegmentFrames } from './convert-lines.ts';
import type { SegmentLogOptions } from './segment-log.ts';

/** DuckDB in the test's own process, for tests of what writes and reads segments. */
export async function localFrames(): Promise<SegmentFrames> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  return { query: async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson() };
}

/** Options of a log of {id, time, value} rows that tests overwrite in parts. */
export function testLogOptions(
  directory: string,
  frames: SegmentFrames,
  ship: SegmentLogOptions['ship'],
): SegmentLogOptions {
  return {
    directory,
    stream: 'test',
    columns: [
      { name: 'id', type: 'VARCHAR' },
      { name: 'time', type: 'BIGINT' },
      { name: 'value', type: 'DOUBLE' },
    ],
    keyColumn: 'id',
    timeColumn: 'time',
    maxRows: 1000,
    maxSizeBytes: 1_000_000,
    maxAgeMs: 60_000,
    backOffMs: [10, 100],
    frames,
    ship,
    logger: pino({ level: 'silent' }),
  };
}
