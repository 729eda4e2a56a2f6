import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { pino } from 'pino';
import type { SegmentFrames } from './convert-lines.ts';
import type { SegmentLogOptions } from './segment-log.ts';
import type { SealedSegment } from './shipping.ts';

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

/** A directory that is removed with the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-segments-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A receiver that keeps the Parquet files: what a reader of the log would see. */
export async function keepingReceiver(t: TestContext, frames: SegmentFrames) {
  const kept = await temporaryDirectory(t);
  const shipped: SealedSegment[] = [];
  const ship = async (segment: SealedSegment) => {
    await copyFile(segment.path, join(kept, `${segment.id}.parquet`));
    shipped.push(segment);
  };
  const rows = () => frames.query(`SELECT * FROM read_parquet('${kept}/*.parquet', union_by_name = true)`);
  return { ship, shipped, rows };
}
