import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import type { ReplicaStatus } from './contract.ts';
import { ServingService } from './service.ts';
import { actor, connect, openServing } from './testing.ts';

forEachDatabase((name, open) => {
  suite(`replicas on ${name}`, () => {
    test('a replica is connected while any stream of its name is open, and each is told of routes', async (t) => {
      const { service, target } = await openServing(t, open);
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
      const { service, journal } = await openServing(t, open, { nowMs: () => nowMs });
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

    test('after a restore a replica that is ahead is told of once, and no version of its routes is given again', async (t) => {
      const { service, target, journal } = await openServing(t, open);
      await service.declare(actor, { name: 'flights', model: 'delay' });
      const { routeVersion } = await service.deploy(actor, 'flights', await target('1'), 'first model');
      const url = 'http://edge';
      const ahead = { routesVersion: routeVersion, endpoints: [], models: [], url, highestVersion: 9 };
      for (let i = 0; i < 2; i++) await service.reportReplica(actor, 'edge', ahead);
      const told = (await journal.eventsAfter(0, 100)).filter(({ type }) => type === 'replica.ahead');
      assert.deepEqual(
        told.map(({ data }) => data),
        [{ highestVersion: 9, newest: routeVersion, from: null, to: null }],
      );
      const next = await service.deploy(actor, 'flights', await target('2'), 'second model');
      assert.equal(next.routeVersion, 10);
    });

    test('what a replica had told before a restore, and control does not know, is told with its times', async (t) => {
      const told: unknown[] = [];
      let nowMs = 1_000_000;
      const clock = { nowMs: () => nowMs };
      const first = await openServing(t, open, clock);
      const endpoints = [{ endpoint: 'flights', routeVersion: 0 }];
      const status = { routesVersion: 0, endpoints, models: [], url: 'http://edge' };
      for (const id of ['edge', 'well']) await first.service.reportReplica(actor, id, status);
      // The same database, with what it knew then.
      const onRestored = async (gap: unknown) => void told.push(gap);
      const service = await ServingService.open({ ...first.options, onRestored });
      t.after(() => service.close());
      nowMs += 3_600_000;
      const heardMs = nowMs - 20_000;
      for (let i = 0; i < 2; i++) {
        await service.reportReplica(actor, 'edge', { ...status, clockMs: nowMs, heardMs });
        await service.reportReplica(actor, 'well', { ...status, clockMs: nowMs, heardMs: 1_000_005 });
      }
      assert.deepEqual(told, [
        { replicaId: 'edge', endpoints: ['flights'], fromMs: 1_000_000, toMs: heardMs },
      ]);
      const events = await first.journal.eventsAfter(0, 100);
      assert.equal(events.filter(({ type }) => type === 'replica.ahead').length, 1);
    });

    test('a change is settled when every connected replica has it; one that cannot says why', async (t) => {
      const { service, target } = await openServing(t, open);
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
      const { service, target } = await openServing(t, open);
      await service.declare(actor, { name: 'e', model: 'm' });
      const { promise, resolve } = Promise.withResolvers<void>();
      const slow = connect(service, 'slow', { loads: promise });
      const { routeVersion } = await service.deploy(actor, 'e', await target('1'), 'r');
      const isLoading = () =>
        service.replicas(actor).some(({ models }) => models.some(({ state }) => state === 'loading')) &&
        slow.messages.some((m) => m.type === 'routes' && m.routes.version >= routeVersion);
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
      const { service } = await openServing(t, open);
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
      const { service, journal } = await openServing(t, open, { nowMs: () => nowMs });
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
      const { options, service, heard } = await openServing(t, open, clock);
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

      const second = await ServingService.open(options);
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
