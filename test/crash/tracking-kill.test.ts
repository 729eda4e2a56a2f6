import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRng } from '../../src/core/rng.ts';
import { startServer } from '../support/server.ts';
import { type Answered, readRun, TrackingWriter } from './tracking/tracking-writer.ts';

const rounds = Number(process.env.MILLRACE_CRASH_ROUNDS ?? 5);
const writers = 20;

test(`kill -9 of control under tracking load, ${rounds} rounds: what was acknowledged is there`, async (t) => {
  const server = await startServer(t, { role: 'control' });
  const rng = createRng(11);
  const experiment = await fetch(`${server.url}/api/2.0/mlflow/experiments/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'crash' }),
  });
  const { experiment_id: experimentId } = (await experiment.json()) as { experiment_id: string };
  const answered: Answered = { runs: new Map(), requests: 0 };

  for (let round = 0; round < rounds; round++) {
    if (round > 0) await server.start();
    // All write to one run, and each to runs of its own.
    const shared = await new TrackingWriter(server.url, experimentId, answered, round * 100).createRun();
    const all = Array.from(
      { length: writers },
      (_, i) => new TrackingWriter(server.url, experimentId, answered, round * 100 + i),
    );
    const load = Promise.all(all.map((writer) => writer.run(shared)));
    const enough = answered.requests + 100 + rng.int(300);
    while (answered.requests < enough) await sleep(1);
    await server.kill();
    for (const writer of all) writer.stop();
    await load;
  }

  await server.start();
  let points = 0;
  const lost: string[] = [];
  for (const [runId, wanted] of answered.runs) {
    const run = await readRun(server.url, runId, [...wanted.points.keys()]);
    if (!run) {
      lost.push(`run ${runId}`);
      continue;
    }
    for (const [key, value] of wanted.params) if (run.params.get(key) !== value) lost.push(`param ${key}`);
    for (const [key, value] of wanted.tags) if (run.tags.get(key) !== value) lost.push(`tag ${key}`);
    for (const [key, ofKey] of wanted.points) {
      const there = run.points.get(key) ?? new Set();
      for (const point of ofKey) if (!there.has(point)) lost.push(`point ${key} ${point}`);
      points += ofKey.size;
    }
    // The summaries tell of the same points as the histories, whatever was cut off.
    assert.deepEqual(run.summaries, run.expectedSummaries, `summaries of ${runId}`);
  }
  t.diagnostic(`${answered.requests} requests acknowledged, ${answered.runs.size} runs, ${points} points`);
  assert.deepEqual(lost, []);
  assert.ok(points > rounds * 100);

  await server.stop();
  const database = new DatabaseSync(join(server.dataDirectory, 'millrace.db'), { readOnly: true });
  const check = database.prepare('PRAGMA integrity_check').all();
  database.close();
  assert.deepEqual(
    check.map((row) => ({ ...row })),
    [{ integrity_check: 'ok' }],
  );
});
