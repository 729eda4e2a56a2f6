import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { systemActor } from '../../platform/access/index.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import type { Database } from '../../platform/db/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { Attempts } from '../../platform/executors/local/index.ts';
import { Frames } from '../../platform/frames/index.ts';
import { Jobs, jobsMigrations } from '../../platform/jobs/index.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { defineStepKind, type StepContext, type StepKind } from '../../platform/registries/index.ts';
import type { StepRun } from './contract.ts';
import type { JobQueue } from './job-queue.ts';
import { pipelinesMigrations } from './migrations.ts';
import { StepRunner } from './runner.ts';
import { Pipelines } from './service.ts';

const migrations = [...journalMigrations, ...jobsMigrations, ...pipelinesMigrations];

/** A step kind that does what the test says. */
function kindOf(run: (n: number, context: StepContext) => Promise<{ n: number }>): StepKind {
  const inputs = z.strictObject({ n: z.number() });
  const outputs = z.strictObject({ n: z.number() });
  return defineStepKind({ kind: 'probe', place: 'control', inputs, outputs, run: (i, c) => run(i.n, c) });
}

async function setUp(
  t: TestContext,
  db: Database,
  kind: StepKind,
  queueOf: (jobs: Jobs, runner: () => StepRunner) => JobQueue = (jobs) => jobs,
) {
  const root = await mkdtemp(join(tmpdir(), 'millrace-pipelines-'));
  const journal = new Journal(db);
  const jobs = new Jobs(db);
  const pipelines = new Pipelines({ db, journal, jobs, kinds: [kind] });
  const frames = new Frames({ temporaryDirectory: root, memoryLimit: '256MB', threads: 1 });
  const runner: StepRunner = new StepRunner({
    queue: queueOf(jobs, () => runner),
    kinds: [kind],
    worker: 'test/1',
    attempts: new Attempts(join(root, 'attempts')),
    blobs: await openDirectoryBlobs(join(root, 'blobs')),
    frames,
    controlUrl: 'http://127.0.0.1:1',
    slots: 1,
    log: createLogger('test', 'silent'),
  });
  await runner.start();
  t.after(async () => {
    await runner.stop();
    await frames.close();
    await rm(root, { recursive: true, force: true });
  });
  const ended = async (id: string): Promise<StepRun> => {
    for (;;) {
      const run = await pipelines.get(systemActor, id);
      if (run.finishedAt !== null) return run;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const start = (inputs: unknown, timeoutMs?: number) =>
    db.write((tx) =>
      pipelines.start(tx, { kind: 'probe', inputs, subject: 'probe/1', ...(timeoutMs ? { timeoutMs } : {}) }),
    );
  return { journal, jobs, pipelines, runner, ended, start };
}

forEachDatabase((name, open) => {
  test(`${name}: other outputs take the place of a step's, and a step that has ended is removed whole`, async (t) => {
    const db = await open(t, migrations);
    const { pipelines, jobs, ended, start } = await setUp(
      t,
      db,
      kindOf(async (n, { log }) => {
        log('at work');
        return { n };
      }),
    );
    const id = await start({ n: 1 });
    await ended(id);
    await db.write((tx) => pipelines.putOutputs(tx, id, { n: 2 }));
    assert.deepEqual((await pipelines.get(systemActor, id)).outputs, { n: 2 });
    assert.deepEqual((await jobs.get(id)).result, { n: 2 });
    await db.write((tx) => pipelines.removeIn(tx, id));
    await assert.rejects(pipelines.get(systemActor, id), { code: 'not_found' });
    assert.deepEqual(await jobs.logs(id, 0, 10), []);
  });

  test(`${name}: a step's outputs, log and end are recorded`, async (t) => {
    const db = await open(t, migrations);
    const kind = kindOf(async (n, context) => {
      context.log('working', 'stdout');
      return { n: n + 1 };
    });
    const { pipelines, journal, start, ended } = await setUp(t, db, kind);
    const id = await start({ n: 1 });
    const run = await ended(id);
    assert.equal(run.status, 'succeeded');
    assert.deepEqual(run.outputs, { n: 2 });
    assert.equal(run.attempts, 1);
    const lines = [];
    for await (const line of pipelines.followLogs(systemActor, id, 0, AbortSignal.timeout(60_000)))
      lines.push(line);
    assert.deepEqual(
      lines.map((line) => [line.stream, line.text]),
      [['stdout', 'working']],
    );
    const events = await journal.eventsAfter(0, 10);
    assert.deepEqual(
      events.map((event) => [event.type, event.data.status]),
      [
        ['step.queued', 'queued'],
        ['step.finished', 'succeeded'],
      ],
    );
  });

  test(`${name}: nothing is run when the transaction that started it is rolled back`, async (t) => {
    const db = await open(t, migrations);
    const ran: number[] = [];
    const { pipelines, start, ended } = await setUp(
      t,
      db,
      kindOf(async (n) => {
        ran.push(n);
        return { n };
      }),
    );
    await assert.rejects(
      db.write(async (tx) => {
        await pipelines.start(tx, { kind: 'probe', inputs: { n: 1 }, subject: 'x' });
        throw new Error('no');
      }),
    );
    assert.deepEqual(await pipelines.list(systemActor, { limit: 10 }), []);
    // Steps run in the order in which they were started: this one would come behind it.
    await ended(await start({ n: 2 }));
    assert.deepEqual(ran, [2]);
  });

  test(`${name}: a fault of the step ends it; one that passes is tried again`, async (t) => {
    const db = await open(t, migrations);
    const kind = kindOf(async (n, context) => {
      if (n === 0) throw fail('train_command_invalid', { problem: 'empty' });
      if (context.attempt === 1) throw new Error('a passing fault');
      return { n };
    });
    const { start, ended } = await setUp(t, db, kind);
    const refused = await ended(await start({ n: 0 }));
    assert.equal(refused.status, 'failed');
    assert.equal(refused.attempts, 1);
    assert.equal(refused.error?.code, 'train_command_invalid');
    const again = await ended(await start({ n: 1 }));
    assert.equal(again.status, 'succeeded');
    assert.equal(again.attempts, 2);
  });

  test(`${name}: wrong outputs fail the step instead of being recorded`, async (t) => {
    const db = await open(t, migrations);
    const kind = kindOf(async () => ({ n: 'three' }) as unknown as { n: number });
    const { start, ended } = await setUp(t, db, kind);
    const run = await ended(await start({ n: 0 }));
    assert.equal(run.status, 'failed');
    assert.equal(run.error?.code, 'step_output_invalid');
    assert.equal(run.outputs, null);
  });

  test(`${name}: a step that hangs is stopped at its time limit`, async (t) => {
    const db = await open(t, migrations);
    const kind = kindOf(
      (n, context) =>
        new Promise((_, reject) => {
          context.signal.addEventListener('abort', () => reject(new Error(`stopped at ${n}`)));
        }),
    );
    const { start, ended } = await setUp(t, db, kind);
    const run = await ended(await start({ n: 0 }, 50));
    assert.equal(run.status, 'failed');
    assert.equal(run.error?.code, 'step_timed_out');
  });

  test(`${name}: a step that control runs is told at once that it is cancelled`, async (t) => {
    // No heartbeat tells it.
    t.mock.timers.enable({ apis: ['setInterval'] });
    const db = await open(t, migrations);
    const running = Promise.withResolvers<void>();
    const kind = kindOf((_, { signal }) => {
      running.resolve();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    });
    const { pipelines, start, ended } = await setUp(t, db, kind);
    const id = await start({ n: 1 });
    await running.promise;
    await pipelines.cancel({ kind: 'user', id: 'anna' }, id, 'not needed');
    assert.equal((await ended(id)).status, 'cancelled');
  });

  test(`${name}: a step that is leased while its runner is told to stop is not begun`, async (t) => {
    const db = await open(t, migrations);
    const ran: number[] = [];
    const kind = kindOf(async (n) => {
      ran.push(n);
      return { n };
    });
    const stopped = Promise.withResolvers<Promise<void>>();
    const { start } = await setUp(t, db, kind, (jobs, runner) => {
      const lease = jobs.lease.bind(jobs);
      return Object.assign(jobs, {
        async lease(...asked: Parameters<Jobs['lease']>) {
          const job = await lease(...asked);
          if (job) stopped.resolve(runner().stop());
          return job;
        },
      });
    });
    await start({ n: 1 });
    await stopped.promise;
    assert.deepEqual(ran, []);
  });

  test(`${name}: lines of a step that ends while its log cannot be written are written with its end`, async (t) => {
    const db = await open(t, migrations);
    const kind = kindOf(async (n, context) => {
      context.log('the last word', 'stderr');
      return { n };
    });
    const { jobs, runner, start, ended } = await setUp(t, db, kind, (jobs) => {
      const { appendLogs, complete } = jobs;
      let isAway = true;
      return Object.assign(jobs, {
        async appendLogs(...given: Parameters<Jobs['appendLogs']>) {
          if (isAway) throw new Error('control is away');
          await appendLogs.apply(jobs, given);
        },
        async complete(...given: Parameters<Jobs['complete']>) {
          isAway = false;
          await complete.apply(jobs, given);
        },
      });
    });
    const id = await start({ n: 1 });
    await ended(id);
    await runner.stop();
    const lines = await jobs.logs(id, 0, 10);
    assert.deepEqual(
      lines.map(({ line }) => line),
      ['the last word'],
    );
  });

  test(`${name}: a step that waits is cancelled at once, with an audit entry`, async (t) => {
    const db = await open(t, migrations);
    const kind = kindOf(async (n) => ({ n }));
    const { runner, pipelines, journal, start } = await setUp(t, db, kind);
    await runner.stop();
    const id = await start({ n: 1 });
    const run = await pipelines.cancel({ kind: 'user', id: 'anna' }, id, 'not needed');
    assert.equal(run.status, 'cancelled');
    const [entry] = await journal.auditEntries({ limit: 1 });
    assert.equal(entry?.action, 'step-run:cancel');
    assert.equal(entry?.reason, 'not needed');
  });
});
