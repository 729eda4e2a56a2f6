import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { addRoutes, createHttpServer } from '../../platform/http/index.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { Registry } from '../../platform/metrics/index.ts';
import type { Endpoint } from './contract.ts';
import { servingMigrations } from './migrations.ts';
import { servingRoutes } from './routes.ts';
import { ServingService } from './service.ts';

const actor = { kind: 'user', id: 'ada' } as const;

interface ListPage {
  readonly items: readonly Endpoint[];
  readonly next: string | null;
}

forEachDatabase((name, open) => {
  test(`endpoints are listed by what their replicas were asked lately, page by page, on ${name}`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-busiest-'));
    const db = await open(t, [...journalMigrations, ...servingMigrations]);
    const blobs = await openDirectoryBlobs(directory);
    const packaged = () => Promise.reject(new Error('nothing is deployed here'));
    const log = createLogger('control', 'silent');
    const service = await ServingService.open({ db, journal: new Journal(db), log, blobs, packaged });
    const app = createHttpServer({
      log,
      metrics: new Registry('control'),
      bodyLimitBytes: 100_000,
      resolveActor: async () => actor,
    });
    let hangUp = (): void => {};
    t.after(async () => {
      hangUp();
      await app.close();
      await service.close();
      await rm(directory, { recursive: true });
    });
    addRoutes(app, servingRoutes(service));
    const list = async (query: string): Promise<ListPage> =>
      (await app.inject(`/api/v1/endpoints?${query}`)).json();
    for (const endpoint of ['calm', 'down', 'busy', 'asked'])
      await service.declare(actor, { name: endpoint, model: 'm' });
    assert.deepEqual(
      (await list('order=failed')).items.map(({ lately }) => lately),
      [null, null, null, null],
      'nobody tells before a replica is there',
    );

    const closed = Promise.all(
      ['a', 'b'].map((id) =>
        service.attachReplica(
          actor,
          id,
          () => {},
          new Promise<void>((resolve) => {
            const before = hangUp;
            hangUp = () => {
              before();
              resolve();
            };
          }),
        ),
      ),
    );
    const report = (id: string, lately: object[]) =>
      service.reportReplica(actor, id, {
        routesVersion: 0,
        endpoints: [],
        models: [],
        lately: lately as never,
      });
    await report('a', [
      { endpoint: 'busy', predictions: 100, failed: 1, refused: 0 },
      { endpoint: 'down', predictions: 20, failed: 15, refused: 0 },
    ]);
    await report('b', [
      { endpoint: 'busy', predictions: 50, failed: 0, refused: 9 },
      { endpoint: 'asked', predictions: 30, failed: 0, refused: 0 },
    ]);
    const names = ({ items }: ListPage) => items.map((endpoint) => endpoint.name);
    assert.deepEqual(names(await list('order=predictions')), ['busy', 'asked', 'down', 'calm']);
    const first = await list('order=failed&limit=3');
    assert.deepEqual(
      first.items.map((endpoint) => [endpoint.name, endpoint.lately]),
      [
        ['down', { predictions: 20, failed: 15, refused: 0 }],
        ['busy', { predictions: 150, failed: 1, refused: 9 }],
        ['asked', { predictions: 30, failed: 0, refused: 0 }],
      ],
    );
    const rest = await list(`order=failed&limit=3&after=${first.next}`);
    assert.deepEqual([names(rest), rest.next], [['calm'], null]);
    assert.deepEqual(names(await list('')), ['asked', 'busy', 'calm', 'down']);
    assert.equal((await app.inject(`/api/v1/endpoints?order=predictions&after=nonsense`)).statusCode, 400);
    hangUp();
    await closed;
    assert.equal((await list('')).items[0]?.lately, null, 'a replica that is away tells of the past');
  });
});
