import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { storePackage } from '../../../test/support/serving.ts';
import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { type Clock, wallClock } from '../../core/time.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import type { OpenDatabase } from '../../platform/db/testing.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import type { ReplicaHealth, ReplicaStatus, StreamMessage } from './contract.ts';
import { servingMigrations } from './migrations.ts';
import { ServingService } from './service.ts';

export const actor = { kind: 'user', id: 'ada' } as const;

/** The service of control over a database of the test's own, without a registry. */
export async function openServing(t: TestContext, open: OpenDatabase, clock: Clock = wallClock) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-serving-'));
  let opened: ServingService | undefined;
  t.after(async () => {
    await opened?.close(); // Before the database, whose own hook comes next.
    await rm(directory, { recursive: true });
  });
  const db = await open(t, [...journalMigrations, ...servingMigrations]);
  const journal = new Journal(db);
  const blobs = await openDirectoryBlobs(directory);
  const heard: (readonly ReplicaHealth[])[] = [];
  const watch = {
    told: async (health: readonly ReplicaHealth[]) => void heard.push(health),
    awayAfterMs: 60_000,
  };
  const registered = new Map<string, Digest>();
  const packaged = async (name: string, version: string | number) => {
    const digest = registered.get(`${name}/${version}`);
    if (!digest) throw fail('version_unknown', { name, version });
    return { version: Number(version), digest };
  };
  const options = { db, journal, log: createLogger('test', 'silent'), blobs, packaged, clock, watch };
  const service = await ServingService.open(options);
  opened = service;
  const target = async (modelVersion: string) => ({
    modelVersion,
    packageDigest: await storePackage(blobs, logisticOnnx(Number(modelVersion)), logisticPackage()),
  });
  return { db, journal, blobs, options, service, target, heard, registered };
}

/** A replica as the hub sees it: it applies every route at once unless told otherwise. */
export function connect(
  service: ServingService,
  id: string,
  options: { readonly error?: string; readonly loads?: Promise<unknown> } = {},
) {
  const messages: StreamMessage[] = [];
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const status: ReplicaStatus = { routesVersion: 0, endpoints: [], models: [], url: 'http://edge' };
  // One that comes when the test is over and its database closed is nobody's business.
  const report = (sealedToken?: string) => {
    const told = { ...status, ...(sealedToken ? { sealedToken } : {}) };
    setTimeout(() => void service.reportReplica(actor, id, told).catch(() => undefined), 5);
  };
  const send = (message: StreamMessage) => {
    messages.push(message);
    if (message.type === 'routes' && options.loads) {
      status.models = [{ digest: `sha256:${'0'.repeat(64)}`, state: 'loading' }];
      report();
      void options.loads.then(() => {
        status.models = [];
        // Of the routes that came meanwhile the newest is taken.
        take(messages.findLast(({ type }) => type === 'routes') ?? message);
      });
    } else take(message);
  };
  const take = (message: StreamMessage) => {
    if (message.type === 'routes') {
      status.routesVersion = message.routes.version;
      status.endpoints = message.routes.endpoints.map(({ endpoint, routeVersion }) =>
        options.error ? { endpoint, routeVersion: 0, error: options.error } : { endpoint, routeVersion },
      );
      report();
    }
    if (message.type === 'seal') report(message.token);
  };
  const attached = service.attachReplica(actor, id, send, closed);
  const disconnect = () => {
    close();
    return attached;
  };
  return { messages, disconnect };
}
