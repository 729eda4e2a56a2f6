import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '../../src/core/errors.ts';
import { canonicalJson, type Digest } from '../../src/core/json.ts';
import { type PackageManifest, packageManifestSchema } from '../../src/core/model-package.ts';
import {
  type ControlledReplica,
  defaultEndpointOptions,
  type EndpointRoute,
  openReplica,
  type PredictionSegment,
  predictionSegmentSchema,
  type ReplicaOptions,
  type RouteTable,
  ServingService,
  servingMigrations,
  servingRoutes,
} from '../../src/lifecycle/serving/index.ts';
import {
  type BlobStore,
  blobRoutes,
  type DirectoryBlobStore,
  openDirectoryBlobs,
} from '../../src/platform/blobs/index.ts';
import { migrate, openSqlite } from '../../src/platform/db/index.ts';
import { addRoutes, createHttpServer, defineRoute, listen } from '../../src/platform/http/index.ts';
import { Journal, journalMigrations } from '../../src/platform/journal/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { Registry } from '../../src/platform/metrics/index.ts';
import { importOnnx, type OnnxPackage } from '../../src/platform/onnx/index.ts';
import { blocksIn } from '../../src/platform/segments/blocks.ts';
import { rowLines } from '../../src/platform/segments/read-rows.ts';
import type { SegmentHeader } from '../../src/platform/segments/segment-file.ts';
import { localFrames } from '../../src/platform/segments/testing.ts';
import { InferenceServer, type InferenceServerOptions } from '../../src/surfaces/inference/index.ts';
import { freePorts } from './ports.ts';
import type { Cleanup } from './server.ts';

/** Support for tests and benchmarks of serving: packages, routes and the log as it lies on the disk. */

/** Stores a model package and returns its digest. */
export async function storePackage(
  blobs: BlobStore,
  onnx: Uint8Array,
  pkg: OnnxPackage & Partial<PackageManifest>,
): Promise<Digest> {
  const { digest } = await blobs.put(importOnnx(onnx).bytes);
  const manifest = packageManifestSchema.parse({
    formatVersion: 1,
    model: 'test-model',
    classes: null,
    contract: null,
    sample: [],
    ...pkg,
    onnx: digest,
  });
  return (await blobs.put(canonicalJson(manifest))).digest;
}

/** A route of the endpoint `test` whose champion is the package. */
export function testRoute(packageDigest: Digest, overrides: Partial<EndpointRoute> = {}): EndpointRoute {
  return {
    endpoint: 'test',
    model: 'test-model',
    routeVersion: 1,
    salt: 'salt',
    entityFeature: null,
    eventTimeFeature: null,
    options: defaultEndpointOptions,
    arms: [{ arm: 'champion', modelVersion: '1', packageDigest, weight: 1 }],
    shadow: null,
    ...overrides,
  };
}

export function tableOf(...endpoints: EndpointRoute[]): RouteTable {
  return { version: Math.max(...endpoints.map((e) => e.routeVersion)), endpoints };
}

/** Rows of an endpoint's log that are written whole and were not shipped yet, oldest first. */
export async function unshippedRows(
  replicaDirectory: string,
  endpoint: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const directory = join(replicaDirectory, 'log', endpoint);
  const rows: Readonly<Record<string, unknown>>[] = [];
  for (const name of (await readdir(directory)).filter((n) => n.endsWith('.rows')).sort()) {
    const bytes = await readFile(join(directory, name));
    const start = bytes.indexOf('\n') + 1;
    if (start === 0) continue;
    const { columns } = JSON.parse(bytes.toString('utf8', 0, start)) as SegmentHeader;
    // The last block may still be being written.
    for (const block of [...blocksIn(bytes, start)].filter(({ isWhole }) => isWhole))
      for (const line of rowLines(bytes, block.from, block.to, columns)) {
        const row = JSON.parse(line) as Record<string, unknown>;
        const cell = ({ name: column, list }: SegmentHeader['columns'][number]) =>
          list ? (row[list.member] as unknown[] | undefined)?.[list.index] : row[column];
        rows.push(parsedRow(Object.fromEntries(columns.map((column) => [column.name, cell(column)]))));
      }
  }
  return [...(await convertedRows(directory)), ...rows];
}

/** Rows of segments that wait as Parquet, as they were written. */
async function convertedRows(directory: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const names = await readdir(directory);
  const done = names.filter(
    (name) => name.endsWith('.parquet') && !names.includes(name.replace('.parquet', '.sealed.rows')),
  );
  if (done.length === 0) return [];
  const files = done.sort().map((name) => `'${join(directory, name)}'`);
  const rows = await (await localFrames()).query(
    `SELECT * FROM read_parquet([${files.join(', ')}], union_by_name = true)`,
  );
  return rows.map(parsedRow);
}

/** A row with its outputs and flags as values. */
function parsedRow(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const parsed = (value: unknown) => (typeof value === 'string' ? JSON.parse(value) : value);
  return { ...row, outputs: parsed(row.outputs), flags: parsed(row.flags) };
}

/** Serve's surfaces over a replica without control, on a free port. */
export interface TestServing {
  readonly url: string;
  readonly replica: ControlledReplica;
  readonly blobs: BlobStore;
  readonly directory: string;
  readonly stop: () => Promise<void>;
  /** Sends JSON (or text) and returns status, headers and the JSON answer. */
  readonly post: (
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; headers: Headers; json: Record<string, unknown> }>;
}

/**
 * A replica with its HTTP server. Without a control it serves what is put into its blobs and applied; with a
 * directory that is given it is left behind for the next start.
 */
export async function startTestServing(
  t: Cleanup,
  options: {
    readonly controlUrl?: string;
    /** Name of the replica; `test` unless given. */
    readonly id?: string;
    readonly directory?: string;
    readonly name?: string;
    readonly server?: Partial<InferenceServerOptions>;
    readonly runtimes?: ReplicaOptions['runtimes'];
    /** Whether to return before the models of kept routes are loaded; false by default. */
    readonly isEarly?: boolean;
  } = {},
): Promise<TestServing> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'millrace-serving-')));
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const logger = createLogger('serve', 'silent');
  const metrics = new Registry('serve');
  const replica = await openReplica({
    id: options.id ?? 'test',
    directory,
    controlUrl: options.controlUrl ?? null,
    frames: await localFrames(),
    logger,
    metrics,
    ...(options.runtimes ? { runtimes: options.runtimes } : {}),
  });
  if (!options.isEarly) await replica.restored;
  const server = new InferenceServer({
    replica,
    metrics,
    logger,
    version: '0.0.0',
    ...(options.name ? { name: options.name } : {}),
    ...options.server,
    // Nobody of a test waits for idle connections, unless it is what is tested.
    http: { drainMs: 0, ...options.server?.http },
  });
  const url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0, '--serve-port')}`;
  replica.announce(url);
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await server.close();
    await replica.close();
  };
  t.after(async () => {
    await stop();
    if (!options.directory) await rm(directory, { recursive: true, force: true });
  });
  const post: TestServing['post'] = async (path, body, headers = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(url + path, {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/json', ...headers },
    });
    return {
      status: response.status,
      headers: response.headers,
      json: (await response.json()) as Record<string, unknown>,
    };
  };
  return { url, replica, blobs, directory, post, stop };
}

/** As much of control as replicas need, to be stopped and started again. */
export interface TestControl {
  readonly url: string;
  readonly service: ServingService;
  readonly blobs: DirectoryBlobStore;
  /** Segments that replicas registered, and how often each was. */
  readonly segments: ReadonlyMap<string, PredictionSegment & { readonly times: number }>;
  /** All rows of an endpoint's registered segments. */
  readonly rows: (endpoint: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  readonly stop: () => Promise<void>;
}

/** As much of control as replicas talk to, over HTTP; on a port of its own, on which it may be started again. */
export async function startTestControl(directory: string, port?: number): Promise<TestControl> {
  const db = openSqlite(join(directory, 'control.db'));
  await migrate(db, [...journalMigrations, ...servingMigrations]);
  const blobs = await openDirectoryBlobs(join(directory, 'control-blobs'));
  const packaged = (name: string, version: string | number) =>
    Promise.reject(fail('version_unknown', { name, version })); // There is no registry.
  const log = createLogger('control', 'silent');
  const service = await ServingService.open({ db, journal: new Journal(db), log, blobs, packaged });
  const segments = new Map<string, PredictionSegment & { times: number }>();
  const app = createHttpServer({
    log,
    metrics: new Registry('control'),
    bodyLimitBytes: 1_000_000,
    resolveActor: async () => ({ kind: 'user', id: 'test' }),
  });
  const register = defineRoute({
    method: 'POST',
    path: '/api/v1/prediction-segments',
    summary: 'Registers a segment',
    permission: 'feedback:write',
    body: predictionSegmentSchema,
    response: z.undefined(),
    handle: async ({ body }) => {
      segments.set(body.id, { ...body, times: (segments.get(body.id)?.times ?? 0) + 1 });
      return undefined;
    },
  });
  addRoutes(app, [...servingRoutes(service), ...blobRoutes(blobs), register]);
  const [own = 0] = port === undefined ? await freePorts(1) : [port];
  const url = `http://127.0.0.1:${await listen(app, '127.0.0.1', own, '--port')}`;
  const frames = await localFrames();
  const rows = async (endpoint: string) => {
    const own = [...segments.values()].filter((s) => s.endpoint === endpoint);
    if (own.length === 0) return [];
    const paths = await Promise.all(own.map(async (s) => `'${await blobs.path(s.digest)}'`));
    return frames.query(`SELECT * FROM read_parquet([${paths.join(', ')}], union_by_name = true)`);
  };
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await service.close();
    await app.close();
    await db.close();
  };
  return { url, service, blobs, segments, rows, stop };
}
