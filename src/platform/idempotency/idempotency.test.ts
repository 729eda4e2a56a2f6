import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { forEachDatabase } from '../db/testing.ts';
import { addRoutes, createHttpServer, defineRoute } from '../http/index.ts';
import { createLogger } from '../log/index.ts';
import { Registry } from '../metrics/index.ts';
import { idempotencyMigrations, KeptAnswers } from './index.ts';

const hourMs = 3_600_000;
const request = { actor: 'user:ann', key: 'k1', method: 'POST', url: '/api/v1/things', body: { name: 'a' } };

forEachDatabase((name, open) => {
  test(`a request that comes again gets its answer and does nothing (${name})`, async (t) => {
    const db = await open(t, idempotencyMigrations);
    let nowMs = 0;
    let runs = 0;
    const answers = new KeptAnswers(db, { nowMs: () => nowMs });
    const create = async () => ({ status: 201, body: `{"id":${++runs}}` });

    const first = await answers.once(request, create);
    assert.deepEqual(first, { status: 201, body: '{"id":1}', again: false });
    assert.deepEqual(await answers.once(request, create), { ...first, again: true });
    // Another caller's key is another key, and a restart forgets nothing.
    assert.equal((await answers.once({ ...request, actor: 'user:bob' }, create))?.body, '{"id":2}');
    assert.equal((await new KeptAnswers(db, { nowMs: () => nowMs }).once(request, create))?.body, '{"id":1}');
    await assert.rejects(answers.once({ ...request, body: { name: 'b' } }, create), {
      code: 'idempotency_key_reused',
    });
    await assert.rejects(answers.once({ ...request, key: 'no key' }, create), {
      code: 'idempotency_key_invalid',
    });
    nowMs = 25 * hourMs;
    assert.equal((await answers.once(request, create))?.body, '{"id":3}');
  });

  test(`of two at the same time one runs; what fails may be tried again (${name})`, async (t) => {
    const db = await open(t, idempotencyMigrations);
    const answers = new KeptAnswers(db, { nowMs: () => 1000 });
    const slow = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const first = answers.once(request, async () => {
      begun.resolve();
      await slow.promise;
      throw fail('not_found', { what: 'thing', id: 'a' });
    });
    await begun.promise;
    const other = async () => ({ status: 200, body: null });
    await assert.rejects(answers.once(request, other), { code: 'idempotency_key_busy' });
    // Another process that starts later cannot know how the first one ended.
    const later = new KeptAnswers(db, { nowMs: () => 2000 });
    await assert.rejects(later.once(request, other), { code: 'idempotency_key_interrupted' });
    slow.resolve();
    await assert.rejects(first, { code: 'not_found' });
    assert.deepEqual(await answers.once(request, other), { status: 200, body: null, again: false });
  });

  test(`over HTTP the header makes a POST run once, and says when its answer is given again (${name})`, async (t) => {
    const db = await open(t, idempotencyMigrations);
    const app = createHttpServer({
      log: createLogger('test', 'silent'),
      metrics: new Registry('test'),
      bodyLimitBytes: 1000,
      resolveActor: async () => ({ kind: 'user', id: 'ann' }),
    });
    let runs = 0;
    const common = { summary: 'for the test', permission: 'read', response: z.unknown() } as const;
    const create = defineRoute({
      ...common,
      method: 'POST',
      path: '/api/v1/things',
      status: 201,
      body: z.strictObject({ name: z.string() }),
      handle: async ({ body }) => ({ id: ++runs, name: body.name }),
    });
    addRoutes(app, [create], new KeptAnswers(db));
    t.after(() => app.close());
    const post = (key?: string) =>
      app.inject({
        method: 'POST',
        url: '/api/v1/things',
        headers: key === undefined ? {} : { 'idempotency-key': key },
        payload: { name: 'ä' },
      });

    const [first, again] = [await post('one'), await post('one')];
    assert.deepEqual([first.statusCode, first.json()], [201, { id: 1, name: 'ä' }]);
    assert.deepEqual([again.statusCode, again.json()], [201, { id: 1, name: 'ä' }]);
    assert.deepEqual(
      [first, again].map(({ headers }) => headers['idempotent-replayed']),
      [undefined, 'true'],
    );
    assert.equal(again.headers['content-type'], first.headers['content-type']);
    assert.equal((await post()).json().id, 2);
    assert.equal((await post('two')).json().id, 3);
  });
});
