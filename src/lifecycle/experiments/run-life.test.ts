import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { createLogger } from '../../platform/log/index.ts';
import { RunWatch } from './service/run-watch.ts';
import { startedExperiment, tester } from './testing.ts';

const minuteMs = 60_000;

forEachDatabase((name, open) => {
  test(`${name}: a run that goes silent is lost, once, and runs again when it writes`, async (t) => {
    const { tracking, journal, db, blobs, clock, time, experimentId, start } = await startedExperiment(
      t,
      open,
    );
    const { runs, logging, artifacts } = tracking;
    const alive = new Set<string>();
    const watch = new RunWatch(
      { db, journal, blobs, clock },
      {
        lostAfterMs: 15 * minuteMs,
        isStepRunning: async (id) => alive.has(id),
        log: createLogger('test', 'silent'),
      },
    );
    const silent = await start({ name: 'silent' });
    const busy = await start({ name: 'busy' });
    const done = await start({ name: 'done' });
    const ofStep = await start({ name: 'of a step' }, { kind: 'job', id: 'step-1' });
    alive.add('step-1');
    await runs.update(tester, done.id, { status: 'FINISHED', endTimeMs: time.nowMs });
    const statusOf = async (id: string) => (await runs.get(tester, id)).status;
    const found = async (filter: string, grammar: 'mlflow' | 'millrace') => {
      const page = await runs.search(tester, { experimentIds: [experimentId], filter, grammar, limit: 10 });
      return page.items.map((run) => run.name).sort();
    };

    time.nowMs += 14 * minuteMs;
    await logging.metric(tester, busy.id, { key: 'loss', value: 1, step: 0, timeMs: time.nowMs });
    time.nowMs += 1 * minuteMs;
    assert.equal(await watch.look(), 0, 'exactly as long as allowed');
    time.nowMs += 1;
    assert.equal(await watch.look(), 1);
    assert.equal(await watch.look(), 0, 'told once');
    assert.deepEqual(
      [
        await statusOf(silent.id),
        await statusOf(busy.id),
        await statusOf(done.id),
        await statusOf(ofStep.id),
      ],
      ['LOST', 'RUNNING', 'FINISHED', 'RUNNING'],
    );
    assert.deepEqual(await found("status = 'LOST'", 'millrace'), ['silent']);
    assert.deepEqual(await found("status = 'FAILED'", 'millrace'), []);
    assert.deepEqual(await found("status = 'FAILED'", 'mlflow'), ['silent']);
    assert.deepEqual(await found("status != 'FAILED'", 'mlflow'), ['busy', 'done', 'of a step']);
    assert.deepEqual(await found("status = 'LOST'", 'mlflow'), []);
    const events = (await journal.eventsAfter(0, 1000)).filter((event) => event.type === 'run.lost');
    assert.deepEqual(
      events.map((event) => event.subject.id),
      [silent.id],
    );

    await logging.metric(tester, silent.id, { key: 'loss', value: 1, step: 0, timeMs: time.nowMs });
    assert.equal(await statusOf(silent.id), 'RUNNING');
    // A step that has ended leaves its run to silence.
    alive.clear();
    time.nowMs += 16 * minuteMs;
    assert.equal(await watch.look(), 3);
    // Whatever belongs to a run is a sign of its life.
    await artifacts.put(tester, `${experimentId}/${busy.id}/artifacts/model/a.txt`, Buffer.from('x'));
    await runs.update(tester, silent.id, { name: 'renamed' });
    assert.deepEqual([await statusOf(busy.id), await statusOf(silent.id)], ['RUNNING', 'RUNNING']);
    await runs.update(tester, ofStep.id, { status: 'FAILED' });
    assert.equal(await statusOf(ofStep.id), 'FAILED');
  });

  test(`${name}: time in which the server was away does not count`, async (t) => {
    const { tracking, journal, db, blobs, clock, time, start } = await startedExperiment(t, open);
    const run = await start();
    time.nowMs += 60 * minuteMs;
    const options = {
      lostAfterMs: 15 * minuteMs,
      isStepRunning: async () => false,
      log: createLogger('test', 'silent'),
    };
    const watch = new RunWatch({ db, journal, blobs, clock }, options);
    assert.equal(await watch.look(), 0);
    time.nowMs += 15 * minuteMs;
    assert.equal(await watch.look(), 1);
    assert.equal((await tracking.runs.get(tester, run.id)).status, 'LOST');
    const never = new RunWatch({ db, journal, blobs, clock }, { ...options, lostAfterMs: 0 });
    time.nowMs += 1000 * minuteMs;
    assert.equal(await never.look(), 0);
  });
});
