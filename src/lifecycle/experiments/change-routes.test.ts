import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { addRoutes, createHttpServer } from '../../platform/http/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { Registry } from '../../platform/metrics/index.ts';
import { changeRoutes } from './change-routes.ts';
import { experimentSchema } from './contract.ts';
import { openExperiments, tester } from './testing.ts';

forEachDatabase((dialect, open) => {
  if (dialect !== 'sqlite') return;

  test('experiments are made, renamed and tagged by REST', async (t) => {
    const { tracking } = await openExperiments(t, open);
    const log = createLogger('test', 'silent');
    const metrics = new Registry('test');
    const app = createHttpServer({ log, metrics, bodyLimitBytes: 10_000, resolveActor: async () => tester });
    addRoutes(app, changeRoutes(tracking));
    t.after(() => app.close());
    const call = async (method: 'POST' | 'PATCH', path: string, payload: object) => {
      const answer = await app.inject({ method, url: `/api/v1/experiments${path}`, payload });
      return { status: answer.statusCode, body: answer.json() };
    };
    const made = await call('POST', '', { name: 'tides', tags: { team: 'sea', old: 'yes' } });
    assert.equal(made.status, 201);
    const { id, tags } = experimentSchema.parse(made.body);
    assert.deepEqual(tags, { team: 'sea', old: 'yes' });
    const changed = await call('PATCH', `/${id}`, { name: 'tides 2', tags: { team: 'land', old: null } });
    assert.deepEqual([changed.body.name, changed.body.tags], ['tides 2', { team: 'land' }]);
    assert.equal((await call('POST', '', { name: 'tides 2' })).body.code, 'experiment_exists');
    assert.equal((await call('PATCH', '/999', { name: 'x' })).body.code, 'experiment_unknown');
    assert.equal((await call('PATCH', `/${id}`, { title: 'x' })).body.code, 'invalid_input');
  });
});
