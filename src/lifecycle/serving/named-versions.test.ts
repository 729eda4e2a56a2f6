import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { suite, test } from 'node:test';
import { storePackage } from '../../../test/support/serving.ts';
import { fail } from '../../core/errors.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import { forEachDatabase, type OpenDatabase } from '../../platform/db/testing.ts';
import { addRoutes, createHttpServer } from '../../platform/http/index.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { Registry } from '../../platform/metrics/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import type { Endpoint } from './contract.ts';
import { servingMigrations } from './migrations.ts';
import { servingRoutes } from './routes.ts';
import { ServingService } from './service.ts';

const actor = { kind: 'user', id: 'ada' } as const;

/**
 * A registry in which the model "delay" has versions 1 to 9, all of them with packages but the last.
 *
 * @param lookedUp what happens before it has answered
 */
async function setUp(t: TestContext, open: OpenDatabase, lookedUp: () => Promise<void> = async () => {}) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-serving-'));
  let opened: ServingService | undefined;
  t.after(async () => {
    await opened?.close(); // Before the database, whose own hook comes next.
    await rm(directory, { recursive: true });
  });
  const db = await open(t, [...journalMigrations, ...servingMigrations]);
  const blobs = await openDirectoryBlobs(directory);
  const packageOf = (version: number) => storePackage(blobs, logisticOnnx(version), logisticPackage());
  const packaged = async (model: string, text: string | number) => {
    const version = Number(text);
    if (model !== 'delay' || !(version <= 9)) throw fail('version_unknown', { name: model, version: text });
    if (version === 9) throw fail('version_not_packaged', { name: model, version });
    const digest = await packageOf(version);
    await lookedUp();
    return { version, digest };
  };
  const service = await ServingService.open({
    db,
    journal: new Journal(db),
    log: createLogger('test', 'silent'),
    blobs,
    packaged,
  });
  opened = service;
  const target = async (modelVersion: string) => ({
    modelVersion,
    packageDigest: await packageOf(Number(modelVersion)),
  });
  return { service, target };
}

/** Asks for changes of an endpoint over HTTP. */
async function servingRequests(t: TestContext, service: ServingService, endpoint: string) {
  const app = createHttpServer({
    log: createLogger('control', 'silent'),
    metrics: new Registry('control'),
    bodyLimitBytes: 100_000,
    resolveActor: async () => actor,
  });
  t.after(() => app.close());
  addRoutes(app, servingRoutes(service));
  return async (verb: string, body: object) => {
    const url = `/api/v1/endpoints/${endpoint}/${verb}`;
    const answer = await app.inject({ method: 'POST', url, payload: { ...body, reason: 'r' } });
    return answer.json() as Endpoint & { readonly code?: string };
  };
}

const places = ({ arms }: Endpoint) =>
  arms.map(({ arm, modelVersion, packageDigest, weight }) => [arm, { modelVersion, packageDigest }, weight]);

forEachDatabase((name, open) => {
  suite(`versions of a route on ${name}`, () => {
    test('a version is named as the registry has it, by number or text, or comes with a package of its own', async (t) => {
      const { service, target } = await setUp(t, open);
      await service.declare(actor, { name: 'flights', model: 'delay' });
      const post = await servingRequests(t, service, 'flights');
      const [one, two, three] = [await target('1'), await target('2'), await target('3')];

      const deployed = await post('deploy', { modelVersion: 1 });
      assert.deepEqual(deployed.arms, [{ arm: 'champion', ...one, weight: 1 }]);
      const again = await post('deploy', { modelVersion: '01' });
      assert.equal(again.routeVersion, deployed.routeVersion);
      const shadowed = await post('shadow', { shadow: { modelVersion: 3 } });
      assert.deepEqual(shadowed.shadow, three);
      const challenged = await post('challenge', { modelVersion: 2, weight: 0.25 });
      assert.deepEqual(places(challenged), [
        ['champion', one, 0.75],
        ['challenger', two, 0.25],
      ]);
      assert.deepEqual(places(await post('standby', { modelVersion: '3' })), [
        ['champion', one, 0.75],
        ['challenger', two, 0.25],
        ['standby', three, 0],
      ]);
      const given = { modelVersion: 'night-build', packageDigest: two.packageDigest };
      const arms = [
        { arm: 'b', modelVersion: 3, weight: 0.5 },
        { arm: 'c', ...given, weight: 0.125 },
      ];
      const split = await post('split', { arms });
      assert.deepEqual(places(split), [
        ['champion', one, 0.375],
        ['b', three, 0.5],
        ['c', given, 0.125],
      ]);
      assert.equal((await post('split', { arms })).routeVersion, split.routeVersion);
      const promoted = await post('promote', { arm: 'b', modelVersion: 3 });
      assert.deepEqual(promoted.arms, [{ arm: 'champion', ...three, weight: 1 }]);

      const refused = async (verb: string, body: object) => (await post(verb, body)).code;
      assert.equal(await refused('standby', { modelVersion: 12 }), 'version_unknown');
      assert.equal(await refused('standby', { modelVersion: 'night-build' }), 'version_unknown');
      assert.equal(await refused('challenge', { modelVersion: 9, weight: 0.1 }), 'version_not_packaged');
      assert.equal(await refused('split', { arms: [{ arm: 'b', weight: 0.1 }] }), 'invalid_input');
      assert.equal(await refused('challenge', { modelVersion: '3', weight: 0.1 }), 'conflict');
      const { routeVersion } = await service.endpoint(actor, 'flights');
      assert.equal(routeVersion, promoted.routeVersion);
    });

    test('a version of a model that the endpoint meanwhile serves no more gets no traffic', async (t) => {
      const { service } = await setUp(t, open, async () => {
        await service.declare(actor, { name: 'flights', model: 'fare' });
      });
      await service.declare(actor, { name: 'flights', model: 'delay' });
      const deployed = service.deploy(actor, 'flights', { modelVersion: 1 }, 'too late');
      await assert.rejects(deployed, { code: 'conflict', message: /has come to serve the model fare/ });
      assert.deepEqual((await service.endpoint(actor, 'flights')).arms, []);
    });
  });
});
