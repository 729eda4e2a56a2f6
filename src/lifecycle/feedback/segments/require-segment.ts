import { fail } from '../../../core/errors.ts';
import { type Frames, framesReason, sqlLiteral } from '../../../platform/frames/index.ts';
import type { PredictionSegment } from '../contract.ts';

/** Columns without which nothing that reads the log can read a file of it. */
const needed = {
  prediction_id: 'BYTE_ARRAY',
  endpoint: 'BYTE_ARRAY',
  entity: 'BYTE_ARRAY',
  event_time_ms: 'INT64',
  received_at_ms: 'INT64',
  model: 'BYTE_ARRAY',
  model_version: 'BYTE_ARRAY',
  arm: 'BYTE_ARRAY',
  status: 'BYTE_ARRAY',
  latency_us: 'INT64',
  score: 'DOUBLE',
} as const;

/**
 * Makes sure that a file is what it was registered as: one that is not would stop every search of its endpoint. Its
 * pages are not read; the digest vouches for their bytes. Throws `segment_unreadable`.
 */
export async function requireSegment(
  frames: Pick<Frames, 'query'>,
  path: string,
  { id, rows }: Pick<PredictionSegment, 'id' | 'rows'>,
): Promise<void> {
  const unreadable = (problem: string) => fail('segment_unreadable', { id, problem });
  const query = (sql: string) =>
    frames.query(sql).catch((error: unknown) => {
      throw unreadable(`it is no Parquet: ${framesReason(error)}`);
    });
  const [file] = await query(`SELECT num_rows FROM parquet_file_metadata(${sqlLiteral(path)})`);
  if (file?.num_rows !== rows) throw unreadable(`it has ${file?.num_rows} rows, not ${rows}`);
  const columns = await query(`SELECT name, type FROM parquet_schema(${sqlLiteral(path)})`);
  const types = new Map(columns.map(({ name, type }) => [String(name), String(type)]));
  const lacking = Object.entries(needed).filter(([name, type]) => types.get(name) !== type);
  if (lacking.length > 0)
    throw unreadable(`it lacks ${lacking.map(([name, type]) => `${name} (${type})`).join(', ')}`);
}
