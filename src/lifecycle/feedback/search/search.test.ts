import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createRng } from '../../../core/rng.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { sqlLiteral } from '../../../platform/frames/index.ts';
import { FeedbackService } from '../service.ts';
import { ada, type LoggedRow, openFeedbackService } from '../testing.ts';
import { pageKey } from './list-predictions.ts';

const start = Date.UTC(2001, 1, 1);
const endpoint = 'flights';

forEachDatabase((name, open) => {
  describe(`search on ${name}`, { concurrency: 2 }, () => {
    test('by the entity that people know, where the log has it hashed', async (t) => {
      const { service: plain, send, options, directory } = await openFeedbackService(t, open);
      const ada22 = `h:${'ada'.padEnd(22, '_')}`;
      await send([{ id: 'a', entity: ada22, eventTimeMs: start, score: 0.1 }]);
      await plain.upkeep.indexNow();
      const entityForms = (entity: string) => (entity === 'ada' ? ['ada', ada22] : [entity]);
      const hashing = { entityForms, ownPrint: () => 'own', printOf: () => undefined };
      const labelDirectory = join(directory, 'other-labels');
      const service = await FeedbackService.open({ ...options, labelDirectory, hashing });
      for (const entity of ['ada', ada22]) {
        const found = await service.predictions(ada, { endpoint, entity }, 10, undefined);
        assert.deepEqual([found.length, found[0]?.entity], [1, ada22]);
        assert.equal(await service.exportTo(ada, { endpoint, entity }, join(directory, 'hashed.parquet')), 1);
      }
      assert.deepEqual(await plain.predictions(ada, { endpoint, entity: 'ada' }, 10, undefined), []);
      await service.close();
    });

    test('by feature, score range and entity, also where only some files have the feature', async (t) => {
      const { service, send, frames, directory } = await openFeedbackService(t, open);
      await send([
        { id: 'a', entity: 'ada', eventTimeMs: start, score: 0.1, features: { origin: 'ATL', n: 5 } },
        { id: 'b', entity: 'bob', eventTimeMs: start + 1, score: 0.5, features: { origin: "O'Hare", n: 6 } },
        { id: 'c', entity: 'ada', eventTimeMs: start + 2, score: 0.9, features: { origin: 'ATL', n: 7 } },
      ]);
      await send([{ id: 'd', entity: 'ada', eventTimeMs: start + 3, score: 0.7 }]);
      await service.postLabels(ada, {
        endpoint,
        labels: [{ predictionId: 'c', value: 0, eventTime: start + 10 }],
      });
      await service.flush(endpoint);
      await service.upkeep.indexNow();
      const ids = async (filter: object) =>
        (await service.predictions(ada, { endpoint, ...filter }, 10, undefined)).map((p) => p.predictionId);
      assert.deepEqual(await ids({ feature: 'origin', value: 'ATL' }), ['c', 'a']);
      assert.deepEqual(await ids({ feature: 'origin', value: "O'Hare" }), ['b']);
      assert.deepEqual(await ids({ feature: 'origin' }), ['d']);
      assert.deepEqual(await ids({ feature: 'nothing', value: 'x' }), []);
      for (const n of ['6', '6.0', '6e0', '+6'])
        assert.deepEqual(await ids({ feature: 'n', value: n }), ['b'], n);
      assert.deepEqual(await ids({ minScore: 0.5, maxScore: 0.8 }), ['d', 'b']);
      assert.deepEqual(await ids({ entity: 'ada' }), ['d', 'c', 'a']);
      assert.deepEqual(await ids({ entity: 'nobody' }), []);
      assert.deepEqual(await ids({ outcome: 'wrong', feature: 'origin', value: 'ATL' }), ['c']);

      const path = join(directory, 'export.parquet');
      assert.equal(await service.exportTo(ada, { endpoint, entity: 'ada', minScore: 0.5 }, path), 2);
      const rows = await frames.query(
        `SELECT prediction_id, label, outcome, "feature:origin" AS origin FROM read_parquet(${sqlLiteral(path)})`,
      );
      assert.deepEqual(rows, [
        { prediction_id: 'd', label: null, outcome: null, origin: null },
        { prediction_id: 'c', label: 0, outcome: 'wrong', origin: 'ATL' },
      ]);
      await assert.rejects(service.exportTo(ada, { endpoint, feature: 'nothing' }, path), {
        code: 'feature_not_logged',
      });

      const pieces = async () =>
        (await service.predictions(ada, { endpoint }, 10, undefined)).map((p) => p.firstPieceMs);
      assert.deepEqual(await pieces(), [null, null, null, null]);
      await send([{ id: 'e', entity: 'eve', eventTimeMs: start - 1, score: 0.2, firstUs: 250 }]);
      assert.deepEqual(await pieces(), [null, null, null, null, 0.25]);
      assert.equal((await service.prediction(ada, 'e')).firstPieceMs, 0.25);
      const { firstPieceMs, salt, sticky, override, traceId } = await service.prediction(ada, 'a');
      assert.deepEqual([firstPieceMs, salt, sticky, override, traceId], [null, null, true, null, null]);
    });

    test('arms of any name are searched by, and what occurs in a time is told', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      await send([
        { id: 'a', eventTimeMs: start, arm: 'blue', modelVersion: '3', features: { origin: 'ATL' } },
        {
          id: 'b',
          eventTimeMs: start + 1,
          arm: 'blue',
          modelVersion: '3',
          status: 'input_invalid',
          score: null,
        },
        { id: 'c', eventTimeMs: start + 2, arm: 'bandit-2', modelVersion: '4' },
        { id: 'c', eventTimeMs: start + 2, arm: 'shadow', modelVersion: '5' },
        { id: 'd', eventTimeMs: start + 3_600_000, modelVersion: '1' },
      ]);
      const ids = async (filter: object) =>
        (await service.predictions(ada, { endpoint, ...filter }, 10, undefined)).map((p) => p.predictionId);
      assert.deepEqual(await ids({ arm: 'blue' }), ['b', 'a']);
      assert.deepEqual(await ids({ arm: 'bandit-2' }), ['c']);
      assert.deepEqual(await ids({}), ['d', 'c', 'b', 'a']);
      const all = await service.predictions(ada, { endpoint }, 10, undefined);
      assert.deepEqual(
        all.filter((p) => p.refused).map((p) => p.predictionId),
        ['b'],
      );
      const hour = { endpoint, from: '2001-02-01T00:00:00Z', to: '2001-02-01T01:00:00Z' };
      assert.deepEqual(await service.facets(ada, hour), {
        arms: [
          { arm: 'blue', modelVersion: '3', rows: 2 },
          { arm: 'bandit-2', modelVersion: '4', rows: 1 },
          { arm: 'shadow', modelVersion: '5', rows: 1 },
        ],
        statuses: [
          { status: 'ok', rows: 3 },
          { status: 'input_invalid', rows: 1 },
        ],
        features: ['origin'],
      });
      for (const filter of [{ value: 'ATL' }, { minScore: 2, maxScore: 1 }, { from: hour.to, to: hour.from }])
        await assert.rejects(ids(filter), { code: 'invalid_input' });
      await assert.rejects(service.predictions(ada, { endpoint: 'flight' }, 10, undefined), {
        code: 'not_found',
      });
    });

    test('pages of a large segment are read from its newest part, and miss nothing of others', async (t) => {
      const { service, send, directory } = await openFeedbackService(t, open);
      const rng = createRng(9);
      const rows = Array.from(
        { length: 3000 },
        (_, i): LoggedRow => ({
          id: `big${i}`,
          eventTimeMs: start + rng.int(1000) * 1000,
          score: rng.next(),
          entity: `e${i % 3}`,
        }),
      );
      await send(rows);
      const others = Array.from(
        { length: 60 },
        (_, i): LoggedRow => ({ id: `o${i}`, eventTimeMs: start + i * 17_000, entity: `e${i % 20}` }),
      );
      await send(others.slice(0, 30));
      await send(others.slice(30));
      const walk = async (filter: object) => {
        const seen: string[] = [];
        let after: ReturnType<typeof pageKey> | undefined;
        for (let page = 0; page < 12; page++) {
          const some = await service.predictions(ada, { endpoint, ...filter }, 11, after);
          seen.push(...some.map((p) => p.predictionId));
          const last = some.at(-1);
          if (some.length < 11 || !last) break;
          after = pageKey(last);
        }
        return seen;
      };
      const expected = (keep: (row: LoggedRow) => boolean) =>
        [...rows, ...others]
          .filter(keep)
          .sort((a, b) => b.eventTimeMs - a.eventTimeMs || (a.id < b.id ? 1 : -1))
          .slice(0, 132)
          .map((row) => row.id);
      assert.deepEqual(
        await walk({}),
        expected(() => true),
      );
      assert.deepEqual(
        await walk({ minScore: 0.99 }),
        expected((r) => (r.score ?? 0.5) >= 0.99),
      );
      const ofEntities = async () => {
        assert.deepEqual(
          await walk({ entity: 'e1' }),
          expected((r) => r.entity === 'e1'),
        );
        assert.deepEqual(
          await walk({ entity: 'e7' }),
          expected((r) => r.entity === 'e7'),
        );
        const rare = { entity: 'e2', minScore: 0.98 };
        assert.deepEqual(
          await walk(rare),
          expected((r) => r.entity === 'e2' && (r.score ?? 0.5) >= 0.98),
        );
      };
      await ofEntities();
      await service.upkeep.indexNow();
      await ofEntities();
      await service.compact(ada, endpoint, true);
      await send([{ id: 'new', eventTimeMs: start + 5_000_000, entity: 'e7' }]);
      others.push({ id: 'new', eventTimeMs: start + 5_000_000, entity: 'e7' });
      await ofEntities();
      await service.erase(ada, { entity: 'e7', endpoint, reason: 'a test' });
      assert.deepEqual(await walk({ entity: 'e7' }), []);
      const path = join(directory, 'entity.parquet');
      assert.equal(await service.exportTo(ada, { endpoint, entity: 'e2' }, path), 1003);
      assert.equal(await service.exportTo(ada, { endpoint, entity: 'nobody' }, path), 0);
    });

    test('shadows of one request are on one page or on two, and none is missed', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      const shadow = { id: 'a', eventTimeMs: start, arm: 'shadow' };
      await send([
        { ...shadow, modelVersion: '2' },
        { ...shadow, modelVersion: '3' },
      ]);
      const [first] = await service.predictions(ada, { endpoint, arm: 'shadow' }, 1, undefined);
      assert.equal(first?.modelVersion, '3');
      const rest = await service.predictions(ada, { endpoint, arm: 'shadow' }, 1, pageKey(first));
      assert.deepEqual(
        rest.map((p) => p.modelVersion),
        ['2'],
      );
    });

    test('of predictions that were sent twice the row received last counts, however many there are', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      const rng = createRng(5);
      const sent = new Map<string, LoggedRow>();
      for (let round = 0; round < 3; round++) {
        const rows = Array.from({ length: 400 }, (_, i): LoggedRow => {
          const id = `p${round === 0 ? i : rng.int(400)}`;
          // Some are sent again with another time: only the last one is their place.
          const eventTimeMs =
            (rng.int(2) === 0 ? sent.get(id)?.eventTimeMs : undefined) ?? start + rng.int(100) * 1000;
          const receivedAtMs = start + round * 1_000_000 + i;
          const features = { origin: `o${rng.int(3)}` };
          return { id, entity: `e${i % 3}`, eventTimeMs, receivedAtMs, score: rng.next(), features };
        });
        for (const row of rows) sent.set(row.id, row);
        await send(rows);
      }
      const walk = async (filter: object, size: number) => {
        const seen: string[] = [];
        let after: ReturnType<typeof pageKey> | undefined;
        for (;;) {
          const some = await service.predictions(ada, { endpoint, ...filter }, size, after);
          seen.push(...some.map((p) => `${p.predictionId} ${p.eventTime} ${p.score}`));
          const last = some.at(-1);
          if (some.length < size || !last) return seen;
          after = pageKey(last);
        }
      };
      const expected = (keep: (row: LoggedRow) => boolean) =>
        [...sent.values()]
          .filter(keep)
          .sort((a, b) => b.eventTimeMs - a.eventTimeMs || (a.id < b.id ? 1 : -1))
          .map((row) => `${row.id} ${new Date(row.eventTimeMs).toISOString()} ${row.score}`);
      const check = async () => {
        for (const size of [7, 90]) {
          assert.deepEqual(
            await walk({ minScore: 0.7 }, size),
            expected((r) => (r.score ?? 0) >= 0.7),
          );
          assert.deepEqual(
            await walk({ feature: 'origin', value: 'o1' }, size),
            expected((r) => r.features?.origin === 'o1'),
          );
        }
        assert.deepEqual(
          await walk({ entity: 'e1' }, 90),
          expected((r) => r.entity === 'e1'),
        );
        const [from, to] = [start + 20_000, start + 60_000];
        assert.deepEqual(
          await walk({ from: new Date(from).toISOString(), to: new Date(to).toISOString() }, 60),
          expected((r) => r.eventTimeMs >= from && r.eventTimeMs < to),
        );
      };
      await check();
      await service.upkeep.indexNow();
      await service.compact(ada, endpoint, true);
      await check();
    });
  });
});
