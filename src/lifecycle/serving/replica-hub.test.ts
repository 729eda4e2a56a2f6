import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaStatus } from './contract.ts';
import { ReplicaHub } from './replica-hub.ts';
import { TableReader } from './table-reader.ts';

const unsent = (error: unknown) => assert.fail(String(error));

test('a replica that ends before it listens is forgotten; one that listened before is missed', async () => {
  const kept = new Set<string>();
  const records = {
    put: async ({ id }: { readonly id: string }) => void kept.add(id),
    remove: async (id: string) => void kept.delete(id),
    unsent,
    table: async () => ({ version: 0, endpoints: [] }),
  };
  const hub = new ReplicaHub(records, [], { nowMs: () => 0 });
  const starting: ReplicaStatus = { routesVersion: 0, endpoints: [], models: [] };
  const live = async (id: string, ...statuses: ReplicaStatus[]) => {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    const attached = hub.attach(id, () => {}, closed);
    for (const status of statuses) await hub.report(id, status);
    close();
    await attached;
  };
  const known = () => hub.replicas.map(({ id }) => id);

  await live('silent');
  await live('deaf', starting);
  await hub.report('deaf', starting);
  assert.deepEqual([known(), [...kept]], [[], []]);

  await live('holding', { ...starting, segmentsWaiting: 1 });
  await live('edge', starting, { ...starting, url: 'http://edge' });
  await live('edge', starting);
  assert.deepEqual(
    [known(), [...kept]],
    [
      ['holding', 'edge'],
      ['holding', 'edge'],
    ],
  );
  assert.equal(hub.replicas.at(-1)?.url, 'http://edge');
});

test('a replica whose stream could not begin, as while the database was away, does not stay connected', async () => {
  let isAway = true;
  const hub = new ReplicaHub(
    {
      put: async () => {},
      remove: async () => {},
      unsent,
      table: async () => {
        if (isAway) throw new Error('the database is away');
        return { version: 0, endpoints: [] };
      },
    },
    [],
    { nowMs: () => 0 },
  );
  const status: ReplicaStatus = { routesVersion: 0, endpoints: [], models: [], url: 'http://edge' };
  await assert.rejects(
    hub.attach('edge', () => {}, new Promise<void>(() => {})),
    /the database is away/,
  );
  isAway = false;
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const attached = hub.attach('edge', () => {}, closed);
  await hub.report('edge', status);
  close();
  await attached;
  assert.deepEqual(
    hub.replicas.map(({ id, connected }) => [id, connected]),
    [['edge', false]],
  );
});

test('a replica that hashes with another key than control is told apart from one that does not', async () => {
  let readable = true;
  const records = {
    put: async () => undefined,
    remove: async () => undefined,
    unsent,
    hashKeyPrint: () => {
      if (!readable) throw new Error('EACCES: permission denied, open log-hash.key');
      return 'ours';
    },
    table: async () => ({ version: 0, endpoints: [] }),
  };
  const hub = new ReplicaHub(records, [], { nowMs: () => 0 });
  const status: ReplicaStatus = { routesVersion: 0, endpoints: [], models: [], url: 'http://edge' };
  const differs: (boolean | undefined)[] = [];
  const told: (readonly string[] | undefined)[] = [];
  for (const logHashKey of [undefined, 'ours', 'theirs']) {
    const hashing = logHashKey === undefined ? {} : { logHashKey, hashedEndpoints: ['rides'] };
    await hub.report('edge', { ...status, ...hashing });
    differs.push(hub.replicas[0]?.logHashKeyDiffers);
    told.push(hub.health(0)[0]?.otherKeyEndpoints);
  }
  assert.deepEqual(differs, [false, false, true]);
  assert.deepEqual(told, [[], [], ['rides']]);
  // A key that cannot be read keeps no report and no route from anybody.
  readable = false;
  await hub.report('edge', { ...status, logHashKey: 'ours', hashedEndpoints: ['rides'] });
  assert.equal(hub.replicas[0]?.logHashKeyDiffers, true);
  assert.deepEqual(hub.health(0)[0]?.otherKeyEndpoints, ['rides']);
});

test('routes that could not be read are told of, and sent when they can be', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let isAway = false;
  const told: unknown[] = [];
  const hub = new ReplicaHub(
    {
      put: async () => undefined,
      remove: async () => undefined,
      unsent: (error) => told.push(error),
      table: async () => {
        if (isAway) throw new Error('the database is away');
        return { version: 7, endpoints: [] };
      },
    },
    [],
    { nowMs: () => 0 },
  );
  const sent: string[] = [];
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const attached = hub.attach('edge', ({ type }) => sent.push(type), closed);
  while (sent.length < 2) await new Promise(setImmediate);
  isAway = true;
  await hub.broadcast();
  assert.match(String(told), /the database is away/);
  isAway = false;
  t.mock.timers.tick(1000);
  while (sent.length < 3) await new Promise(setImmediate);
  assert.deepEqual(sent, ['routes', 'ping', 'routes']);
  assert.equal(told.length, 1);
  close();
  await attached;
});

test('a replica that is not heard of is away though its connection is open; one that reports is not', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const records = {
    put: async () => undefined,
    remove: async () => undefined,
    unsent,
    table: async () => ({ version: 0, endpoints: [] }),
  };
  const hub = new ReplicaHub(records, [], { nowMs: () => 0 });
  const status: ReplicaStatus = { routesVersion: 0, endpoints: [], models: [], url: 'http://edge' };
  const { promise: open, resolve: close } = Promise.withResolvers<void>();
  const dead = hub.attach('dead', () => {}, open);
  const alive = hub.attach('alive', () => {}, open);
  await Promise.all(['dead', 'alive'].map((id) => hub.report(id, status)));
  for (let seconds = 0; seconds < 30; seconds += 5) {
    await hub.report('alive', status);
    t.mock.timers.tick(5000);
  }
  await dead;
  assert.deepEqual(
    hub.replicas.map(({ id, connected }) => [id, connected]),
    [
      ['dead', false],
      ['alive', true],
    ],
  );
  close();
  await alive;
});

test('changes at the same time are one broadcast; that none can be read is told once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let [reads, isAway] = [0, true];
  const told: unknown[] = [];
  const reader = new TableReader({
    table: async () => {
      reads += 1;
      if (isAway) throw new Error('the database is away');
      return { version: reads, endpoints: [] };
    },
    unsent: (error) => told.push(error),
  });
  const versions: number[] = [];
  const change = () => reader.broadcast(({ version }) => versions.push(version));
  await change();
  await change();
  assert.deepEqual([told.length, versions], [1, []]);
  isAway = false;
  await Promise.all(Array.from({ length: 50 }, change));
  assert.deepEqual(versions, [3], 'all of them came before the table was read');
  await reader.close();
});
