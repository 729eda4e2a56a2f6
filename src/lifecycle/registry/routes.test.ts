import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { addRoutes, createHttpServer } from '../../platform/http/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { Registry } from '../../platform/metrics/index.ts';
import { tester } from '../experiments/testing.ts';
import { modelVersionSchema, registeredModelSchema } from './contract.ts';
import { registryRoutes } from './routes.ts';
import { openRegistry } from './testing.ts';

forEachDatabase((dialect, open) => {
  if (dialect !== 'sqlite') return;

  test('the REST resources of the registry', async (t) => {
    const { registry } = await openRegistry(t, open);
    const log = createLogger('test', 'silent');
    const metrics = new Registry('test');
    const app = createHttpServer({ log, metrics, bodyLimitBytes: 10_000, resolveActor: async () => tester });
    addRoutes(app, registryRoutes(registry));
    t.after(() => app.close());
    const call = async (
      method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
      path: string,
      payload?: object,
    ) => {
      const url = `/api/v1/registered-models${path}`;
      const answer = await app.inject({ method, url, ...(payload ? { payload } : {}) });
      return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() };
    };

    const name = "it's late";
    const at = `/${encodeURIComponent(name)}`;
    for (const n of [1, 2])
      await registry.createVersion(tester, { name, digest: `sha256:${String(n).repeat(64)}` });
    const reason = 'the test says so';
    const approved = await call('POST', `${at}/versions/2/approvals`, { decision: 'approved', reason });
    assert.equal(approved.status, 201);
    assert.deepEqual(modelVersionSchema.parse(approved.body).approvals[0]?.reason, reason);
    assert.deepEqual((await call('PUT', `${at}/aliases/challenger`, { version: 2, reason })).body.aliases, {
      challenger: 2,
    });
    assert.equal((await call('POST', `${at}/promote`, { version: 1, reason })).status, 200);
    assert.deepEqual((await call('POST', `${at}/promote`, { version: 2, reason })).body.aliases, [
      'champion',
    ]);
    const model = registeredModelSchema.parse((await call('GET', at)).body);
    assert.deepEqual([model.aliases, model.latestVersion, model.previousChampion], [{ champion: 2 }, 2, 1]);
    assert.equal((await call('POST', `${at}/rollback`, { reason })).body.version, 1);
    const versions = await call('GET', `${at}/versions?limit=1`);
    assert.equal(versions.body.items[0].version, 2);
    const next = await call('GET', `${at}/versions?limit=1&after=${encodeURIComponent(versions.body.next)}`);
    assert.deepEqual([next.body.items[0].version, next.body.next], [1, null]);
    assert.equal((await call('GET', '?orderBy=name%20DESC')).body.items.length, 1);
    assert.equal((await call('DELETE', `${at}/aliases/champion?reason=done`)).body.previousChampion, 1);

    const described = await call('PATCH', `${at}/versions/2`, { description: 'four features' });
    assert.equal(described.body.description, 'four features');
    assert.equal((await call('PATCH', at, { description: 'is it late?' })).body.description, 'is it late?');
    assert.equal((await call('DELETE', `${at}/versions/2`)).status, 204);
    assert.equal((await call('GET', `${at}/versions/2`)).status, 404);

    const refusals = [
      [await call('GET', '/none'), 404, 'registered_model_unknown'],
      [await call('GET', `${at}/versions/9`), 404, 'version_unknown'],
      [await call('DELETE', `${at}/versions/9`), 404, 'version_unknown'],
      [await call('PATCH', at, { name: 'other' }), 400, 'invalid_input'],
      [await call('POST', `${at}/promote`, { version: 1 }), 400, 'invalid_input'],
      [await call('POST', `${at}/promote`, { version: 1, reason, force: true }), 400, 'invalid_input'],
      [await call('GET', '?filter=nonsense'), 400, 'filter_invalid'],
      [await call('GET', '?after=nonsense'), 400, 'invalid_page_token'],
    ] as const;
    for (const [answer, status, code] of refusals)
      assert.deepEqual([answer.status, answer.body.code], [status, code]);
  });
});
