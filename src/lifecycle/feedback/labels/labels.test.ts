import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { sqlLiteral } from '../../../platform/frames/index.ts';
import { feedbackSettingsSchema, labelQueryInputSchema, postLabelsRequestSchema } from '../contract.ts';
import { FeedbackStore } from '../store.ts';
import { ada, openFeedbackService } from '../testing.ts';
import { retryWaitMs } from './matching.ts';

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2001, 1, 1);
const endpoint = 'flights';

forEachDatabase((name, open) => {
  describe(`labels on ${name}`, { concurrency: 2 }, () => {
    test('the last by event time counts, whatever came last, and all are kept and shown', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      await send([{ id: 'a', eventTimeMs: start }]);
      const label = (value: number, eventTime: number) => ({ predictionId: 'a', value, eventTime });
      await service.postLabels(ada, { endpoint, labels: [label(1, start + 10)] });
      await service.postLabels(ada, { endpoint, labels: [label(0, start + 30)] });
      await service.postLabels(ada, { endpoint, labels: [label(1, start + 20)] });
      const found = await service.prediction(ada, 'a', endpoint);
      assert.equal(found.label?.value, 0);
      assert.deepEqual(
        found.labels.map((l) => [l.value, l.counts, l.source]),
        [
          [0, true, 'api'],
          [1, false, 'api'],
          [1, false, 'api'],
        ],
      );
      // A correction of the same event time counts when it came later.
      await service.postLabels(ada, { endpoint, labels: [label(1, start + 30)] });
      assert.equal((await service.prediction(ada, 'a', endpoint)).label?.value, 1);
      assert.deepEqual(await service.labels.conflicts(ada, endpoint, 10), [
        { predictionId: 'a', labels: 4, values: [0, 1], counts: 1 },
      ]);
    });

    test('labels by entity and time find the nearest prediction, wait for it, and say of ties', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      await send([
        { id: 'x1', entity: 'x', eventTimeMs: start },
        { id: 'x2', entity: 'x', eventTimeMs: start + 10_000 },
        { id: 'y1', entity: 'y', eventTimeMs: start },
      ]);
      const by = (entity: string, at: number, value: number) => ({ entity, at, value, eventTime: at + hour });
      const answer = await service.postLabels(ada, {
        endpoint,
        labels: [
          by('x', start + 8000, 1),
          { ...by('x', start + 5000, 0), toleranceMs: 5000 },
          by('late', start, 1),
          { ...by('y', start + 100, 1), toleranceMs: 50 },
        ],
      });
      assert.deepEqual(answer, { accepted: 4, byEntity: 4 });
      await service.flush(endpoint);
      const x1 = await service.prediction(ada, 'x1', endpoint);
      assert.equal(x1.label?.value, 0);
      assert.match(x1.labels[0]?.note ?? '', /nearest of 2 predictions.*2 are equally near: the earliest/);
      assert.equal((await service.prediction(ada, 'x2', endpoint)).label?.value, 1);
      const waiting = async () =>
        (await service.labels.waiting(ada, endpoint, 10, undefined)).map((w) => w.entity);
      assert.deepEqual(await waiting(), ['late', 'y']);
      const { waitingByEntity, advice } = await service.summary(ada, endpoint);
      assert.equal(waitingByEntity, 2);
      assert.match(
        advice ?? '',
        /2 labels name an entity of which "\w+" has no prediction near enough in time/,
      );
      await send([{ id: 'l1', entity: 'late', eventTimeMs: start + 60_000 }]);
      assert.deepEqual(await waiting(), ['y']);
      await service.flush(endpoint);
      assert.equal((await service.prediction(ada, 'l1', endpoint)).label?.value, 1);
    });

    for (const way of ['segments', 'entity files'])
      test(`of a failed prediction and its retry the one that was answered is labelled (${way})`, async (t) => {
        let nowMs = start + hour;
        const { service, send } = await openFeedbackService(t, open, { nowMs: () => nowMs });
        const failed = { status: 'model_failed', score: null };
        await send([
          { id: 'x1', entity: 'x', eventTimeMs: start, ...failed },
          { id: 'x2', entity: 'x', eventTimeMs: start + 3000 },
          // The same prediction again; a shadow answered one that failed.
          { id: 'y1', entity: 'y', eventTimeMs: start, ...failed },
          { id: 'y1', entity: 'y', eventTimeMs: start + 1000 },
          { id: 'z1', entity: 'z', eventTimeMs: start, ...failed },
          { id: 'z1', entity: 'z', eventTimeMs: start, arm: 'shadow' },
          { id: 'n1', entity: 'n', eventTimeMs: start, ...failed },
        ]);
        if (way === 'entity files') await service.upkeep.indexNow();
        const labels = ['x', 'y', 'z', 'n'].map((entity) => ({
          entity,
          at: start,
          value: 1,
          eventTime: start + 5000,
        }));
        await service.postLabels(ada, { endpoint, labels });
        await service.flush(endpoint);
        const labelOf = async (id: string) => (await service.prediction(ada, id, endpoint)).labels[0];
        assert.equal(await labelOf('x1'), undefined);
        assert.match(
          (await labelOf('x2'))?.note ?? '',
          /the only prediction .*, 1 that failed left out, 3000 ms/,
        );
        assert.equal((await labelOf('y1'))?.value, 1);
        const waiting = async () =>
          (await service.labels.waiting(ada, endpoint, 10, undefined)).map((w) => w.entity);
        assert.deepEqual(await waiting(), ['z', 'n']);
        // A retry that is logged by another replica later; what nobody answered has its label in the end.
        await send([{ id: 'z2', entity: 'z', eventTimeMs: start + 9000 }]);
        await service.flush(endpoint);
        assert.equal((await labelOf('z2'))?.value, 1);
        assert.deepEqual(await waiting(), ['n']);
        nowMs += retryWaitMs;
        await service.flush(endpoint);
        assert.match((await labelOf('n1'))?.note ?? '', /the only prediction .*; none was answered/);
        assert.deepEqual(await waiting(), []);
      });

    test('of labels of one event time the one received last counts, also when one waited for its prediction', async (t) => {
      let nowMs = start;
      const { service, send } = await openFeedbackService(t, open, { nowMs: () => nowMs });
      const entity = { entity: 'e', at: start, eventTime: start };
      for (const value of [1, 0]) await service.postLabels(ada, { endpoint, labels: [{ ...entity, value }] });
      nowMs += 50;
      const correction = { predictionId: 'a', value: 1, eventTime: start };
      await service.postLabels(ada, { endpoint, labels: [correction] });
      nowMs += 50;
      await send([{ id: 'a', entity: 'e', eventTimeMs: start }]);
      await service.flush(endpoint);
      const { labels } = await service.prediction(ada, 'a', endpoint);
      assert.deepEqual(
        labels.map((l) => [l.value, l.note === null, l.counts]),
        [
          [1, true, true],
          [0, false, false],
          [1, false, false],
        ],
      );
    });

    test('labels of unknown ids are listed until their prediction comes', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      await service.postLabels(ada, {
        endpoint,
        labels: ['n1', 'n2', 'n3'].map((predictionId) => ({ predictionId, value: 1, eventTime: start })),
      });
      const first = await service.labels.waiting(ada, endpoint, 2, undefined);
      const rest = await service.labels.waiting(ada, endpoint, 2, first.at(-1)?.key);
      assert.deepEqual(
        [...first, ...rest].map((w) => w.predictionId),
        ['n1', 'n2', 'n3'],
      );
      await send([{ id: 'n2', eventTimeMs: start }]);
      const left = await service.labels.waiting(ada, endpoint, 10, undefined);
      assert.deepEqual(
        left.map((w) => w.predictionId),
        ['n1', 'n3'],
      );
    });

    test('a label of another type is refused with its place, its value and what is taken', async (t) => {
      const { service } = await openFeedbackService(t, open);
      await service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ labelType: 'binary' }));
      const labels = [
        { predictionId: 'a', value: true, eventTime: start },
        { predictionId: 'b', value: 'late', eventTime: start },
      ];
      await assert.rejects(service.postLabels(ada, { endpoint, labels }), {
        code: 'label_type_wrong',
        message: 'labels[1].value is "late"; this endpoint takes true, false, 1 or 0',
      });
      assert.equal((await service.summary(ada, endpoint)).total.labelsReceived, 0);
    });

    test('a label that is dated after its receipt is refused, and one of earlier times can be corrected', async (t) => {
      const { service, send, frames, blobs, directory, options } = await openFeedbackService(t, open);
      await send([{ id: 'a', eventTimeMs: start }]);
      const post = (label: object) =>
        service.postLabels(
          ada,
          postLabelsRequestSchema.parse({ endpoint, labels: [{ value: 0, ...label }] }),
        );
      const nowMs = Date.now();
      for (const [label, message] of [
        [
          { predictionId: 'a', eventTime: '2999-01-01T00:00:00Z' },
          /^labels\[0\]\.eventTime is 2999.*is in the future: it is 20/,
        ],
        [{ predictionId: 'a', eventTime: nowMs * 1000 }, /^labels\[0\]\.eventTime is \+.*is in the future/],
        [
          { predictionId: 'a', eventTime: 9e15 },
          /^labels\[0\]\.eventTime is 9000000000000000, .*is in the future/,
        ],
        [{ predictionId: 'a', eventTime: nowMs + hour }, /^labels\[0\]\.eventTime is .*is in the future/],
        [
          { predictionId: 'a', eventTime: '0001-01-01T00:00:00Z' },
          /eventTime is 0001.*is not between 1900 and 2200/,
        ],
        [
          { entity: 'x', at: '2999-01-01T00:00:00Z', eventTime: start },
          /\.at is 2999.*not between 1900 and 2200/,
        ],
      ] as const)
        await assert.rejects(post(label), { code: 'label_time_impossible', message });
      // Clocks differ a little, and what is predicted may be dated ahead.
      await post({ predictionId: 'skew', eventTime: nowMs + 60_000 });
      await post({ entity: 'x', at: nowMs + 400 * day, eventTime: start });
      const file = Buffer.from(`prediction_id,value,event_time\na,0,2999-01-01\nb,1,2001-02-02\n`);
      const upload = await service.labels.upload(ada, endpoint, 'csv', file, true);
      assert.deepEqual([upload.state, upload.rowsAccepted, upload.errors.length], ['done', 1, 1]);
      assert.match(
        upload.errors[0]?.problem ?? '',
        /^event_time is 2999-01-01T00:00:00Z, which is in the future/,
      );

      // As an earlier version took it.
      const path = join(directory, 'old.parquet');
      const future = Date.UTC(2999, 0, 1);
      await frames.query(`COPY (SELECT 'a' AS prediction_id, 1::DOUBLE AS value_number, '1' AS value_json,
        ${future}::BIGINT AS event_time_ms, ${start + hour}::BIGINT AS received_at_ms, 5::BIGINT AS seq) TO ${sqlLiteral(path)} (FORMAT parquet)`);
      const { digest } = await blobs.put(createReadStream(path));
      const segment = { id: '0', endpoint, digest, rows: 1, minEventTimeMs: future, maxEventTimeMs: future };
      await options.db.write((tx) =>
        new FeedbackStore(options.db).insertLabelSegment(tx, segment, 'label', start),
      );
      const narrow = () =>
        service.readNarrow(ada, endpoint, { sinceRouteVersion: 0, features: [] }, (relation) =>
          frames.query(`SELECT label FROM ${relation}`),
        );
      assert.equal((await service.prediction(ada, 'a', endpoint)).label?.value, 1);
      assert.deepEqual(await narrow(), [{ label: 1 }]);
      await post({ predictionId: 'a', eventTime: start + 2 * hour });
      assert.deepEqual(await narrow(), [{ label: 0 }]);
      const { label, labels } = await service.prediction(ada, 'a', endpoint);
      assert.equal(label?.value, 0);
      assert.deepEqual(
        labels.map((l) => [l.eventTime.slice(0, 4), l.counts]),
        [
          ['2001', true],
          ['2999', false],
        ],
      );
      const days = (await service.summary(ada, endpoint)).days.map((d) => d.day);
      assert.ok(days.includes('2001-02-01') && !days.includes('2999-01-01'), days.join());
    });

    test('a query reads on from its watermark, and a row of the same time is not missed', async (t) => {
      const { service, send, directory } = await openFeedbackService(t, open);
      await send(['s1', 's2', 's3'].map((id) => ({ id, eventTimeMs: start })));
      const path = join(directory, 'truth.db');
      const db = new DatabaseSync(path);
      t.after(() => db.close());
      db.exec('CREATE TABLE truth (id TEXT, label INTEGER, at INTEGER)');
      db.exec(`INSERT INTO truth VALUES ('s1', 1, ${start + 1}), ('s2', 0, ${start + 2})`);
      const query = labelQueryInputSchema.parse({
        endpoint,
        url: `sqlite:${path}`,
        sql: 'SELECT id AS prediction_id, label AS value, at AS event_time FROM truth WHERE at >= :watermark',
        initialWatermark: 0,
        cron: '* * * * *',
      });
      const beganMs = Date.now();
      const shown = await service.labels.putQuery(ada, 'truth', query);
      assert.ok(shown.nextAt !== null && Date.parse(shown.nextAt) > beganMs);
      const run = () => service.labels.runQuery(ada, 'truth');
      assert.deepEqual(
        [(await run()).accepted, (await service.labels.listQueries(ada))[0]?.watermark],
        [2, start + 2],
      );
      // A time that stands for none is refused and leaves out nothing that comes later.
      db.exec(`INSERT INTO truth VALUES ('s2', 0, ${Date.UTC(9999, 11, 31)})`);
      assert.deepEqual([(await run()).watermark, (await run()).refused], [start + 2, 1]);
      db.exec(`INSERT INTO truth VALUES ('s3', 1, ${start + 2})`);
      assert.equal((await run()).accepted, 2);
      assert.equal((await service.prediction(ada, 's3', endpoint)).label?.value, 1);
      assert.equal((await service.summary(ada, endpoint)).total.joined, 3);
      await service.labels.putQuery(ada, 'bad', { ...query, sql: 'SELECT 1 AS n', cron: null });
      assert.match((await service.labels.runQuery(ada, 'bad')).error ?? '', /no column prediction_id/);
      await service.labels.putQuery(ada, 'bad', { ...query, sql: 'DELETE FROM truth', cron: null });
      assert.ok((await service.labels.runQuery(ada, 'bad')).error);
      await service.labels.putQuery(ada, 'bad', { ...query, url: 'sqlite:/nowhere/x.db', cron: null });
      assert.match((await service.labels.runQuery(ada, 'bad')).error ?? '', /cannot be read \(ENOENT\)/);
      await writeFile(join(directory, 'done'), '');
    });

    test('a query that is removed or declared anew while it runs stays so', async (t) => {
      let onLook = () => {};
      const clock = {
        nowMs: () => {
          onLook();
          return Date.now();
        },
      };
      const { service, directory } = await openFeedbackService(t, open, clock);
      const path = join(directory, 'truth.db');
      const db = new DatabaseSync(path);
      t.after(() => db.close());
      db.exec('CREATE TABLE truth (id TEXT, label INTEGER, at INTEGER)');
      const [small, large] = [99n, 10n ** 17n];
      db.exec(`INSERT INTO truth VALUES ('s1', 1, ${small}), ('s2', 0, ${large})`);
      const sql = `SELECT id AS prediction_id, label AS value, ${start} AS event_time, at FROM truth WHERE at >= :watermark`;
      const query = labelQueryInputSchema.parse({
        endpoint,
        url: `sqlite:${path}`,
        sql,
        watermarkColumn: 'at',
        initialWatermark: 0,
      });
      const { labels } = service;
      await labels.putQuery(ada, 'truth', query);
      /** A run that knows its query: it has looked when it began. */
      const begun = async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        onLook = resolve;
        const run = labels.runQuery(ada, 'truth');
        await promise;
        return { run };
      };
      const { run } = await begun();
      const other = { ...query, sql: `${sql} AND label = 1` };
      await Promise.all([run, labels.putQuery(ada, 'truth', other)]);
      const [shown] = await labels.listQueries(ada);
      assert.deepEqual([shown?.sql, shown?.watermark, shown?.lastRun], [other.sql, null, await run]);
      assert.equal((await run).watermark, String(large), 'of whole numbers the larger one is later');
      const again = await begun();
      await Promise.all([again.run, labels.removeQuery(ada, 'truth')]);
      assert.deepEqual(await labels.listQueries(ada), []);
    });

    test('a rule makes outcomes of signals when the window is over, and late signals change them', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      await send(['c1', 'c2', 'c3', 'c4'].map((id) => ({ id, eventTimeMs: start })));
      const rule = {
        signals: [
          { signal: 'click', weight: 1, withinMs: hour },
          { signal: 'dwell', weight: 0.01, withinMs: hour, cap: 60 },
          { signal: 'return', weight: -2, withinMs: 24 * hour },
        ],
        threshold: 1,
      };
      await service.labels.putSettings(
        ada,
        endpoint,
        feedbackSettingsSchema.parse({ rule: { ...rule, silence: 'negative' } }),
      );
      const signal = (predictionId: string, name: string, value: number, afterMs: number) => ({
        predictionId,
        signal: name,
        value,
        eventTime: start + afterMs,
      });
      const signals = [
        signal('c1', 'click', 1, 10),
        signal('c1', 'click', 1, 10),
        signal('c2', 'dwell', 600, 10),
        signal('c3', 'click', 1, 2 * hour),
      ];
      await service.labels.postSignals(ada, { endpoint, signals });
      // The window of all is long over in 2001.
      await service.labels.applyRules();
      const value = async (id: string) => (await service.prediction(ada, id, endpoint)).label?.value;
      // Only predictions of the last month are decided: these are not.
      assert.equal(await value('c1'), undefined);
      const now = Date.now() - 25 * hour;
      await send(['d1', 'd2', 'd3', 'd4'].map((id) => ({ id, eventTimeMs: now })));
      const recent = signals.map((s) => ({
        ...s,
        predictionId: s.predictionId.replace('c', 'd'),
        eventTime: s.eventTime - start + now,
      }));
      await service.labels.postSignals(ada, { endpoint, signals: recent });
      assert.equal(await service.labels.applyRules(), 4);
      assert.equal(await service.labels.applyRules(), 0);
      assert.deepEqual(
        [await value('d1'), await value('d2'), await value('d3'), await value('d4')],
        [1, 0, 0, 0],
      );
      const late = [{ ...signal('d1', 'return', 1, 0), eventTime: now + hour }];
      await service.labels.postSignals(ada, { endpoint, signals: late });
      assert.equal(await service.labels.applyRules(), 1);
      const d1 = await service.prediction(ada, 'd1', endpoint);
      assert.equal(d1.label?.value, 0);
      assert.deepEqual(
        d1.labels.map((l) => l.signal).sort(),
        ['click', 'click', null, null, 'return'].sort(),
      );
      assert.match(d1.labels.find((l) => l.counts)?.note ?? '', /weighted sum -1/);
      // What a person says later counts more than the rule, and the rule does not argue.
      await service.postLabels(ada, {
        endpoint,
        labels: [{ predictionId: 'd1', value: 1, eventTime: Date.now() }],
      });
      assert.equal(await service.labels.applyRules(), 0);
      assert.equal(await value('d1'), 1);
    });

    test('delays and missing labels are measured for each value of a feature', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      // A replay: what was predicted an hour ago is dated years before.
      const receivedAtMs = Date.now() - hour;
      await send(
        Array.from({ length: 100 }, (_, i) => ({
          id: `m${i}`,
          eventTimeMs: start,
          receivedAtMs,
          features: { origin: i < 40 ? 'ATL' : 'ORD' },
        })),
      );
      // Nobody waits for the truth of what was refused.
      await send([{ id: 'r', eventTimeMs: start, status: 'input_invalid', features: { origin: 'ORD' } }]);
      const labels = Array.from({ length: 40 }, (_, i) => ({
        predictionId: `m${i}`,
        value: 1,
        eventTime: start + (i + 1) * 1000,
      }));
      await service.postLabels(ada, {
        endpoint,
        labels: [...labels, { ...labels[0]!, eventTime: start + hour }],
      });
      const { total, segments, measuredAt } = await service.labels.delays(ada, {
        endpoint,
        feature: 'origin',
        fresh: false,
      });
      const again = await service.labels.delays(ada, { endpoint, feature: 'origin', fresh: false });
      assert.equal(again.measuredAt, measuredAt);
      await sleep(2);
      const fresh = await service.labels.delays(ada, { endpoint, feature: 'origin', fresh: true });
      assert.ok(fresh.measuredAt > measuredAt);
      assert.deepEqual(fresh.total, total);
      assert.deepEqual([total.predictions, total.labelled, total.missingRatio], [100, 40, 0.6]);
      const { p50 = 0, max = 0 } = total.receiptDelayMs ?? {};
      assert.ok(p50 >= hour && max <= Date.now() - receivedAtMs, `labels were received after ${p50} ms`);
      assert.deepEqual(
        segments.map((s) => [s.segment, s.predictions, s.missingRatio, s.delayMs?.p50, s.delayMs?.max]),
        [
          ['ORD', 60, 1, undefined, undefined],
          ['ATL', 40, 0, 20_500, 40_000],
        ],
      );
      // A copy of a shadow counts in no day, and a day without predictions is left out.
      await send([
        { id: 'm0', eventTimeMs: start, arm: 'shadow' },
        { id: 'next', eventTimeMs: start + 3 * day - 1 },
        { id: 'last', eventTimeMs: start + 3 * day },
      ]);
      const byDay = async (days: number, to?: string) =>
        (
          await service.labels.byDay(ada, {
            endpoint,
            days,
            fresh: true,
            ...(to === undefined ? {} : { to }),
          })
        ).days.map((d) => [
          d.day,
          d.predictions,
          d.labelled,
          d.missing,
          d.delayMs?.max,
          d.receiptDelayMs === null,
        ]);
      const first = ['2001-02-01', 100, 40, 60, 40_000, false];
      const next = ['2001-02-03', 1, 0, 1, undefined, true];
      const last = ['2001-02-04', 1, 0, 1, undefined, true];
      assert.deepEqual(await byDay(90), [first, next, last]);
      assert.deepEqual(await byDay(2), [next, last]);
      assert.deepEqual(await byDay(90, '2001-02-04T00:00:00Z'), [first, next]);
      await assert.rejects(service.labels.byDay(ada, { endpoint: 'flihgts', days: 1, fresh: true }), {
        code: 'not_found',
      });
    });
  });
});
