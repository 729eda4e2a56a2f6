import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import type { Database } from '../db/index.ts';
import { forEachDatabase, type OpenDatabase } from '../db/testing.ts';
import { firstCronMs, Jobs, jobsMigrations, lastCronMs, nextCronMs } from './index.ts';

async function setUp(t: TestContext, open: OpenDatabase) {
  const clock = { ms: 1_000_000, nowMs: () => clock.ms };
  const db = await open(t, jobsMigrations);
  const jobs = new Jobs(db, clock);
  return { clock, db, jobs };
}

const enqueue = (db: Database, jobs: Jobs, payload: unknown, extra = {}) =>
  db.write((tx) => jobs.enqueue(tx, { kind: 'train', payload, ...extra }));

forEachDatabase((name, open) => {
  describe(`jobs on ${name}`, () => {
    test('a job is leased once, completed once, and its handler writes in the same transaction', async (t) => {
      const { db, jobs } = await setUp(t, open);
      const seen: unknown[] = [];
      jobs.onFinished('train', async (_tx, job) => {
        seen.push([job.status, job.payload, job.result]);
      });
      const id = await enqueue(db, jobs, { n: 1 });
      const [a, b] = await Promise.all([jobs.lease('a/1', ['train'], 0), jobs.lease('b/1', ['train'], 0)]);
      const leased = a ?? b;
      assert.equal(leased?.id, id);
      assert.equal(a && b, undefined);
      await jobs.complete(id, 1, { ok: true });
      await jobs.complete(id, 1, { ok: true });
      assert.deepEqual(seen, [['done', { n: 1 }, { ok: true }]]);
      await assert.rejects(jobs.heartbeat(id, 1), { code: 'lease_lost' });
    });

    test('a waiting worker is woken by the enqueue, not by a poll', async (t) => {
      const { db, jobs } = await setUp(t, open);
      const waiting = jobs.lease('a/1', ['train'], 30_000);
      const id = await enqueue(db, jobs, {});
      assert.equal((await waiting)?.id, id);
    });

    test('workers that wait again and again for as long as they live leave nothing at their signal', async (t) => {
      const { db, jobs } = await setUp(t, open);
      const { signal } = new AbortController();
      for (let n = 0; n < 3; n++) {
        const waiting = jobs.lease('a/1', ['train'], 30_000, signal);
        await enqueue(db, jobs, {});
        await waiting;
      }
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    });

    test('a lease that runs out goes to another attempt, and the first can record nothing', async (t) => {
      const { clock, db, jobs } = await setUp(t, open);
      const id = await enqueue(db, jobs, {});
      const first = await jobs.lease('a/1', ['train'], 0);
      clock.ms += 14_000;
      await jobs.heartbeat(id, 1);
      clock.ms += 14_000;
      await jobs.sweep();
      assert.equal(await jobs.lease('b/1', ['train'], 0), undefined);
      clock.ms += 2_000;
      await jobs.sweep();
      assert.equal(await jobs.byToken(first?.token ?? ''), undefined);
      assert.equal((await jobs.lease('b/1', ['train'], 0))?.attempt, 2);
      await assert.rejects(jobs.heartbeat(id, 1), { code: 'lease_lost' });
      await assert.rejects(jobs.complete(id, 1, 'late'), { code: 'lease_lost' });
      await jobs.complete(id, 2, 'right');
      assert.equal((await jobs.get(id)).result, 'right');
    });

    test('a worker that starts again releases at once what it held', async (t) => {
      const { db, jobs } = await setUp(t, open);
      await enqueue(db, jobs, {});
      await jobs.lease('a/1', ['train'], 0);
      await jobs.workerStarted('other/1');
      assert.equal(await jobs.lease('a/2', ['train'], 0), undefined);
      await jobs.workerStarted('a/2');
      assert.equal((await jobs.lease('a/2', ['train'], 0))?.attempt, 2);
    });

    test('a control that was away puts back no job before its worker could be heard', async (t) => {
      const { clock, db, jobs } = await setUp(t, open);
      const id = await enqueue(db, jobs, {});
      await jobs.lease('a/1', ['train'], 0);
      const pass = async (control: Jobs, seconds: number) => {
        for (let second = 0; second < seconds; second++) {
          clock.ms += 1_000;
          await control.sweepWhatCouldBeHeard();
        }
      };
      clock.ms += 600_000;
      const again = new Jobs(db, clock);
      await again.sweepWhatCouldBeHeard();
      await pass(again, 10);
      await again.heartbeat(id, 1);
      await pass(again, 15);
      clock.ms += 600_000;
      await pass(again, 15);
      assert.equal((await jobs.get(id)).status, 'leased');
      await pass(again, 1);
      assert.equal((await jobs.get(id)).status, 'queued');
    });

    test('a clock that is put back keeps no job waiting, nor with a worker that is gone', async (t) => {
      const { clock, db, jobs } = await setUp(t, open);
      const lost = await enqueue(db, jobs, {});
      await jobs.lease('gone/1', ['train'], 0);
      const failed = await enqueue(db, jobs, {});
      await jobs.lease('a/1', ['train'], 0);
      await jobs.fail(failed, 1, { code: 'boom', message: 'boom' }, true);
      const waiting = await enqueue(db, jobs, {});
      clock.ms -= 2 * 86_400_000;
      const leased = async () => (await jobs.lease('a/1', ['train'], 0))?.id;
      assert.deepEqual([await leased(), await leased(), await leased()], [waiting, failed, undefined]);
      for (let second = 0; second <= 15; second++) {
        await jobs.sweepWhatCouldBeHeard();
        clock.ms += 1_000;
      }
      assert.equal(await leased(), lost);
    });

    test('errors are retried with back-off until the limit; final errors are not', async (t) => {
      const { clock, db, jobs } = await setUp(t, open);
      const id = await enqueue(db, jobs, {}, { maxFailures: 2 });
      const error = { code: 'boom', message: 'boom' };
      await jobs.lease('a/1', ['train'], 0);
      await jobs.fail(id, 1, error, true);
      assert.equal(await jobs.lease('a/1', ['train'], 0), undefined);
      clock.ms += 1_000;
      assert.equal((await jobs.lease('a/1', ['train'], 0))?.attempt, 2);
      await jobs.fail(id, 2, error, true);
      assert.equal((await jobs.get(id)).status, 'failed');
      const final = await enqueue(db, jobs, {});
      await jobs.lease('a/1', ['train'], 0);
      await jobs.fail(final, 1, error, false);
      assert.deepEqual((await jobs.get(final)).error, error);
      assert.equal((await jobs.get(final)).status, 'failed');
    });

    test('a job that loses ten workers fails instead of killing an eleventh', async (t) => {
      const { db, jobs } = await setUp(t, open);
      const id = await enqueue(db, jobs, {});
      for (let n = 1; n <= 10; n++) {
        await jobs.lease(`a/${n}`, ['train'], 0);
        await jobs.workerStarted(`a/${n + 1}`);
      }
      assert.equal((await jobs.get(id)).error?.code, 'workers_lost');
    });

    test('workers that are lost count since the job last got on', async (t) => {
      const { db, jobs } = await setUp(t, open);
      const id = await enqueue(db, jobs, {});
      let n = 1;
      const lose = async () => {
        await jobs.lease(`a/${n}`, ['train'], 0);
        await jobs.workerStarted(`a/${++n}`);
      };
      while (n <= 9) await lose();
      await jobs.lease(`a/${n}`, ['train'], 0);
      await db.write((tx) => jobs.noteProgress(tx, id));
      await jobs.workerStarted(`a/${++n}`);
      for (let lost = 2; lost <= 9; lost++) await lose();
      assert.equal((await jobs.get(id)).status, 'queued');
      await lose();
      assert.equal((await jobs.get(id)).error?.code, 'workers_lost');
    });

    test('cancelling: a waiting job ends at once, a running one is told with its heartbeat', async (t) => {
      const { db, jobs } = await setUp(t, open);
      const waiting = await enqueue(db, jobs, {});
      await db.write((tx) => jobs.cancel(tx, waiting, 'not needed'));
      assert.equal((await jobs.get(waiting)).status, 'cancelled');
      const running = await enqueue(db, jobs, {});
      await jobs.lease('a/1', ['train'], 0);
      const holds = () => db.write((tx) => jobs.holdRunning(tx, running));
      assert.equal(await holds(), true);
      await db.write((tx) => jobs.cancel(tx, running, 'not needed'));
      assert.equal(await holds(), false);
      assert.equal((await jobs.heartbeat(running, 1)).cancelReason, 'not needed');
      await jobs.fail(running, 1, { code: 'cancelled', message: 'stopped' }, true);
      assert.equal((await jobs.get(running)).status, 'cancelled');
    });

    test('logs are read while the job runs; a key is used once; a token names its job while it runs', async (t) => {
      const { db, jobs } = await setUp(t, open);
      const id = await enqueue(db, jobs, {}, { key: 'k' });
      assert.equal(await enqueue(db, jobs, {}, { key: 'k' }), id);
      const leased = await jobs.lease('a/1', ['train'], 0);
      await jobs.appendLogs(id, 1, [{ stream: 'stdout', line: 'epoch 1' }]);
      assert.deepEqual(
        (await jobs.logs(id, 0, 10)).map((l) => l.line),
        ['epoch 1'],
      );
      assert.equal(await jobs.byToken(leased?.token ?? ''), id);
      await jobs.complete(id, 1, null);
      assert.equal(await jobs.byToken(leased?.token ?? ''), undefined);
    });
  });
});

test('a wrong cron expression is refused with its field', () => {
  assert.throws(() => firstCronMs('every day', 'UTC', 0, 'improve.retrain.schedule'), {
    code: 'invalid_input',
    message: /improve\.retrain\.schedule: "every day"/,
  });
});

test('what comes only once is no schedule; one that was stored comes once, and nothing waits for it', () => {
  const due = Date.UTC(2030, 0, 1);
  for (const once of ['2030-01-01T00:00:00', '0 0 0 1 1 * 2030']) {
    assert.deepEqual([nextCronMs(once, 'UTC', due - 1), nextCronMs(once, 'UTC', due)], [due, null]);
    assert.equal(lastCronMs(once, 'UTC', 0, due + 86_400_000), due);
    assert.equal(lastCronMs(once, 'UTC', due, due + 86_400_000), null);
    assert.throws(() => firstCronMs(once, 'UTC', 0), { code: 'invalid_input', message: /five fields/ });
  }
  const day = Date.UTC(2001, 0, 1);
  for (const daily of ['0 0 * * *', '0 0 0 * * *', '@daily']) {
    assert.equal(firstCronMs(daily, 'UTC', day), day + 86_400_000);
  }
});

test('the latest time that came due is found without going through all of them', () => {
  const until = Date.UTC(2026, 5, 1, 12, 0, 30, 500);
  for (const [cron, latest] of [
    ['* * * * * *', until - 500],
    ['* * * * *', until - 30_500],
    ['0 0 1 1 *', Date.UTC(2026, 0, 1)],
    ['0 0 29 2 *', Date.UTC(2024, 1, 29)],
    ['0 0 30 2 *', null],
  ] as const) {
    assert.equal(lastCronMs(cron, 'UTC', Date.UTC(1996, 2, 1), until), latest, cron);
  }
  assert.equal(lastCronMs('0 0 1 1 *', 'UTC', Date.UTC(2026, 0, 1), until), null);
});
