import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createRng } from '../../../core/rng.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { FeedbackService } from '../service.ts';
import { ada, type LoggedRow, openFeedbackService, sendSegment } from '../testing.ts';
import { NarrowLog } from './narrow-log.ts';

const endpoint = 'flights';
const startMs = Date.UTC(2026, 1, 1);
const receivedFromMs = startMs + 50_000;
const selection = { sinceRouteVersion: 0, receivedFromMs, features: ['origin', 'distance', 'never logged'] };
const columns = `prediction_id, entity, arm, model_version, route_version, status, score, latency_us, event_time_ms, bucket,
  propensity, "feature:origin", "feature:distance"`;

forEachDatabase((name, open) => {
  describe(`NarrowLog on ${name}`, { concurrency: 2 }, () => {
    test('holds what a whole reading finds, whatever comes late, twice, corrected or goes', async (t) => {
      const { service: first, send, frames, options, directory } = await openFeedbackService(t, open);
      let service = first;
      const rng = createRng(3);
      let ids = 0;
      const row = (id: string): LoggedRow => {
        const at = startMs + rng.int(100) * 1000;
        const shadow = rng.next() < 0.3;
        return {
          id,
          eventTimeMs: at,
          receivedAtMs: at + rng.int(50_000),
          score: rng.next(),
          ...(rng.next() < 0.2 ? {} : { entity: `e${rng.int(9)}` }),
          ...(shadow ? { arm: 'shadow', modelVersion: `${1 + rng.int(2)}` } : {}),
          features: {
            origin: rng.next() < 0.5 ? 'ATL' : 'ORD',
            ...(rng.next() < 0.5 ? { distance: rng.int(5) } : {}),
          },
        };
      };
      const known = () => `p${rng.int(ids + 3)}`;
      const rows = () => send(Array.from({ length: 8 }, () => row(rng.next() < 0.7 ? `p${ids++}` : known())));
      const labels = async () => {
        const some = Array.from({ length: 6 }, () => ({
          predictionId: known(),
          value: rng.next() < 0.1 ? 'unsure' : rng.int(2),
          eventTime: startMs + rng.int(20) * 1000,
        }));
        await service.postLabels(ada, { endpoint, labels: some });
        await service.flush(endpoint);
      };
      const steps: Readonly<Record<string, () => Promise<unknown>>> = {
        rows,
        labels,
        'rows and labels': async () => [await rows(), await labels()],
        'the same again': async () => undefined,
        compaction: () => service.compact(ada, endpoint, true),
        erasure: () => service.erase(ada, { entity: `e${rng.int(9)}`, endpoint, reason: 'asked for' }),
        'a start': async () => {
          await service.close();
          service = await FeedbackService.open(options);
          t.after(() => service.close());
        },
        'an engine that died': () => frames.close(),
      };
      let labelled = 0;
      // Rows of who was erased come late, are read, and go when they are indexed.
      const late = ['rows', 'erasure', 'rows', 'rows', 'compaction', 'rows and labels'];
      for (const step of ['rows', ...Object.keys(steps), ...late]) {
        await steps[step]?.();
        const whole = await service.joined(ada, endpoint, { rows: 'all', receivedFromMs }, columns);
        const wanted =
          await frames.query(`SELECT prediction_id AS id, prediction_id, entity, * EXCLUDE (prediction_id, entity, label_seq)
          REPLACE ("feature:distance"::VARCHAR AS "feature:distance"), NULL::VARCHAR AS "feature:never logged"
          FROM (SELECT * REPLACE (CASE WHEN entity IS NOT NULL THEN hash(entity, hash(reverse(entity)))::VARCHAR END AS entity) FROM ${whole}) ORDER BY ALL`);
        const found = await service.readNarrow(ada, endpoint, selection, async (relation) =>
          frames.query(`SELECT id, id AS prediction_id, entity::VARCHAR AS entity, * EXCLUDE (id, prediction_id, entity, replica, copy, received_at_ms)
            FROM ${relation} ORDER BY ALL`),
        );
        const sorted = (list: readonly Readonly<Record<string, unknown>>[]) =>
          list.map((one) => JSON.stringify(one, Object.keys(one).sort())).sort();
        assert.deepEqual(sorted(found), sorted(wanted), `after ${step}`);
        labelled += found.filter((one) => one.label !== null).length;
      }
      assert.ok(labelled > 60, `${labelled} labelled rows were compared`);
      await service.erase(ada, { entity: 'e1', endpoint, reason: 'asked for' });
      const left = await readdir(join(directory, 'labels', '.rewriting'));
      assert.deepEqual(left, [], 'what was made of erased rows is left');
    });

    test('rows of a route are found whatever the clock of their replica said, each with its replica', async (t) => {
      const { service, frames, blobs, directory } = await openFeedbackService(t, open);
      const one = (id: string, routeVersion: number, receivedAtMs: number): LoggedRow => ({
        id,
        routeVersion,
        receivedAtMs,
        eventTimeMs: startMs,
      });
      const send = (rows: readonly LoggedRow[], replica?: string) =>
        sendSegment(service, frames, blobs, directory, rows, replica);
      await send([one('a', 2, startMs - 7_200_000), one('b', 1, startMs)], 'behind');
      await send([one('c', 2, startMs)], 'right');
      await send([one('d', 3, startMs)]);
      const found = await service.readNarrow(
        ada,
        endpoint,
        { sinceRouteVersion: 2, features: [] },
        (relation) => frames.query(`SELECT id, replica FROM ${relation} ORDER BY id`),
      );
      assert.deepEqual(
        found.map(({ id, replica }) => `${id} ${replica}`),
        ['a behind', 'c right', 'd '],
      );
    });

    test('a feature reads as it does in all files together', async (t) => {
      const { service, send, frames } = await openFeedbackService(t, open);
      const texts = () =>
        service.readNarrow(ada, endpoint, selection, async (relation) =>
          (await frames.query(`SELECT "feature:distance" AS d FROM ${relation} ORDER BY id`)).map(
            (one) => one.d,
          ),
        );
      const one = (id: string, distance?: string | number): LoggedRow => ({
        id,
        eventTimeMs: startMs,
        receivedAtMs: receivedFromMs,
        ...(distance === undefined ? {} : { features: { distance } }),
      });
      await send([one('a')]);
      assert.deepEqual(await texts(), [null]);
      await send([one('b', 5)]);
      assert.deepEqual(await texts(), [null, '5.0']);
      await send([one('c', 'far')]);
      assert.deepEqual(await texts(), [null, '5.0', 'far']);
    });

    test('reads files once, and lets nobody see half of a change', async (t) => {
      const { service, send, frames } = await openFeedbackService(t, open);
      assert.equal(await service.readNarrow(ada, endpoint, selection, async (relation) => relation), null);
      const one = (id: string): LoggedRow => ({ id, eventTimeMs: startMs, receivedAtMs: receivedFromMs });
      await send([one('a'), one('b')]);
      const count = async (relation: string | null) =>
        (await frames.query(`SELECT count(*) AS n FROM ${relation}`))[0]?.n;
      const read = <T>(work: (relation: string | null) => Promise<T>) =>
        service.readNarrow(ada, endpoint, selection, work);
      const before = await read(async (relation) => {
        await send([one('c')]);
        const other = read(count);
        const seen = [await count(relation), await count(relation)];
        return { relation, seen, other };
      });
      assert.deepEqual([before.seen, await before.other], [[2, 2], 3]);
      assert.equal(await read(async (relation) => relation), before.relation, 'it was made anew');
      await assert.rejects(read(() => frames.query('SELECT * FROM nobody')));
      assert.equal(await read(count), 3);
      assert.deepEqual(service.logReading(ada, endpoint), { reading: null });
    });

    test('two ids that have the same hash are two predictions, each with its own label', async (t) => {
      const { service, send, frames } = await openFeedbackService(t, open);
      const ids = ['019c081e7f80-7838-8000-0000005cf838', '019c08697f80-7838-8000-0000005d2838'];
      const [same] = await frames.query(`SELECT hash('${ids[0]}') = hash('${ids[1]}') AS same`);
      assert.ok(same?.same, 'the frame engine has another hash: find other ids');
      await send(ids.map((id) => ({ id, eventTimeMs: startMs, receivedAtMs: receivedFromMs })));
      const labels = ids.map((predictionId, value) => ({ predictionId, value, eventTime: startMs }));
      await service.postLabels(ada, { endpoint, labels });
      const read = service.readNarrow(ada, endpoint, selection, (relation) =>
        frames.query(`SELECT id, label FROM ${relation} ORDER BY id`),
      );
      assert.deepEqual(
        await read,
        ids.map((id, label) => ({ id, label })),
      );
    });

    test('who waits for a large log sees how far it is read', async (t) => {
      const { send, frames, directory, blobs } = await openFeedbackService(t, open);
      const one = (id: string): LoggedRow => ({ id, eventTimeMs: startMs, receivedAtMs: receivedFromMs });
      const segments = [await send([one('a')]), await send([one('b')]), await send([one('c')])];
      // What a file is said to have is what counts, so small ones stand for large ones.
      const predictions = await Promise.all(
        segments.map(async ({ id, digest }, i) => {
          return { id, path: await blobs.path(digest), rows: [90_000, 60_000, 700_000][i] ?? 0 };
        }),
      );
      const clock = { nowMs: () => startMs };
      const log = new NarrowLog({
        frames,
        clock,
        directory,
        files: async () => ({ predictions, labels: [] }),
      });
      t.after(() => log.close());
      const seen = new Set<string>();
      let isOver = false;
      const read = log
        .read(endpoint, selection, async () => undefined)
        .finally(() => {
          isOver = true;
        });
      while (!isOver) {
        const reading = log.reading(endpoint);
        if (reading) seen.add(`${reading.rowsRead} of ${reading.rowsTotal}`);
        assert.equal(log.reading('other'), null);
        await new Promise(setImmediate);
      }
      await read;
      assert.deepEqual([...seen], ['0 of 850000', '90000 of 850000', '150000 of 850000']);
      assert.equal(log.reading(endpoint), null);
    });
  });
});
