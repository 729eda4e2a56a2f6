import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { suite, test } from 'node:test';
import { storePackage } from '../../../test/support/serving.ts';
import { fail } from '../../core/errors.ts';
import { type Clock, wallClock } from '../../core/time.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import { forEachDatabase, type OpenDatabase } from '../../platform/db/testing.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import type { ReplicaHealth, ReplicaStatus, StreamMessage } from './contract.ts';
import { servingMigrations } from './migrations.ts';
import { ServingService } from './service.ts';

const actor = { kind: 'user', id: 'ada' } as const;

async function setUp(t: TestContext, open: OpenDatabase, clock: Clock = wallClock) {
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
    ...{ awayAfterMs: 60_000, log: createLogger('test', 'silent') },
  };
  const packaged = (name: string, version: string | number) =>
    Promise.reject(fail('version_unknown', { name, version }));
  const service = await ServingService.open({ db, journal, blobs, packaged, clock, watch });
  opened = service;
  const target = async (modelVersion: string) => ({
    modelVersion,
    packageDigest: await storePackage(blobs, logisticOnnx(Number(modelVersion)), logisticPackage()),
  });
  return { db, journal, blobs, packaged, service, target, heard, watch };
}

/** A replica as the hub sees it: it applies every route at once unless told otherwise. */
function connect(
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

forEachDatabase((name, open) => {
  suite(`serving on ${name}`, () => {
    test('a replica is connected while any stream of its name is open, and each is told of routes', async (t) => {
      const { service, target } = await setUp(t, open);
      await service.declare(actor, { name: 'flights', model: 'delay', entityFeature: 'flight' });
      const first = connect(service, 'twin');
      const second = connect(service, 'twin');
      await service.deploy(actor, 'flights', await target('1'), 'first model');
      await second.disconnect();
      const twin = () => service.replicas(actor).find((replica) => replica.id === 'twin');
      assert.equal(twin()?.connected, true);
      const told = first.messages.length;
      await service.deploy(actor, 'flights', await target('2'), 'second model');
      // It is told beside the deployment, over Postgres a little later.
      const isTold = () => first.messages.slice(told).some(({ type }) => type === 'routes');
      while (!isTold()) await new Promise((next) => setImmediate(next));
      await first.disconnect();
      assert.equal(twin()?.connected, false);
    });

    test('of two processes of one name the second is refused until the first is gone or dead', async (t) => {
      let nowMs = Date.UTC(2026, 0, 1);
      const { service, journal } = await setUp(t, open, { nowMs: () => nowMs });
      const attach = async (instance: string) => {
        await service.admitReplica(actor, 'twin', instance);
        const { promise: closed, resolve: close } = Promise.withResolvers<void>();
        const attached = service.attachReplica(actor, 'twin', () => {}, closed, instance);
        return () => {
          close();
          return attached;
        };
      };
      const report = (instance: string, url: string) =>
        service.reportReplica(actor, 'twin', { routesVersion: 0, endpoints: [], models: [], instance, url });
      const leave = await attach('a');
      await report('a', 'http://one');
      const refusal = { code: 'replica_name_taken', message: /"twin" and answers at http:\/\/one$/ };
      for (let i = 0; i < 2; i++) await assert.rejects(attach('b'), refusal);
      await assert.rejects(report('b', 'http://two'), refusal);
      const [twin] = service.replicas(actor);
      assert.deepEqual([twin?.url, twin?.rivalRefusedAt], ['http://one', '2026-01-01T00:00:00.000Z']);
      const refused = (await journal.eventsAfter(0, 100)).filter(({ type }) => type === 'replica.refused');
      assert.equal(refused.length, 1);
      // It connects anew before its old stream is closed.
      const leaveAgain = await attach('a');
      await leave();
      await assert.rejects(attach('b'), refusal);
      // The machine is gone, its connection seems open.
      nowMs += 20_000;
      const leaveOther = await attach('b');
      await report('b', 'http://two');
      await leaveAgain();
      assert.deepEqual(
        service.replicas(actor).map(({ url, connected }) => [url, connected]),
        [['http://two', true]],
      );
      await leaveOther();
      await (await attach('c'))();
    });

    test('a rollout: deploy, challenge, widen, promote, roll back; each step is a route version with its trail', async (t) => {
      const { service, journal, target } = await setUp(t, open);
      const [one, two] = [await target('1'), await target('2')];
      await service.declare(actor, { name: 'flights', model: 'delay', entityFeature: 'flight' });
      const declared = await service.declare(actor, {
        name: 'flights',
        model: 'delay',
        entityFeature: 'flight',
      });
      assert.equal(declared.routeVersion, 1);

      const deployed = await service.deploy(actor, 'flights', one, 'first model');
      assert.deepEqual(deployed.arms, [{ arm: 'champion', ...one, weight: 1 }]);
      const mirrored = await service.setShadow(actor, 'flights', two, 'look at it');
      assert.deepEqual(mirrored.shadow, two);
      const canary = await service.challenge(actor, 'flights', two, 0.01, 'canary', true);
      assert.notEqual(canary.salt, deployed.salt);
      assert.deepEqual(
        canary.arms.map((a) => a.weight),
        [0.99, 0.01],
      );
      const wider = await service.setWeights(actor, 'flights', { challenger: 0.1 }, 'looks well');
      assert.equal(wider.salt, canary.salt);
      assert.equal(
        (await service.challenge(actor, 'flights', two, 0.1, 'again', true)).routeVersion,
        wider.routeVersion,
      );

      const promoted = await service.promote(actor, 'flights', 'better', '2');
      assert.deepEqual(promoted.arms, [{ arm: 'champion', ...two, weight: 1 }]);
      assert.equal(promoted.shadow, null);
      assert.equal(
        (await service.promote(actor, 'flights', 'better', '2')).routeVersion,
        promoted.routeVersion,
      );

      const back = await service.rollback(actor, 'flights', 'complaints');
      assert.deepEqual(back.arms, [{ arm: 'champion', ...one, weight: 1 }]);
      const history = await service.routeVersions(actor, 'flights', { limit: 100 });
      assert.deepEqual(
        history.map((h) => h.action),
        ['rollback', 'promote', 'weight', 'challenge', 'shadow', 'deploy', 'declare'],
      );
      assert.equal(history[0]!.actor, 'user:ada');

      const events = await journal.eventsAfter(0, 100, { kind: 'endpoint', id: 'flights' });
      assert.equal(events.length, 7);
      assert.equal(events.at(-1)!.type, 'endpoint.rolled-back');
      const audit = await journal.auditEntries({ subjectKind: 'endpoint', subjectId: 'flights', limit: 100 });
      assert.equal(audit.length, 7);
      assert.deepEqual(audit[1]!.after, {
        model: 'delay',
        routeVersion: 6,
        champion: { version: '2', weight: 1 },
        shadow: null,
      });
    });

    test('withdrawing gives the champion everything again, and does nothing twice', async (t) => {
      const { service, target } = await setUp(t, open);
      const [one, two] = [await target('1'), await target('2')];
      await service.declare(actor, { name: 'e', model: 'm' });
      await service.deploy(actor, 'e', one, 'r');
      await service.challenge(actor, 'e', two, 0.5, 'r', true);
      const withdrawn = await service.withdraw(actor, 'e', 'worse');
      assert.deepEqual(withdrawn.arms, [{ arm: 'champion', ...one, weight: 1 }]);
      assert.equal(withdrawn.shadow, null);
      assert.equal((await service.withdraw(actor, 'e', 'worse')).routeVersion, withdrawn.routeVersion);
    });

    test('a split, a standby and its switch; what a replica took away is taken from all, with the numbers', async (t) => {
      const { service, journal, target } = await setUp(t, open);
      const [one, two, three] = [await target('1'), await target('2'), await target('3')];
      await service.declare(actor, { name: 'e', model: 'm' });
      await service.deploy(actor, 'e', one, 'r');
      const arms = [
        { arm: 'b', ...two, weight: 0.3 },
        { arm: 'c', ...three, weight: 0.2 },
      ];
      const split = await service.split(actor, 'e', arms, 'three');
      assert.equal((await service.split(actor, 'e', arms, 'again')).routeVersion, split.routeVersion);
      assert.deepEqual(
        split.arms.map((a) => [a.arm, a.weight, a.guard !== undefined]),
        [
          ['champion', 0.5, false],
          ['b', 0.3, true],
          ['c', 0.2, true],
        ],
      );
      const counts = { requests: 50, failed: 25, slow: 0, nonFinite: 0 };
      const told = { endpoint: 'e', routeVersion: split.routeVersion, arm: 'b', modelVersion: '2', counts };
      const withdrawn = [{ ...told, reason: 'version 2 lost its traffic', atMs: 5 }];
      const status = { routesVersion: 0, endpoints: [], models: [], withdrawn };
      await service.reportReplica(actor, 'edge', status);
      await service.reportReplica(actor, 'edge', status);
      const left = await service.endpoint(actor, 'e');
      assert.deepEqual(
        left.arms.map((a) => [a.arm, a.weight]),
        [
          ['champion', 0.8],
          ['c', 0.2],
        ],
      );
      const events = await journal.eventsAfter(0, 100, { kind: 'endpoint', id: 'e' });
      const guarded = events.filter((event) => event.type === 'endpoint.guarded');
      assert.equal(guarded.length, 1);
      const [audit] = await journal.auditEntries({ subjectKind: 'endpoint', subjectId: 'e', limit: 1 });
      assert.ok(JSON.stringify(audit?.after).includes(JSON.stringify(counts)));

      const token = await service.createOverrideToken(actor, 'e', { arm: 'c', ttlMs: 1000, reason: 'look' });
      assert.match(token.token, /^c\.\d+\./);
      const [route] = (await service.routeTable()).endpoints;
      assert.equal(typeof route?.overrideKey, 'string');
      await assert.rejects(service.switchOver(actor, 'e', 'r'), { code: 'endpoint_no_arm' });
      await service.standby(actor, 'e', two, 'green');
      const switched = await service.switchOver(actor, 'e', 'go');
      assert.deepEqual(
        switched.arms.map((a) => [a.arm, a.modelVersion]),
        [
          ['champion', '2'],
          ['standby', '1'],
        ],
      );
    });

    test('what cannot be done says why', async (t) => {
      const { service, target } = await setUp(t, open);
      const one = await target('1');
      const gone = { modelVersion: '9', packageDigest: `sha256:${'0'.repeat(64)}` as const };
      await assert.rejects(service.deploy(actor, 'e', one, 'r'), { code: 'not_found' });
      await service.declare(actor, { name: 'e', model: 'm' });
      await assert.rejects(service.challenge(actor, 'e', one, 0.1, 'r'), { code: 'endpoint_no_champion' });
      await assert.rejects(service.deploy(actor, 'e', gone, 'r'), { code: 'blob_missing' });
      await service.deploy(actor, 'e', one, 'r');
      await assert.rejects(service.promote(actor, 'e', 'r'), { code: 'endpoint_no_challenger' });
      await assert.rejects(service.setWeights(actor, 'e', { challenger: 0.5 }, 'r'), {
        code: 'endpoint_no_challenger',
      });
      await assert.rejects(service.challenge(actor, 'e', one, 0.1, 'r'), {
        code: 'conflict',
        message: /champion/,
      });
      await assert.rejects(service.rollback(actor, 'e', 'r'), { code: 'rollback_impossible' });
      await assert.rejects(service.rollback(actor, 'e', 'r', 77), {
        code: 'rollback_impossible',
        message: /77/,
      });
    });

    test('a change is settled when every connected replica has it; one that cannot says why', async (t) => {
      const { service, target } = await setUp(t, open);
      await service.declare(actor, { name: 'e', model: 'm' });
      const first = await service.deploy(actor, 'e', await target('1'), 'r');
      await assert.rejects(service.settled('e', first.routeVersion, { timeoutMs: 20 }), {
        message: /no replica is connected/,
      });

      const [a, b] = [connect(service, 'a'), connect(service, 'b')];
      assert.deepEqual(await service.settled('e', first.routeVersion), ['a', 'b']);
      const second = await service.deploy(actor, 'e', await target('2'), 'r');
      assert.deepEqual(await service.settled('e', second.routeVersion), ['a', 'b']);
      assert.deepEqual(
        (await service.endpoint(actor, 'e')).replicas.map((r) => r.current),
        [true, true],
      );

      await b.disconnect();
      const broken = connect(service, 'c', { error: 'the ONNX model cannot be served' });
      const third = await service.deploy(actor, 'e', await target('3'), 'r');
      await assert.rejects(service.settled('e', third.routeVersion), {
        message: /not taken by c: the ONNX model/,
      });
      const versions = a.messages.flatMap((m) => (m.type === 'routes' ? [m.routes.version] : []));
      assert.deepEqual(
        versions,
        [...versions].sort((x, y) => x - y),
      );
      await Promise.all([a.disconnect(), broken.disconnect()]);
    });

    test('while a replica says that it loads the model, settling goes on; it is bounded, and told where it stands', async (t) => {
      const { service, target } = await setUp(t, open);
      await service.declare(actor, { name: 'e', model: 'm' });
      const { promise, resolve } = Promise.withResolvers<void>();
      const slow = connect(service, 'slow', { loads: promise });
      const { routeVersion } = await service.deploy(actor, 'e', await target('1'), 'r');
      const isLoading = () =>
        service.replicas(actor).some(({ models }) => models.some(({ state }) => state === 'loading'));
      while (!isLoading()) await new Promise((next) => setImmediate(next));
      await assert.rejects(service.settled('e', routeVersion, { timeoutMs: 5, loadMs: 20 }), {
        code: 'replicas_behind',
        message: /not taken by slow: it is still loading the model after/,
      });
      const settled = service.settled('e', routeVersion, { timeoutMs: 5 });
      const early = await Promise.race([settled, new Promise((next) => setTimeout(next, 30, 'waits'))]);
      assert.equal(early, 'waits');
      resolve();
      assert.deepEqual(await settled, ['slow']);
      await slow.disconnect();
    });

    test('sealing waits for replicas that are there and for those that hold rows, until they are forgotten', async (t) => {
      const { service } = await setUp(t, open);
      await service.sealPredictions(60_000);
      const a = connect(service, 'a');
      await service.sealPredictions(60_000);
      await a.disconnect();
      await assert.rejects(service.sealPredictions(30), { code: 'replicas_unsealed', message: /of a did/ });
      const sealing = service.sealPredictions(60_000);
      const again = connect(service, 'a');
      await sealing;
      await assert.rejects(service.forgetReplica(actor, 'a', 'gone'), { code: 'conflict' });
      await again.disconnect();
      await service.forgetReplica(actor, 'a', 'gone');
      await service.sealPredictions(60_000);
    });

    test('a replica that is away is shown as such, and forgotten after a day, or a week with rows that wait', async (t) => {
      const [hour, began] = [3_600_000, Date.UTC(2026, 0, 1)];
      let nowMs = began;
      const { service, journal } = await setUp(t, open, { nowMs: () => nowMs });
      const status = (segmentsWaiting: number) => ({
        routesVersion: 0,
        endpoints: [],
        models: [],
        segmentsWaiting,
        url: 'http://edge',
      });
      const attach = (id: string) => {
        const { promise: closed, resolve: close } = Promise.withResolvers<void>();
        const attached = service.attachReplica(actor, id, () => {}, closed);
        return () => {
          close();
          return attached;
        };
      };
      const away = async (id: string, waiting: number) => {
        const leave = attach(id);
        await service.reportReplica(actor, id, status(waiting));
        await leave();
      };
      await away('empty', 0);
      await away('holding', 3);
      const leave = attach('here');
      const shown = async (atMs: number) => {
        nowMs = atMs;
        await service.reportReplica(actor, 'here', status(0));
        return service.replicas(actor).map((r) => [r.id, r.connected, r.forgottenAt]);
      };
      const holding = ['holding', false, '2026-01-08T00:00:00.000Z'];
      assert.deepEqual(await shown(began + 23 * hour), [
        ['empty', false, '2026-01-02T00:00:00.000Z'],
        holding,
        ['here', true, null],
      ]);
      assert.deepEqual(await shown(began + 24 * hour), [holding, ['here', true, null]]);
      assert.deepEqual(await shown(began + 7 * 24 * hour), [['here', true, null]]);
      // Its clock is an hour late, which is told once.
      for (const ahead of [0, -hour, -hour]) {
        await service.reportReplica(actor, 'here', { ...status(0), clockMs: nowMs + ahead });
        assert.equal(service.replicas(actor)[0]?.clockAheadMs, ahead);
      }
      const told = (await journal.eventsAfter(0, 100)).filter(({ type }) => type === 'replica.clock-off');
      assert.deepEqual(
        told.map(({ data }) => data),
        [{ clockAheadMs: -hour }],
      );
      const audit = await journal.auditEntries({ subjectKind: 'replica', limit: 10 });
      assert.deepEqual(
        audit.filter(({ action }) => action === 'serving:forget').map(({ subject }) => subject.id),
        ['holding', 'empty'],
      );
      await leave();
    });

    test('a replica that is away without having been stopped is told, also by a control that starts meanwhile', async (t) => {
      const began = Date.UTC(2026, 0, 1);
      let nowMs = began;
      const clock = { nowMs: () => nowMs };
      const { db, journal, blobs, packaged, service, heard, watch } = await setUp(t, open, clock);
      const status = (more: Partial<ReplicaStatus> = {}): ReplicaStatus => {
        const url = 'http://edge';
        return {
          routesVersion: 1,
          endpoints: [{ endpoint: 'e', routeVersion: 1 }],
          models: [],
          url,
          ...more,
        };
      };
      const come = async (of: ServingService, id: string) => {
        let close = () => {};
        const closed = new Promise<void>((resolve) => {
          close = resolve;
        });
        const attached = of.attachReplica(actor, id, () => {}, closed);
        await of.reportReplica(actor, id, status());
        return async () => {
          close();
          await attached;
        };
      };
      const shown = async (of: ServingService) => {
        await of.checkReplicas();
        return heard.at(-1)?.map((r) => [r.replicaId, r.awaySinceMs, r.presenceIsKnown, r.clockIsOff]);
      };
      const [crash, stop] = [await come(service, 'crashed'), await come(service, 'stopped')];
      await service.reportReplica(actor, 'stopped', status({ leaving: true }));
      await Promise.all([crash(), stop()]);
      const stopped = ['stopped', null, true, null];
      nowMs += 59_999;
      assert.deepEqual(await shown(service), [['crashed', null, true, null], stopped]);
      nowMs += 1;
      assert.deepEqual(await shown(service), [['crashed', began, true, null], stopped]);
      const tellings = heard.length;
      nowMs += 60_000;
      await service.checkReplicas();
      assert.equal(heard.length, tellings, 'what has not changed is not told again');

      const second = await ServingService.open({ db, journal, blobs, packaged, clock, watch });
      assert.deepEqual(
        await shown(second),
        [['crashed', null, false, null], stopped],
        'it may come back yet',
      );
      nowMs += 60_000;
      assert.deepEqual(await shown(second), [['crashed', began, true, null], stopped]);
      const leave = await come(second, 'crashed');
      assert.deepEqual(await shown(second), [['crashed', null, true, null], stopped]);
      for (const [aheadMs, isOff] of [
        [60_000, false],
        [-60_001, true],
        [-50_000, true],
        [-45_000, false],
      ] as const) {
        await second.reportReplica(actor, 'crashed', status({ clockMs: nowMs + aheadMs }));
        assert.deepEqual(await shown(second), [['crashed', null, true, isOff], stopped], `${aheadMs}`);
      }
      await leave();
      await second.close();
    });
  });
});
