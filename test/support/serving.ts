import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { canonicalJson } from '../../src/core/json.ts';
import { type PackageManifest, packageManifestSchema } from '../../src/core/model-package.ts';
import {
  type EndpointRoute,
  openReplica,
  type RouteTable,
  type ServeReplica,
} from '../../src/lifecycle/serving/index.ts';
import { type BlobStore, openDirectoryBlobs } from '../../src/platform/blobs/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { createMetrics } from '../../src/platform/metrics/index.ts';
import { importOnnx, type OnnxPackage } from '../../src/platform/onnx/index.ts';
import { localFrames } from '../../src/platform/segments/testing.ts';
import { InferenceServer } from '../../src/surfaces/inference/index.ts';

/** Support for tests and benchmarks of serving: packages, routes and the log as it lies on the disk. */

/** Stores a model package and returns its digest. */
export async function storePackage(
  blobs: BlobStore,
  onnx: Uint8Array,
  pkg: OnnxPackage & Partial<PackageManifest>,
): Promise<string> {
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
export function testRoute(packageDigest: string, overrides: Partial<EndpointRoute> = {}): EndpointRoute {
  return {
    endpoint: 'test',
    model: 'test-model',
    routeVersion: 1,
    salt: 'salt',
    entityFeature: null,
    eventTimeFeature: null,
    arms: [{ arm: 'champion', modelVersion: '1', packageDigest, weight: 1 }],
    shadow: null,
    ...overrides,
  };
}

export function tableOf(...endpoints: EndpointRoute[]): RouteTable {
  return { version: Math.max(...endpoints.map((e) => e.routeVersion)), endpoints };
}

/** Rows of an endpoint's log that were not shipped yet, oldest first. */
export async function unshippedRows(
  replicaDirectory: string,
  endpoint: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const directory = join(replicaDirectory, 'log', endpoint);
  const rows: Record<string, unknown>[] = [];
  for (const name of (await readdir(directory)).filter((n) => n.endsWith('.ndjson')).sort()) {
    const lines = (await readFile(join(directory, name), 'utf8')).split('\n').slice(1, -1);
    rows.push(...lines.map((line) => JSON.parse(line) as Record<string, unknown>));
  }
  return rows;
}

export interface TestServing {
  readonly url: string;
  readonly replica: ServeReplica;
  readonly blobs: BlobStore;
  readonly directory: string;
  /** Sends JSON (or text) and returns status, headers and the JSON answer. */
  readonly post: (
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; headers: Headers; json: Record<string, unknown> }>;
}

/** A replica with its HTTP server that talks to no control. */
export async function startTestServing(t: TestContext): Promise<TestServing> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-serving-'));
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const logger = createLogger('serve', 'silent');
  const metrics = createMetrics('serve');
  const replica = await openReplica({
    id: 'test',
    directory,
    controlUrl: null,
    frames: await localFrames(),
    logger,
    metrics,
  });
  const server = new InferenceServer({ replica, metrics, logger, version: '0.0.0' });
  const url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0, '--serve-port')}`;
  t.after(async () => {
    await server.close();
    await replica.close();
    await rm(directory, { recursive: true, force: true });
  });
  const post: TestServing['post'] = async (path, body, headers = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(url + path, { method: 'POST', body: text, headers });
    return {
      status: response.status,
      headers: response.headers,
      json: (await response.json()) as Record<string, unknown>,
    };
  };
  return { url, replica, blobs, directory, post };
}
