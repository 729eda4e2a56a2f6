import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { formatTime } from '../../core/time.ts';
import type { Actor } from '../../platform/access/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { sqlLiteral } from '../../platform/frames/index.ts';
import { feedbackSummarySchema, type Label, predictionDetailSchema } from './contract.ts';
import { pageKey } from './search/list-predictions.ts';
import { FeedbackService } from './service.ts';
import { type LoggedRow, openFeedbackService, replica } from './testing.ts';

const ada: Actor = { kind: 'user', id: 'ada' };
const day = 86_400_000;
const start = Date.UTC(2001, 1, 1);
const label = (predictionId: string, value: Label['value'], eventTime: number): Label => ({
  predictionId,
  value,
  eventTime,
});

forEachDatabase((name, open) => {
  describe(`feedback on ${name}`, { concurrency: 2 }, () => {
    test('counts a small log as one would by hand', async (t) => {
      const { service, send, journal } = await openFeedbackService(t, open);
      await send([
        { id: 'a', eventTimeMs: start, score: 0.9 },
        { id: 'b', eventTimeMs: start + 1, score: 0.2 },
        { id: 'c', eventTimeMs: start + 2, status: 'input_invalid', score: null },
        { id: 'e', eventTimeMs: start + 3, status: 'model_failed', score: null },
        { id: 'f', eventTimeMs: start + 4, status: 'cancelled', score: null },
        { id: 'a', eventTimeMs: start, arm: 'shadow', score: 0.7 },
      ]);
      await send([
        { id: 'd', eventTimeMs: start + day, arm: 'challenger', score: 0.4 },
        // Sent again by a client that missed the answer.
        { id: 'b', eventTimeMs: start + 1, score: 0.3, receivedAtMs: start + 50 },
      ]);
      await service.postLabels(ada, {
        endpoint: 'flights',
        labels: [
          label('a', 1, start + 100),
          label('a', 0, start + 200),
          label('d', true, start + day + 5),
          label('nobody', 1, start + 3),
        ],
      });
      const summary = await service.summary(ada, 'flights');
      assert.deepEqual(summary.total, {
        predictions: 6,
        failed: 2,
        refused: 1,
        joined: 2,
        waiting: 1,
        unanswered: 3,
        labelsReceived: 4,
        duplicateLabels: 1,
        orphans: 1,
      });
      assert.deepEqual(
        summary.days.map((d) => [d.day, d.predictions, d.joined, d.waiting, d.labelsReceived, d.orphans]),
        [
          ['2001-02-01', 5, 1, 1, 3, 1],
          ['2001-02-02', 1, 1, 0, 1, 0],
        ],
      );
      assert.deepEqual(
        summary.orphanExamples.map(({ predictionId, value }) => [predictionId, value]),
        [['nobody', 1]],
      );
      assert.match(summary.advice ?? '', /1 labelled id is in no prediction of "flights"/);

      feedbackSummarySchema.parse(summary);
      const a = await service.prediction(ada, 'a');
      predictionDetailSchema.parse(a);
      assert.equal(a.label?.value, 0);
      assert.equal(a.outcome, 'wrong');
      assert.ok(Math.abs((a.logLoss ?? 0) - -Math.log(1 - 0.9)) < 1e-12);
      assert.deepEqual(
        a.shadows.map(({ score, arm }) => [score, arm]),
        [[0.7, 'shadow']],
      );
      assert.equal((await service.prediction(ada, 'd', 'flights')).label?.value, true);
      assert.equal((await service.prediction(ada, 'b')).score, 0.3);
      await assert.rejects(service.prediction(ada, 'zzz'), { code: 'not_found' });
      assert.deepEqual(
        (await journal.eventsAfter(0, 10)).map((event) => event.type),
        ['prediction-segment.registered', 'prediction-segment.registered', 'label-segment.sealed'],
      );
      await send(['many-0', 'many-1'].map((id) => ({ id, eventTimeMs: start, score: 0.1 })));
      await assert.rejects(service.prediction(ada, 'many', 'flights'), {
        code: 'prediction_of_rows',
        message: /"many", but one has "many-0"/,
      });
      await assert.rejects(service.prediction(ada, 'many-1-0'), { code: 'not_found' });
    });

    test('predictions = joined + waiting + unanswered, whatever comes in whatever order', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      const rng = createRng(7);
      const ids = Array.from({ length: 400 }, (_, i) => `p${i}`);
      const statusOf = (id: string) =>
        id.endsWith('3') ? 'input_invalid' : id.endsWith('7') ? 'cancelled' : 'ok';
      const sent = new Set<string>();
      const labelled = new Set<string>();
      let received = 0;
      for (let round = 0; round < 12; round++) {
        const pick = () => ids[rng.int(ids.length)] ?? 'p0';
        if (round % 2 === 0) {
          const rows = Array.from({ length: 60 }, (): LoggedRow => {
            const id = pick();
            const status = statusOf(id);
            return { id, status, eventTimeMs: start + rng.int(5) * day, receivedAtMs: start + round };
          });
          for (const row of rows) sent.add(row.id);
          await send(rows);
        } else {
          const labels = Array.from({ length: 80 }, () =>
            label(pick(), rng.int(2), start + rng.int(8) * day),
          );
          for (const { predictionId } of labels) labelled.add(predictionId ?? '');
          received += labels.length;
          await service.postLabels(ada, { endpoint: 'flights', labels });
        }
        const { total, days } = await service.summary(ada, 'flights');
        const [joined, left] = [true, false].map((is) => [...sent].filter((id) => labelled.has(id) === is));
        assert.deepEqual(total, {
          predictions: sent.size,
          failed: [...sent].filter((id) => statusOf(id) === 'input_invalid').length,
          refused: [...sent].filter((id) => statusOf(id) === 'input_invalid').length,
          joined: joined?.length,
          waiting: left?.filter((id) => statusOf(id) === 'ok').length,
          unanswered: left?.filter((id) => statusOf(id) !== 'ok').length,
          labelsReceived: received,
          duplicateLabels: received - labelled.size,
          orphans: labelled.size - (joined?.length ?? 0),
        });
        for (const d of days) assert.equal(d.predictions, d.joined + d.waiting + d.unanswered);
      }
    });

    test('labels acknowledged before a crash are there after it', async (t) => {
      const { service, options, send, directory } = await openFeedbackService(t, open);
      await send([{ id: 'a', eventTimeMs: start }]);
      await service.postLabels(ada, { endpoint: 'flights', labels: [label('a', 1, start)] });
      // What a crash leaves behind: an open segment that was never sealed.
      const labelDirectory = join(directory, 'labels-after-crash');
      await cp(options.labelDirectory, labelDirectory, { recursive: true });
      const reopened = await FeedbackService.open({ ...options, labelDirectory });
      await reopened.flush('flights');
      assert.equal((await reopened.summary(ada, 'flights')).total.joined, 1);
      await reopened.close();
    });

    test('pages run through all rows once, newest first, under every filter', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      const rng = createRng(3);
      const rows: LoggedRow[] = [];
      for (let segment = 0; segment < 20; segment++) {
        const part = Array.from({ length: 15 }, (_, i): LoggedRow => {
          const arm = i % 5 === 0 ? 'challenger' : 'champion';
          const status = i % 7 === 0 ? 'overloaded' : 'ok';
          // Segments overlap in time, and some times are equal.
          const eventTimeMs = start + (segment * 10 + rng.int(30)) * 1000;
          return { id: `s${segment}-${i}`, eventTimeMs, arm, status, score: rng.next() };
        });
        rows.push(...part);
        await send(part);
      }
      const labels = rows.filter((_, i) => i % 3 === 0).map(({ id }) => label(id, 1, start));
      await service.postLabels(ada, { endpoint: 'flights', labels });
      await service.flush('flights');
      const isLabelled = new Set(labels.map((l) => l.predictionId));

      const walk = async (filter: object) => {
        const seen: string[] = [];
        let after: ReturnType<typeof pageKey> | undefined;
        for (;;) {
          const page = await service.predictions(ada, { endpoint: 'flights', ...filter }, 37, after);
          seen.push(...page.map((p) => p.predictionId));
          const last = page.at(-1);
          if (page.length < 37 || !last) return seen;
          after = pageKey(last);
        }
      };
      const expected = (keep: (row: LoggedRow) => boolean) =>
        rows
          .filter(keep)
          .sort((a, b) => b.eventTimeMs - a.eventTimeMs || (a.id < b.id ? 1 : -1))
          .map((row) => row.id);
      assert.deepEqual(
        await walk({}),
        expected(() => true),
      );
      assert.deepEqual(
        await walk({ arm: 'challenger' }),
        expected((r) => r.arm === 'challenger'),
      );
      assert.deepEqual(
        await walk({ status: 'failed' }),
        expected((r) => r.status !== 'ok'),
      );
      assert.deepEqual(
        await walk({ labelled: false }),
        expected((r) => !isLabelled.has(r.id)),
      );
      assert.deepEqual(
        await walk({ outcome: 'wrong' }),
        expected((r) => isLabelled.has(r.id) && r.status === 'ok' && (r.score ?? 0) < 0.5),
      );
      const [from, to] = [start + 60_000, start + 120_000];
      assert.deepEqual(
        await walk({ from: formatTime(from), to: formatTime(to) }),
        expected((r) => r.eventTimeMs >= from && r.eventTimeMs < to),
      );
    });

    test('label-join gives features, label and time of what was answered and labelled', async (t) => {
      const { service, send, frames, blobs, directory } = await openFeedbackService(t, open);
      await send([
        { id: 'b', eventTimeMs: start + 2000, features: { distance: 7, origin: 'ORD' } },
        { id: 'a', eventTimeMs: start, features: { distance: 5.5, origin: 'ATL' } },
        { id: 'w', eventTimeMs: start + 1, features: { distance: 1, origin: 'ATL' } },
        {
          id: 'x',
          eventTimeMs: start + 1,
          status: 'invalid_input',
          features: { distance: 1, origin: 'ATL' },
        },
      ]);
      await send([{ id: 'later', eventTimeMs: start + day, features: { distance: 7, origin: 'ORD' } }]);
      const labels = [
        label('a', true, start),
        label('b', false, start),
        label('x', true, start),
        label('later', true, start),
      ];
      await service.postLabels(ada, { endpoint: 'flights', labels });
      const join = {
        endpoint: 'flights',
        fromMs: start,
        toMs: start + day,
        features: ['origin', 'distance'],
        label: 'late',
        time: 'date',
      };
      const out = await service.labelJoin(ada, join, directory);
      assert.deepEqual([out.rows, out.waiting], [2, 1]);
      const path = await blobs.path(out.digest);
      assert.deepEqual(await frames.query(`SELECT * FROM read_parquet(${sqlLiteral(path)})`), [
        { date: start, origin: 'ATL', distance: 5.5, late: true },
        { date: start + 2000, origin: 'ORD', distance: 7, late: false },
      ]);
      assert.equal((await service.labelJoin(ada, join, directory)).digest, out.digest);
      await assert.rejects(service.labelJoin(ada, { ...join, features: ['Origin2'] }, directory), {
        code: 'feature_not_logged',
        message: /"Origin2".*distance, origin/,
      });
      await assert.rejects(
        service.labelJoin(ada, { ...join, fromMs: start + 2 * day, toMs: start + 3 * day }, directory),
        {
          code: 'join_empty',
        },
      );
    });

    test('refuses what nobody can use, and takes the same segment once', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      const labels = [label('a', 1, start)];
      await assert.rejects(service.postLabels(ada, { endpoint: 'flihgts', labels }), { code: 'not_found' });
      const wrongTime = [{ predictionId: 'a', value: 1, eventTime: 'yesterday' }];
      await assert.rejects(service.postLabels(ada, { endpoint: 'flights', labels: wrongTime }), {
        code: 'invalid_time',
        message: /labels\[0\]\.eventTime/,
      });
      const segment = await send([{ id: 'a', eventTimeMs: start }]);
      assert.equal((await service.registerSegment(replica, segment)).created, false);
      const digest = `sha256:${'0'.repeat(64)}` as const;
      await assert.rejects(service.registerSegment(replica, { ...segment, id: 'other', digest }), {
        code: 'blob_missing',
      });
      const stopped = async () => {
        throw new Error('stopped');
      };
      await assert.rejects(service.registerSegment(replica, { ...segment, id: 'other' }, stopped), /stopped/);
      assert.equal((await service.summary(ada, 'flights')).total.predictions, 1);
      assert.deepEqual((await service.summary(ada, 'unheard-of')).days, []);
    });
  });
});
