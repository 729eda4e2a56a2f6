import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { fail, MillraceError } from '../../core/errors.ts';
import type { Actor } from '../../platform/access/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { createLogger } from '../../platform/log/index.ts';
import type { EraseHook, EraseRequest } from '../../platform/registries/index.ts';
import { fernetBox, newFernetKey } from '../../platform/secrets/index.ts';
import { ErasureService } from './erasure-service.ts';
import { governanceMigrations } from './migrations.ts';

const ada: Actor = { kind: 'user', id: 'ada' };
const asked = { entity: 'customer-81', endpoint: null, reason: 'request 117' };

forEachDatabase((dialect, open) => {
  const setup = async (t: TestContext) => {
    const db = await open(t, governanceMigrations);
    const secrets = fernetBox(newFernetKey(), 'key');
    const time = { nowMs: Date.UTC(2026, 0, 1) };
    const calls: string[] = [];
    /** What each part does when it is asked: a number of rows that went, or why it breaks off. */
    const parts: Record<string, () => Promise<number>> = { log: async () => 3, files: async () => 2 };
    const hooks = ['log', 'files'].map((name): EraseHook<Actor> => {
      const erase = async (actor: Actor, { entity, reason }: EraseRequest) => {
        calls.push(`${name}: ${entity} by ${actor.id}, ${reason}`);
        return { rows: (await parts[name]?.()) ?? 0 };
      };
      return { name, erase };
    });
    const collect = { run: async () => {} };
    const service = () => {
      const erasures = new ErasureService({
        db,
        secrets,
        clock: { nowMs: () => time.nowMs },
        log: createLogger('test', 'silent'),
        endpointExists: async (name) => name === 'flights',
        collect: () => collect.run(),
        hooks,
        left: async () => [{ id: 'd-1', dataset: 'people', version: 1, rows: 1 }],
        otherKeys: async () => [],
      });
      t.after(() => erasures.stop());
      return erasures;
    };
    return { db, service, parts, calls, time, collect };
  };
  const until = async (erasures: ErasureService, id: string, is: (text: string) => boolean) => {
    for (;;) {
      const erasure = await erasures.get(ada, id);
      if (is(erasure.problem ?? erasure.status)) return erasure;
      await sleep(5);
    }
  };
  const done = (erasures: ErasureService, id: string) => until(erasures, id, (text) => text === 'done');

  test(`${dialect}: an erasure is taken on at once, done behind the answer, and forgets whom`, async (t) => {
    const { db, service, parts, calls } = await setup(t);
    const erasures = service();
    const gate = Promise.withResolvers<number>();
    parts.log = () => gate.promise;
    const { id, status, attempts } = await erasures.begin(ada, asked);
    assert.deepEqual([status, attempts], ['queued', 0]);
    const underWay = await until(erasures, id, (text) => text === 'running');
    assert.deepEqual([underWay.parts, underWay.endedAt], [[], null]);
    const rows = () => sql<object>`SELECT * FROM erasures`.execute(db.read);
    assert.doesNotMatch(JSON.stringify((await rows()).rows), /customer-81/);
    assert.match(JSON.stringify((await rows()).rows), /"sealed_entity":"gAAA/);
    gate.resolve(3);
    const { problem, parts: erased, left, endedAt, requestedBy } = await done(erasures, id);
    assert.deepEqual(erased, [
      { name: 'log', erased: { rows: 3 } },
      { name: 'files', erased: { rows: 2 } },
    ]);
    assert.deepEqual([problem, left[0]?.dataset, requestedBy], [null, 'people', 'user:ada']);
    assert.equal(endedAt, '2026-01-01T00:00:00.000Z');
    assert.deepEqual(calls, [
      'log: customer-81 by ada, request 117',
      'files: customer-81 by ada, request 117',
    ]);
    assert.match(JSON.stringify((await rows()).rows), /"sealed_entity":null/);
    const second = await erasures.begin(ada, { ...asked, endpoint: 'flights' });
    assert.deepEqual(
      (await erasures.list(ada, { limit: 10 })).map((one) => one.id),
      [second.id, id],
    );
    await done(erasures, second.id);
  });

  test(`${dialect}: one that a stop broke off is gone on with, from the part that had not ended`, async (t) => {
    const { service, parts, calls } = await setup(t);
    const first = service();
    parts.files = () => new Promise(() => {});
    const { id } = await first.begin(ada, asked);
    while (calls.length < 2) await sleep(5);
    first.stop();
    parts.files = async () => 2;
    const next = service();
    next.start();
    const erasure = await done(next, id);
    assert.deepEqual(calls.slice(2), ['files: customer-81 by ada, request 117']);
    assert.equal(erasure.attempts, 2);
    assert.deepEqual(
      erasure.parts.map((part) => part.erased),
      [{ rows: 3 }, { rows: 2 }],
    );
  });

  test(`${dialect}: one that breaks off says why, lets the others pass, and is tried again`, async (t) => {
    const { service, parts, time, collect } = await setup(t);
    const erasures = service();
    collect.run = async () => {
      throw fail('replicas_unsealed', { replicas: 'paris', seconds: 10 });
    };
    parts.log = async () => {
      throw new Error('the disk is full');
    };
    const { id } = await erasures.begin(ada, asked);
    const broken = await until(erasures, id, (text) => text === 'the disk is full');
    assert.deepEqual([broken.status, broken.nextAttemptAt], ['queued', '2026-01-01T00:00:30.000Z']);
    parts.log = async () => 3;
    const other = await erasures.begin(ada, { ...asked, entity: 'customer-82' });
    await done(erasures, other.id);
    assert.equal((await erasures.get(ada, id)).status, 'queued');
    time.nowMs += 30_000;
    await done(erasures, (await erasures.begin(ada, asked)).id);
    const { status, attempts, problem, outstanding } = await erasures.get(ada, id);
    assert.deepEqual([status, attempts, problem], ['done', 2, null]);
    assert.match(outstanding ?? '', /paris/);
  });

  test(`${dialect}: what cannot be meant is refused`, async (t) => {
    const erasures = (await setup(t)).service();
    const code = (expected: string) => (error: unknown) =>
      error instanceof MillraceError && error.code === expected;
    await assert.rejects(erasures.begin(ada, { ...asked, reason: 'by customer-81' }), code('invalid_input'));
    await assert.rejects(erasures.begin(ada, { ...asked, endpoint: 'fligths' }), code('not_found'));
    await assert.rejects(erasures.get(ada, 'e-1'), code('not_found'));
    assert.deepEqual(await erasures.list(ada, { limit: 10 }), []);
  });
});
