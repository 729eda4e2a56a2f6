import assert from 'node:assert/strict';
import { utimes } from 'node:fs/promises';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { Database } from '../../platform/db/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { createLogger } from '../../platform/log/index.ts';
import type { PurgeInputs } from './contract/life.ts';
import { type KeptThings, Purger } from './service/purger.ts';
import { Purges } from './service/purges.ts';
import { refused, startedExperiment, tester } from './testing.ts';
import { incomingSpan } from './traces/testing.ts';

const dayMs = 86_400_000;
const nothingKept: KeptThings = { runIds: new Set(), modelIds: new Set(), artifactUris: [] };

/** Rows in the tables that belong to runs, models, traces and experiments. */
async function rowCounts(db: Database): Promise<Readonly<Record<string, number>>> {
  const tables = [
    ...['experiments', 'experiment_tags', 'runs', 'run_params', 'run_tags', 'run_datasets', 'run_models'],
    ...['metric_series', 'metric_points', 'metric_tail', 'logged_models', 'logged_model_tags', 'artifacts'],
    ...['traces', 'trace_spans', 'trace_runs', 'experiments_trash', 'input_datasets', 'run_columns'],
  ];
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM ${sql.table(table)}`.execute(db.read);
    counts[table] = Number(rows[0]?.n);
  }
  return counts;
}

forEachDatabase((name, open) => {
  test(`${name}: deleting by our own API frees the name, by MLflow's it stays taken`, async (t) => {
    const { tracking, experimentId, start } = await startedExperiment(t, open);
    const { experiments, runs, trash } = tracking;
    const run = await start();
    await experiments.delete(tester, experimentId);
    await assert.rejects(
      experiments.create(tester, { name: 'flights', tags: [] }),
      refused('experiment_exists', /already exists/),
    );
    await experiments.restore(tester, experimentId);
    assert.equal((await runs.get(tester, run.id)).lifecycleStage, 'active');

    await experiments.discard(tester, experimentId);
    const second = await experiments.create(tester, { name: 'flights', tags: [] });
    assert.notEqual(second, experimentId);
    assert.equal((await experiments.getByName(tester, 'flights')).id, second);
    assert.match((await experiments.get(tester, experimentId)).name, /^flights \(deleted/);
    const listed = await trash.list(tester, { limit: 10 });
    assert.deepEqual(
      listed.items.map((row) => [row.kind, row.id, row.name, row.deleted_by]),
      [['experiment', experimentId, 'flights', 'user:tester']],
    );
    await assert.rejects(
      experiments.restore(tester, experimentId),
      refused('experiment_name_taken', /flights/),
    );
    assert.equal((await experiments.get(tester, experimentId)).lifecycleStage, 'deleted');
    await experiments.restore(tester, experimentId, 'flights of before');
    const back = await experiments.get(tester, experimentId);
    assert.deepEqual([back.name, back.lifecycleStage], ['flights of before', 'active']);
    assert.equal((await runs.get(tester, run.id)).lifecycleStage, 'active');
    await experiments.discard(tester, experimentId);
    await experiments.restore(tester, experimentId);
    assert.equal((await experiments.get(tester, experimentId)).name, 'flights of before');
    assert.equal((await trash.list(tester, { limit: 10 })).items.length, 0);
  });

  test(`${name}: the runs that a filter finds are deleted together, and listed page by page`, async (t) => {
    const { tracking, time, journal, experimentId, start } = await startedExperiment(t, open);
    const { runs, logging, trash } = tracking;
    const made = [];
    for (let i = 0; i < 5; i++) {
      const run = await start({ name: `run ${i}` });
      await logging.param(tester, run.id, { key: 'depth', value: String(i) });
      made.push(run);
    }
    assert.equal(
      await runs.deleteWhere(tester, experimentId, "params.depth in ('1', '3') or name = 'run 4'"),
      3,
    );
    assert.equal(await runs.deleteWhere(tester, experimentId, "params.depth = '3'"), 0);
    await assert.rejects(runs.deleteWhere(tester, experimentId, 'nonsense'), refused('filter_invalid'));
    time.nowMs += 5;
    await runs.delete(tester, made[0]?.id ?? '');
    const [entry] = await journal.auditEntries({ action: 'run:delete-many', limit: 5 });
    assert.match(JSON.stringify(entry?.after), /"runs":3/);
    const first = await trash.list(tester, { limit: 2 });
    assert.equal(first.items[0]?.id, made[0]?.id);
    const second = await trash.list(tester, { limit: 2, after: first.next ?? '' });
    assert.deepEqual([second.items.length, second.next], [2, null]);
    await runs.restore(tester, made[1]?.id ?? '');
    const left = await runs.search(tester, { experimentIds: [experimentId], limit: 10 });
    assert.deepEqual(left.items.map((run) => run.name).sort(), ['run 1', 'run 2']);
  });

  test(`${name}: a deleted logged model is brought back, and the audit trail has both`, async (t) => {
    const { tracking, journal, experimentId } = await startedExperiment(t, open);
    const { models, trash } = tracking;
    const input = { experimentId, modelType: '', sourceRunId: '', params: [], tags: [] };
    const { id } = await models.create(tester, input);
    await models.delete(tester, id);
    await models.delete(tester, id);
    await assert.rejects(models.get(tester, id), refused('logged_model_unknown'));
    assert.deepEqual(
      (await trash.list(tester, { limit: 10 })).items.map((row) => row.id),
      [id],
    );
    await models.restore(tester, id);
    await models.restore(tester, id);
    assert.equal((await models.get(tester, id)).id, id);
    assert.deepEqual((await trash.list(tester, { limit: 10 })).items, []);
    const entries = await journal.auditEntries({ subjectId: id, limit: 10 });
    assert.deepEqual(
      entries.map(({ action }) => action),
      ['logged-model:restore', 'logged-model:delete'],
    );
    await assert.rejects(models.restore(tester, 'm-none'), refused('logged_model_unknown'));
  });

  test(`${name}: a purge takes what was deleted long enough ago, and nothing that others need`, async (t) => {
    const opened = await startedExperiment(t, open);
    const { tracking, db, journal, blobs, clock, time, experimentId, start } = opened;
    const { runs, logging, models, artifacts, experiments, traces } = tracking;
    const before = await rowCounts(db);
    const kept = { ...nothingKept, runIds: new Set<string>() };
    const purger = new Purger({ db, journal, blobs, clock }, async () => kept);
    const lines: string[] = [];
    const context = { log: (line: string) => lines.push(line), signal: new AbortController().signal };
    const purge = (change: Partial<PurgeInputs> = {}) =>
      purger.purge({ dryRun: false, olderThanMs: 7 * dayMs, experimentIds: null, ...change }, context);
    const fill = async (experiment: string, what: string) => {
      const run = await start({ experimentId: experiment, name: what, tags: [{ key: 'a', value: 'b' }] });
      await logging.batch(tester, run.id, {
        metrics: [0, 1, 2].map((step) => ({ key: 'loss', value: step, step, timeMs: step })),
        params: [{ key: 'p', value: '1' }],
        tags: [],
      });
      const dataset = { name: 'd', digest: 'x', sourceType: 's', source: '', schema: null, profile: null };
      await logging.inputs(tester, run.id, { datasets: [{ dataset, tags: [] }], modelIds: [] });
      const model = await models.create(tester, {
        experimentId: experiment,
        name: what,
        modelType: '',
        sourceRunId: run.id,
        params: [],
        tags: [{ key: 'm', value: '1' }],
      });
      await logging.outputs(tester, run.id, [{ modelId: model.id, step: 0 }]);
      const own = artifacts.pathIn(run.artifactUri, 'own.txt');
      await artifacts.put(tester, own, Buffer.from(`only ${what}`));
      await artifacts.put(
        tester,
        artifacts.pathIn(run.artifactUri, 'deep/shared.txt'),
        Buffer.from('shared'),
      );
      await artifacts.put(
        tester,
        artifacts.pathIn(model.artifactUri, 'MLmodel'),
        Buffer.from(`model ${what}`),
      );
      return { run, model, digest: (await artifacts.find(tester, own)).digest };
    };
    const first = await fill(experimentId, 'one');
    const stays = await fill(experimentId, 'two');
    const wanted = await fill(experimentId, 'wanted');
    const other = await experiments.create(tester, { name: 'other', tags: [{ key: 'x', value: 'y' }] });
    await fill(other, 'three');
    await traces.logSpans(tester, other, [incomingSpan('a', '1')]);
    const full = await rowCounts(db);
    for await (const blob of blobs.list()) {
      const longAgo = new Date(time.nowMs - 10 * dayMs);
      await utimes(await blobs.path(blob.digest), longAgo, longAgo);
    }

    await runs.delete(tester, first.run.id);
    await runs.delete(tester, wanted.run.id);
    await models.delete(tester, first.model.id);
    await experiments.discard(tester, other);
    kept.runIds.add(wanted.run.id);
    time.nowMs += 6 * dayMs;
    assert.deepEqual(await purge(), { ...zero, kept: 0 });
    time.nowMs += 1 * dayMs;
    const dry = await purge({ dryRun: true });
    assert.deepEqual(
      [dry.experiments, dry.runs, dry.loggedModels, dry.traces, dry.files, dry.kept],
      [1, 2, 2, 1, 6, 1],
    );
    assert.equal(dry.blobs, 0, 'all are still referred to');
    assert.deepEqual((await rowCounts(db)).runs, full.runs);

    const done = await purge();
    assert.deepEqual(
      [done.experiments, done.runs, done.loggedModels, done.traces, done.files, done.kept],
      [1, 2, 2, 1, 6, 1],
    );
    assert.equal(done.blobs, 4, 'own file and model of each of the two');
    assert.equal(await blobs.info(first.digest as never), undefined);
    assert.ok(await blobs.info(stays.digest as never));
    assert.ok(await blobs.info(wanted.digest as never));
    await assert.rejects(runs.get(tester, first.run.id), refused('run_unknown'));
    await assert.rejects(experiments.get(tester, other), refused('experiment_unknown'));
    assert.equal((await runs.get(tester, stays.run.id)).metrics[0]?.count, 3);
    await runs.restore(tester, wanted.run.id);
    const [entry] = await journal.auditEntries({ action: 'trash:purge', limit: 1 });
    assert.match(JSON.stringify(entry?.after), /"runs":2/);
    assert.match(lines.join('\n'), /1 experiments, 2 runs, 2 logged models, 1 traces, 6 files; 1 kept/);

    // Everything goes in the end, and no row is left behind.
    await experiments.discard(tester, experimentId);
    kept.runIds.clear();
    const last = await purge({ olderThanMs: 0, experimentIds: [Number(experimentId)] });
    assert.deepEqual([last.experiments, last.runs, last.loggedModels], [1, 2, 2]);
    assert.deepEqual(await rowCounts(db), { ...before, experiments: 1, experiments_trash: 0 });
    const left = [];
    for await (const blob of blobs.list()) left.push(blob.digest);
    assert.deepEqual(left, []);
  });

  test(`${name}: a purge that is cut off goes on the next time, and cannot be undone`, async (t) => {
    const { tracking, db, journal, blobs, clock, start } = await startedExperiment(t, open);
    const { runs, logging } = tracking;
    const run = await start();
    await logging.metric(tester, run.id, { key: 'loss', value: 1, step: 0, timeMs: 1 });
    await runs.delete(tester, run.id);
    const stop = new AbortController();
    const cutOff = { ...blobs };
    const purger = new Purger({ db, journal, blobs: cutOff, clock }, async () => {
      stop.abort(new Error('cut off'));
      return nothingKept;
    });
    const inputs = { dryRun: false, olderThanMs: 0, experimentIds: null };
    await assert.rejects(purger.purge(inputs, { log: () => {}, signal: stop.signal }), /cut off/);
    assert.equal((await runs.get(tester, run.id)).lifecycleStage, 'deleted');
    await db.write((tx) => sql`UPDATE experiments_trash SET is_purging = 1`.execute(tx));
    await assert.rejects(runs.restore(tester, run.id), refused('purge_begun'));
    const again = new Purger({ db, journal, blobs, clock }, async () => nothingKept);
    const done = await again.purge(inputs, { log: () => {}, signal: new AbortController().signal });
    assert.equal(done.runs, 1);
    await assert.rejects(runs.get(tester, run.id), refused('run_unknown'));
  });

  test(`${name}: what is brought back while a purge is under way stays`, async (t) => {
    const { tracking, db, journal, blobs, clock, start } = await startedExperiment(t, open);
    const { runs, logging, experiments, traces } = tracking;
    const made = [];
    for (const what of ['first', 'second']) {
      const run = await start({ name: what });
      await logging.metric(tester, run.id, { key: 'loss', value: 1, step: 0, timeMs: 1 });
      await runs.delete(tester, run.id);
      const other = await experiments.create(tester, { name: what, tags: [] });
      await traces.logSpans(tester, other, [incomingSpan(what, '1')]);
      await experiments.discard(tester, other);
      made.push({ run: run.id, experiment: other });
    }
    const [first, second] = made;
    assert.ok(first && second);
    // Behind the list of what is due, and before the second of each is worked on.
    const back = new Map([
      [first.run, () => runs.restore(tester, second.run)],
      [first.experiment, () => experiments.restore(tester, second.experiment)],
    ]);
    const write: Database['write'] = async (change) => {
      const done = await db.write(change);
      for (const [id, restore] of back) {
        const { rows } = await sql`SELECT 1 FROM experiments_trash WHERE id = ${id}`.execute(db.read);
        if (rows.length === 0 && back.delete(id)) await restore();
      }
      return done;
    };
    const watched: Database = Object.assign(Object.create(db) as Database, { write });
    const purger = new Purger({ db: watched, journal, blobs, clock }, async () => nothingKept);
    const inputs = { dryRun: false, olderThanMs: 0, experimentIds: null };
    const done = await purger.purge(inputs, { log: () => {}, signal: new AbortController().signal });
    assert.deepEqual([done.runs, done.experiments, done.traces], [1, 1, 1]);
    assert.equal((await runs.get(tester, second.run)).metrics[0]?.count, 1);
    assert.equal((await experiments.get(tester, second.experiment)).name, 'second');
  });

  test(`${name}: of an experiment that is brought back amid its purge no run comes back in part`, async (t) => {
    const { tracking, db, journal, blobs, clock, start } = await startedExperiment(t, open);
    const { runs, logging, experiments, trash } = tracking;
    const experiment = await experiments.create(tester, { name: 'tides', tags: [] });
    const made = [];
    for (const what of ['first', 'second', 'third']) {
      const run = await start({ experimentId: experiment, name: what });
      await logging.metric(tester, run.id, { key: 'loss', value: 1, step: 0, timeMs: 1 });
      made.push(run.id);
    }
    const [first, second, third] = made;
    assert.ok(first && second && third);
    await runs.delete(tester, third);
    await experiments.discard(tester, experiment);
    // As soon as there is no way back for the first run.
    let isBack = false;
    const write: Database['write'] = async (change) => {
      const done = await db.write(change);
      const { rows } = await sql`SELECT 1 FROM experiments_trash WHERE is_purging = 1`.execute(db.read);
      if (rows.length > 0 && !isBack) {
        isBack = true;
        await experiments.restore(tester, experiment);
      }
      return done;
    };
    const watched: Database = Object.assign(Object.create(db) as Database, { write });
    const purger = new Purger({ db: watched, journal, blobs, clock }, async () => nothingKept);
    const inputs = { dryRun: false, olderThanMs: 0, experimentIds: null };
    const done = await purger.purge(inputs, { log: () => {}, signal: new AbortController().signal });
    assert.deepEqual([done.runs, done.experiments], [1, 0]);
    await assert.rejects(runs.get(tester, first), refused('run_unknown'));
    for (const id of [second, third]) {
      const run = await runs.get(tester, id);
      assert.deepEqual([run.lifecycleStage, run.metrics[0]?.count], ['active', 1]);
    }
    assert.deepEqual((await trash.list(tester, { limit: 10 })).items, []);
  });

  test(`${name}: a purge is started once a day when something is due, and when somebody asks`, async (t) => {
    const { tracking, db, journal, blobs, clock, time, start } = await startedExperiment(t, open);
    const started: (string | undefined)[] = [];
    const asked: PurgeInputs[] = [];
    const purges = new Purges(
      { db, journal, blobs, clock },
      {
        purgeAfterMs: 30 * dayMs,
        log: createLogger('test', 'silent'),
        start: async (_tx, inputs, key) => {
          started.push(key);
          asked.push(inputs);
          return 'step';
        },
      },
    );
    await purges.tick();
    const run = await start();
    await tracking.runs.delete(tester, run.id);
    time.nowMs += 29 * dayMs;
    await purges.tick();
    assert.deepEqual(started, []);
    time.nowMs += 1 * dayMs;
    await purges.tick();
    assert.deepEqual(started, [`purge/${Math.floor(time.nowMs / dayMs)}`]);
    await purges.ask(tester, { dryRun: true, olderThan: '7d', experimentIds: ['3'] });
    assert.deepEqual(asked[1], { dryRun: true, olderThanMs: 7 * dayMs, experimentIds: [3] });
    await assert.rejects(
      purges.ask(tester, { dryRun: true, olderThan: 'soon' }),
      refused('invalid_duration'),
    );
  });
});

const zero = {
  experiments: 0,
  runs: 0,
  loggedModels: 0,
  traces: 0,
  files: 0,
  fileBytes: 0,
  blobs: 0,
  blobBytes: 0,
};
