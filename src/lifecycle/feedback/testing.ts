import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { uuidv7 } from '../../core/ids.ts';
import type { Actor } from '../../platform/access/index.ts';
import { type DirectoryBlobStore, openDirectoryBlobs } from '../../platform/blobs/index.ts';
import type { OpenDatabase } from '../../platform/db/testing.ts';
import { Frames, sqlLiteral } from '../../platform/frames/index.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import type { Arm } from './contract.ts';
import { feedbackMigrations } from './migrations.ts';
import { FeedbackService } from './service.ts';

export const replica: Actor = { kind: 'system', id: 'replica' };

/** One row of a prediction log; what is left out has the value of a plain, good prediction. */
export interface LoggedRow {
  readonly id: string;
  readonly eventTimeMs: number;
  readonly receivedAtMs?: number;
  readonly arm?: Arm;
  readonly modelVersion?: string;
  readonly routeVersion?: number;
  readonly status?: string;
  readonly latencyUs?: number;
  readonly score?: number | null;
  readonly features?: Readonly<Record<string, string | number | null>>;
}

/** A feedback service over real parts in a directory of its own, knowing endpoint `flights`. */
export async function openFeedbackService(t: TestContext, open: OpenDatabase) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-feedback-'));
  // Registered before the database's own: what writes is closed before what is written to.
  const closing: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const close of closing) await close();
    await rm(directory, { recursive: true, force: true });
  });
  const db = await open(t, [...journalMigrations, ...feedbackMigrations]);
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '300MB', threads: 1 });
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const journal = new Journal(db);
  const options = {
    db,
    journal,
    blobs,
    frames,
    log: createLogger('test', 'silent'),
    labelDirectory: join(directory, 'labels'),
    endpointExists: async (endpoint: string) => endpoint === 'flights',
  };
  const service = await FeedbackService.open(options);
  closing.push(
    () => service.close(),
    () => frames.close(),
  );
  const send = (rows: readonly LoggedRow[]) => sendSegment(service, frames, blobs, directory, rows);
  return { service, journal, blobs, frames, directory, options, send };
}

/** Writes rows as serving does, uploads the file and registers it. */
export async function sendSegment(
  service: FeedbackService,
  frames: Frames,
  blobs: DirectoryBlobStore,
  directory: string,
  rows: readonly LoggedRow[],
) {
  const id = uuidv7();
  const path = join(directory, `${id}.parquet`);
  const select = rows.map(rowSql).join(' UNION ALL BY NAME ');
  await frames.query(`COPY (${select}) TO ${sqlLiteral(path)} (FORMAT parquet)`);
  const { digest } = await blobs.put(createReadStream(path));
  const times = rows.map((row) => row.eventTimeMs);
  const segment = {
    id,
    endpoint: 'flights',
    digest,
    rows: rows.length,
    minEventTimeMs: Math.min(...times),
    maxEventTimeMs: Math.max(...times),
  };
  await service.registerSegment(replica, segment);
  return segment;
}

function rowSql(row: LoggedRow): string {
  const arm = row.arm ?? 'champion';
  const status = row.status ?? 'ok';
  const score = row.score === undefined ? 0.5 : row.score;
  const number = (value: number | null) => (value === null ? 'NULL' : `'${value}'`);
  const features = Object.entries(row.features ?? {}).map(([name, value]) => {
    const type = typeof value === 'string' ? 'VARCHAR' : 'DOUBLE';
    return `${value === null ? 'NULL' : sqlLiteral(String(value))}::${type} AS "feature:${name}"`;
  });
  return `SELECT ${[
    `${sqlLiteral(row.id)} AS prediction_id`,
    `'flights' AS endpoint`,
    `NULL::VARCHAR AS entity`,
    `${row.eventTimeMs}::BIGINT AS event_time_ms`,
    `${row.receivedAtMs ?? row.eventTimeMs}::BIGINT AS received_at_ms`,
    `'flight-delay' AS model`,
    `${sqlLiteral(row.modelVersion ?? (arm === 'champion' ? '1' : '2'))} AS model_version`,
    `${row.routeVersion ?? 1}::BIGINT AS route_version`,
    `${sqlLiteral(arm)} AS arm`,
    `7::INTEGER AS bucket`,
    `1.0::DOUBLE AS propensity`,
    `true AS sticky`,
    `${sqlLiteral(status)} AS status`,
    `${status === 'ok' ? 'NULL' : `'what went wrong'`}::VARCHAR AS "error"`,
    `${row.latencyUs ?? 1500}::BIGINT AS latency_us`,
    `${number(score)}::DOUBLE AS score`,
    `'{"probability":[0.5]}' AS outputs`,
    `NULL::VARCHAR AS flags`,
    ...features,
  ].join(', ')}`;
}
