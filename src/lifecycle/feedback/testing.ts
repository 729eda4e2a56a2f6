import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { uuidv7 } from '../../core/ids.ts';
import { type Clock, wallClock } from '../../core/time.ts';
import type { Actor } from '../../platform/access/index.ts';
import { type DirectoryBlobStore, openDirectoryBlobs } from '../../platform/blobs/index.ts';
import type { OpenDatabase } from '../../platform/db/testing.ts';
import { Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { fernetBox, newFernetKey } from '../../platform/secrets/index.ts';
import type { Arm } from './contract.ts';
import { feedbackMigrations } from './migrations.ts';
import { FeedbackService, type FeedbackServiceOptions } from './service.ts';

export const ada: Actor = { kind: 'user', id: 'ada' };
export const replica: Actor = { kind: 'system', id: 'replica' };

/** One row of a prediction log; what is left out has the value of a plain, good prediction. */
export interface LoggedRow {
  readonly id: string;
  readonly entity?: string;
  readonly eventTimeMs: number;
  readonly receivedAtMs?: number;
  readonly arm?: Arm;
  readonly modelVersion?: string;
  readonly routeVersion?: number;
  readonly status?: string;
  readonly latencyUs?: number;
  /** A file has the column when one of its rows has it. */
  readonly firstUs?: number;
  readonly score?: number | null;
  readonly bucket?: number | null;
  readonly propensity?: number;
  readonly features?: Readonly<Record<string, string | number | null>>;
}

/** A feedback service over real parts in a directory of its own, knowing endpoint `flights`. */
export async function openFeedbackService(
  t: TestContext,
  open: OpenDatabase,
  clock: Clock = wallClock,
  more: Pick<FeedbackServiceOptions, 'onSetAside' | 'clockAheadMs'> = {},
) {
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
    secrets: fernetBox(newFernetKey(), 'key'),
    endpointExists: async (endpoint: string) => endpoint === 'flights',
    // Readers give up on nothing and are given nothing old, however busy the machine is.
    readWaitMs: 600_000,
    slowCountMs: Number.POSITIVE_INFINITY,
    clock,
    ...more,
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
  replicaId?: string,
) {
  const id = uuidv7();
  const path = join(directory, `${id}.parquet`);
  const source = join(directory, `${id}.ndjson`);
  await writeFile(source, rows.map((row) => `${JSON.stringify(logged(row))}\n`).join(''));
  const featureTypes = new Map<string, string>();
  for (const [name, value] of rows.flatMap(({ features }) => Object.entries(features ?? {}))) {
    const type = typeof value === 'string' ? 'VARCHAR' : 'DOUBLE';
    if (value !== null || !featureTypes.has(`feature:${name}`)) featureTypes.set(`feature:${name}`, type);
  }
  const first = rows.some((row) => row.firstUs !== undefined) ? [['first_us', 'BIGINT'] as const] : [];
  const types = [...Object.entries(columnTypes), ...first, ...featureTypes];
  const shape = types.map(([name]) => `${sqlLiteral(name)}: 'VARCHAR'`).join(', ');
  const casts = types.map(([name, type]) => `${sqlName(name)}::${type} AS ${sqlName(name)}`).join(', ');
  await frames.query(
    `COPY (SELECT ${casts} FROM read_json(${sqlLiteral(source)}, format = 'newline_delimited', columns = {${shape}}))
     TO ${sqlLiteral(path)} (FORMAT parquet)`,
  );
  const { digest } = await blobs.put(createReadStream(path));
  const times = rows.map((row) => row.eventTimeMs);
  const segment = {
    id,
    ...(replicaId === undefined ? {} : { replicaId }),
    endpoint: 'flights',
    digest,
    rows: rows.length,
    minEventTimeMs: Math.min(...times),
    maxEventTimeMs: Math.max(...times),
  };
  await service.registerSegment(replica, segment);
  return segment;
}

const columnTypes = {
  prediction_id: 'VARCHAR',
  endpoint: 'VARCHAR',
  entity: 'VARCHAR',
  event_time_ms: 'BIGINT',
  received_at_ms: 'BIGINT',
  model: 'VARCHAR',
  model_version: 'VARCHAR',
  route_version: 'BIGINT',
  arm: 'VARCHAR',
  bucket: 'INTEGER',
  propensity: 'DOUBLE',
  sticky: 'BOOLEAN',
  status: 'VARCHAR',
  error: 'VARCHAR',
  latency_us: 'BIGINT',
  score: 'DOUBLE',
  outputs: 'VARCHAR',
  flags: 'VARCHAR',
} as const;

function logged(row: LoggedRow): Readonly<Record<string, unknown>> {
  const arm = row.arm ?? 'champion';
  const status = row.status ?? 'ok';
  const number = (value: number) => (Number.isFinite(value) ? value : String(value));
  const features = Object.entries(row.features ?? {}).map(([name, value]) => [`feature:${name}`, value]);
  return {
    prediction_id: row.id,
    endpoint: 'flights',
    entity: row.entity ?? null,
    event_time_ms: row.eventTimeMs,
    received_at_ms: row.receivedAtMs ?? row.eventTimeMs,
    model: 'flight-delay',
    model_version: row.modelVersion ?? (arm === 'champion' ? '1' : '2'),
    route_version: row.routeVersion ?? 1,
    arm,
    bucket: row.bucket === undefined ? 7 : row.bucket,
    propensity: row.propensity ?? 1,
    sticky: true,
    status,
    error: status === 'ok' ? null : 'what went wrong',
    latency_us: row.latencyUs ?? 1500,
    first_us: row.firstUs,
    score: row.score === null ? null : number(row.score ?? 0.5),
    outputs: '{"probability":[0.5]}',
    ...Object.fromEntries(features),
  };
}
