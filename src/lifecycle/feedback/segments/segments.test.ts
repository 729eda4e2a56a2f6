import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createRng } from '../../../core/rng.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { feedbackSettingsSchema } from '../contract.ts';
import { FeedbackService } from '../service.ts';
import { ada, type LoggedRow, openFeedbackService, sendSegment } from '../testing.ts';
import { graceMs } from './compaction.ts';
import { buildFilter, hashKey, keyOf, mayHold } from './segment-filter.ts';

const day = 86_400_000;
const start = Date.UTC(2001, 1, 1);
const endpoint = 'flights';

test('a filter holds what was put in, and little else', () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => `id-${i}`);
  const hashes = ids.map((id) => hashKey(keyOf.predictionId(id)));
  const filter = buildFilter(
    hashes.map(([low]) => low),
    hashes.map(([, high]) => high),
  );
  const holds = (key: string) => mayHold(filter, hashKey(key));
  assert.ok(ids.every((id) => holds(keyOf.predictionId(id))));
  const wrong = ids.filter((id) => holds(keyOf.predictionId(`${id}!`))).length;
  assert.ok(wrong < 60, `${wrong} of 20,000 are taken for others`);
  assert.ok(ids.filter((id) => holds(keyOf.entity(id))).length < 60);
});

forEachDatabase((name, open) => {
  describe(`segments on ${name}`, { concurrency: 2 }, () => {
    const fill = (send: (rows: readonly LoggedRow[]) => Promise<unknown>, files: number) => {
      const rng = createRng(5);
      const rows: LoggedRow[] = [];
      return (async () => {
        for (let file = 0; file < files; file++) {
          const some = Array.from({ length: 40 }, (_, i): LoggedRow => {
            const eventTimeMs = start + Math.floor(rng.next() * 3 * day);
            const features = { origin: rng.int(2) === 0 ? 'ATL' : 'ORD' };
            return { id: `r${file}-${i}`, entity: `e${rng.int(20)}`, eventTimeMs, features };
          });
          rows.push(...some);
          await send(some);
        }
        return rows;
      })();
    };

    test('small segments become one for each day, and no reader sees a double or a gap meanwhile', async (t) => {
      const { service, send, blobs } = await openFeedbackService(t, open);
      const rows = await fill(send, 12);
      const labels = rows
        .slice(0, 200)
        .map(({ id }) => ({ predictionId: id, value: 1, eventTime: start + day }));
      for (let at = 0; at < 200; at += 50) {
        await service.postLabels(ada, { endpoint, labels: labels.slice(at, at + 50) });
        await service.flush(endpoint);
      }
      const before = await service.predictionSegments(ada, { endpoint });
      let done = false;
      const reader = (async () => {
        let looks = 0;
        while (!done) {
          const seen = await service.predictions(ada, { endpoint }, 1000, undefined);
          assert.equal(seen.length, rows.length);
          assert.equal(seen.filter((p) => p.label !== null).length, 200);
          looks++;
        }
        return looks;
      })();
      const { compacted } = await service.compact(ada);
      done = true;
      assert.ok((await reader) > 0);
      assert.equal(compacted, 12 + 4);
      const after = await service.predictionSegments(ada, { endpoint });
      assert.deepEqual(after.map((s) => Math.floor((s.minEventTimeMs - start) / day)).sort(), [0, 1, 2]);
      assert.equal(
        after.reduce((sum, s) => sum + s.rows, 0),
        rows.length,
      );
      assert.equal((await service.labelSegments(ada, endpoint)).length, 1);
      assert.equal((await service.compact(ada)).compacted, 0);
      // A replica that did not hear the answer sends its segment again.
      assert.equal((await service.registerSegment(ada, before[0]!)).created, false);
      assert.equal((await service.summary(ada, endpoint)).total.predictions, rows.length);
      assert.equal((await service.prediction(ada, 'r3-7', endpoint)).predictionId, 'r3-7');
      // Who asks what has come lately still learns of the segments as they came.
      const came = await service.predictionSegments(ada, { endpoint, registeredSinceMs: 0 });
      assert.equal(came.length, 12);
      assert.ok(await blobs.info(before[0]!.digest));
    });

    test('files of replaced segments go when nobody can be reading them any more', async (t) => {
      let aheadMs = 0;
      const { send, options, blobs } = await openFeedbackService(t, open);
      const { FeedbackService } = await import('../service.ts');
      const service = await FeedbackService.open({
        ...options,
        labelDirectory: `${options.labelDirectory}-2`,
        clock: { nowMs: () => Date.now() + aheadMs },
      });
      t.after(() => service.close());
      await fill(send, 3);
      const old = await service.predictionSegments(ada, { endpoint });
      await service.compact(ada);
      aheadMs = graceMs + 1000;
      // What could not be deleted, or was not as the process was killed, is deleted the next time.
      const refused = async () => Promise.reject(new Error('the disk is away'));
      t.mock.method(blobs, 'delete', refused, { times: 1 });
      await assert.rejects(service.compact(ada), /disk is away/);
      await service.compact(ada);
      for (const { digest } of old) assert.equal(await blobs.info(digest), undefined);
      assert.equal((await service.predictions(ada, { endpoint }, 1000, undefined)).length, 120);
    });

    test('an entity is erased with its labels, also from what arrives later, and nothing tells who it was', async (t) => {
      const { service, send, journal } = await openFeedbackService(t, open);
      const rows = await fill(send, 4);
      const own = rows.filter((r) => r.entity === 'e3');
      const labels = rows.map(({ id }) => ({ predictionId: id, value: 1, eventTime: start + day }));
      await service.postLabels(ada, { endpoint, labels });
      await service.postLabels(ada, {
        endpoint,
        labels: [{ entity: 'e3', at: start + 900 * day, value: 1, eventTime: start }],
      });
      await service.flush(endpoint);
      const request = { entity: 'e3', endpoint: null, reason: 'asked for it' };
      const erased = await service.erase(ada, request);
      assert.deepEqual(
        [erased.predictions, erased.labels, erased.waitingLabels],
        [own.length, own.length, 1],
      );
      const left = await service.predictions(ada, { endpoint }, 1000, undefined);
      assert.equal(left.length, rows.length - own.length);
      assert.ok(left.every((p) => p.entity !== 'e3' && p.label !== null));
      await assert.rejects(service.prediction(ada, own[0]!.id, endpoint), { code: 'not_found' });
      // A replica that was away brings more of the same entity.
      await send([
        { id: 'late-1', entity: 'e3', eventTimeMs: start },
        { id: 'late-2', entity: 'e4', eventTimeMs: start },
      ]);
      await service.compact(ada);
      const ids = (await service.predictions(ada, { endpoint }, 1000, undefined)).map((p) => p.predictionId);
      assert.ok(!ids.includes('late-1') && ids.includes('late-2'));
      const [audit] = await journal.auditEntries({ limit: 1, action: 'predictions:erase' } as never);
      assert.ok(audit && !JSON.stringify(audit).includes('"e3"'));
      assert.equal((await service.erase(ada, request)).predictions, 0);
    });

    test('an erasure goes by what control has, not by the clocks of replicas', async (t) => {
      const { service, send, frames, blobs, directory } = await openFeedbackService(t, open, undefined, {
        clockAheadMs: (id) => (id === 'ahead' ? 30_000 : undefined),
      });
      const row = (id: string, receivedInMs: number) => {
        return { id, entity: 'e3', eventTimeMs: start, receivedAtMs: Date.now() + receivedInMs };
      };
      await send([row('ahead', 40_000), row('right', -5)]);
      const erased = await service.erase(ada, { entity: 'e3', endpoint: null, reason: 'asked for it' });
      assert.equal(erased.predictions, 2);
      // Of a replica whose clock is 30 s ahead: received before the erasure, and after it.
      await sendSegment(
        service,
        frames,
        blobs,
        directory,
        [row('before', 25_000), row('after', 60_000)],
        'ahead',
      );
      await send([row('new', 25_000)]);
      await service.upkeep.indexNow();
      const ids = (await service.predictions(ada, { endpoint }, 10, undefined)).map((p) => p.predictionId);
      assert.deepEqual(ids.sort(), ['after', 'new']);
    });

    for (const again of [true, false])
      test(`an erasure that broke off half way takes the labels too ${again ? 'when it is asked for again' : 'by itself'}`, async (t) => {
        const { service, send, blobs } = await openFeedbackService(t, open);
        await send([
          { id: 'a', entity: 'e3', eventTimeMs: start },
          { id: 'b', entity: 'e4', eventTimeMs: start },
        ]);
        const labels = ['a', 'b'].map((predictionId) => ({ predictionId, value: 1, eventTime: start }));
        await service.postLabels(ada, { endpoint, labels });
        await service.flush(endpoint);
        await service.upkeep.indexNow();
        const put = blobs.put.bind(blobs);
        let puts = 0;
        const broken = t.mock.method(blobs, 'put', async (...what: Parameters<typeof put>) => {
          if (++puts === 2) throw new Error('the disk is away');
          return put(...what);
        });
        const request = { entity: 'e3', endpoint: null, reason: 'asked for it' };
        await assert.rejects(service.erase(ada, request), /disk is away/);
        broken.mock.restore();
        await send([{ id: 'c', entity: 'e4', eventTimeMs: start }]);
        if (again) await service.erase(ada, request);
        else await service.upkeep.indexNow();
        const ids = (await service.predictions(ada, { endpoint }, 10, undefined)).map((p) => p.predictionId);
        assert.deepEqual(ids.sort(), ['b', 'c']);
        assert.deepEqual(await service.labels.waiting(ada, endpoint, 10, undefined), []);
      });

    test('what another key hashed is named where an entity is looked for, and found by its hash', async (t) => {
      const { service: plain, options, frames, blobs, directory } = await openFeedbackService(t, open);
      await plain.close();
      const form = (key: string, entity: string) => `h:${`${key}-${entity}`.padEnd(22, '_')}`;
      const prints: Record<string, string> = { r1: 'ours', r2: 'theirs' };
      let own = 'ours';
      const service = await FeedbackService.open({
        ...options,
        labelDirectory: join(directory, 'keys'),
        clock: { nowMs: () => nowMs },
        hashing: {
          entityForms: (entity) => (entity.startsWith('h:') ? [entity] : [entity, form(own, entity)]),
          ownPrint: () => own,
          printOf: (replicaId) => prints[replicaId],
        },
      });
      let nowMs = start + 10 * day;
      t.after(() => service.close());
      const rowsOf = (key: string, atMs: number): LoggedRow[] =>
        ['ada', 'bob'].map((e) => ({ id: `${key}-${e}`, entity: form(key, e), eventTimeMs: atMs }));
      for (const [replica, key] of [
        ['r1', 'ours'],
        ['r2', 'theirs'],
        ['r2', 'theirs'],
      ] as const)
        await sendSegment(service, frames, blobs, directory, rowsOf(key, start + day), replica);
      // Nothing is hashed in it: no key is missing for it.
      await sendSegment(
        service,
        frames,
        blobs,
        directory,
        [{ id: 'x', entity: 'eve', eventTimeMs: start }],
        'r2',
      );
      const others = await service.hashKeys.others('ada', endpoint);
      assert.deepEqual(
        others.map((o) => [o.replicaId, o.logHashKey, o.rows, o.from]),
        [['r2', 'theirs', 4, '2001-02-02T00:00:00.000Z']],
      );
      assert.deepEqual(await service.hashKeys.others('ada', null, { toMs: start }), []);
      assert.deepEqual(await service.hashKeys.others(form('theirs', 'ada'), endpoint), []);
      // Control's key is another one now: what the first one hashed is not found either, and is told of.
      own = 'theirs';
      assert.deepEqual(
        (await service.hashKeys.others('ada', null)).map((o) => o.replicaId),
        ['r1'],
      );
      const erased = await service.erase(ada, { entity: 'ada', endpoint: null, reason: 'asked for it' });
      assert.equal(erased.predictions, 2);
      const byHash = await service.erase(ada, {
        entity: form('ours', 'ada'),
        endpoint: null,
        reason: 'asked for it',
      });
      assert.equal(byHash.predictions, 1);
      await service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ keepDays: 1 }));
      nowMs = start + 100 * day;
      await service.compact(ada);
      assert.deepEqual(await service.hashKeys.others('ada', null), []);
    });

    test('what is old goes also where it came in one file with rows of days to come', async (t) => {
      let nowMs = Date.now();
      const { service, send } = await openFeedbackService(t, open, { nowMs: () => nowMs });
      await send([
        { id: 'old', eventTimeMs: nowMs - 40 * day },
        { id: 'departs next month', eventTimeMs: nowMs + 30 * day },
      ]);
      await service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ keepDays: 30 }));
      nowMs += day;
      await service.compact(ada);
      assert.equal((await service.compact(ada)).removed, 1);
      const ids = (await service.predictions(ada, { endpoint }, 10, undefined)).map((p) => p.predictionId);
      assert.deepEqual(ids, ['departs next month']);
      assert.deepEqual(await service.compact(ada), { compacted: 0, removed: 0 });
    });

    test('what is older than an endpoint keeps goes', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      await send([{ id: 'old', eventTimeMs: Date.now() - 40 * day }]);
      await send([{ id: 'new', eventTimeMs: Date.now() - 5 * day }]);
      const waits = (at: number) => ({ entity: 'nobody', at, value: 1, eventTime: at });
      const labels = [waits(Date.now() - 40 * day), waits(Date.now() - 5 * day)];
      await service.postLabels(ada, { endpoint, labels });
      await service.compact(ada);
      assert.equal((await service.summary(ada, endpoint)).total.predictions, 2);
      await service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ keepDays: 30 }));
      assert.equal((await service.compact(ada)).removed, 1);
      const ids = (await service.predictions(ada, { endpoint }, 10, undefined)).map((p) => p.predictionId);
      assert.deepEqual(ids, ['new']);
      assert.equal((await service.labels.waiting(ada, endpoint, 10, undefined)).length, 1);
      // As many segments as were counted before, but others.
      await send(['newer', 'newest'].map((id) => ({ id, eventTimeMs: Date.now() - 4 * day })));
      assert.equal((await service.summary(ada, endpoint)).total.predictions, 3);
    });
  });
});
