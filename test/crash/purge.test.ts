import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StepRun } from '../../src/lifecycle/pipelines/contract.ts';
import { dataDirectory } from '../../src/platform/config/index.ts';
import { startServer } from '../support/server.ts';

const runs = 240;
const kills = 3;

test('a purge that is killed again and again leaves nothing without its owner, and takes all in the end', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-purge-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const server = await startServer(t, { role: 'control', dataDirectory: root });
  const send = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const headers = { 'content-type': 'application/json' };
    const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
    const answer = await fetch(server.url + path, init);
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  };
  const mlflow = <T>(path: string, body: unknown) => send<T>('POST', `/api/2.0/mlflow/${path}`, body);

  const { experiment_id: experimentId } = await mlflow<{ experiment_id: string }>('experiments/create', {
    name: 'purged',
  });
  const fill = async (depth: number): Promise<string> => {
    const { run } = await mlflow<{ run: { info: { run_id: string } } }>('runs/create', {
      experiment_id: experimentId,
    });
    const { run_id: id } = run.info;
    const metrics = Array.from({ length: 50 }, (_, step) => ({
      key: 'loss',
      value: step,
      step,
      timestamp: step,
    }));
    await mlflow('runs/log-batch', { run_id: id, metrics, params: [{ key: 'depth', value: String(depth) }] });
    const artifact = `/api/2.0/mlflow-artifacts/artifacts/${experimentId}/${id}/artifacts/a.txt`;
    assert.ok((await fetch(server.url + artifact, { method: 'PUT', body: id })).ok);
    return id;
  };
  const stays = await fill(1);
  for (let i = 0; i < runs; i += 20) await Promise.all(Array.from({ length: 20 }, () => fill(2)));
  const { deleted } = await send<{ deleted: number }>('POST', '/api/v1/runs/delete', {
    experimentId,
    filter: "params.depth = '2'",
  });
  assert.equal(deleted, runs);

  const purge = () => send<{ stepRunId: string }>('POST', '/api/v1/purges', { olderThan: '0' });
  const path = dataDirectory(root).database;
  const left = (): number => {
    const db = new DatabaseSync(path, { readOnly: true });
    const row = db.prepare("SELECT count(*) AS n FROM runs WHERE lifecycle_stage = 'deleted'").get();
    db.close();
    return Number(row?.n);
  };
  for (let round = 0; round < kills; round++) {
    const atLeast = left();
    await purge();
    while (left() > atLeast - 5) await sleep(2);
    await server.kill();
    const remaining = left();
    assert.ok(remaining > 0, 'killed before it was over');
    assert.deepEqual(orphans(path), []);
    await server.start();
  }
  const { stepRunId } = await purge();
  let step: StepRun;
  do {
    await sleep(50);
    step = await send<StepRun>('GET', `/api/v1/step-runs/${stepRunId}`);
  } while (step.status === 'queued' || step.status === 'running');
  assert.equal(step.status, 'succeeded', JSON.stringify(step.error));
  assert.equal(left(), 0);
  assert.deepEqual(orphans(path), []);
  const artifact = `/api/2.0/mlflow-artifacts/artifacts/${experimentId}/${stays}/artifacts/a.txt`;
  assert.equal(await (await fetch(server.url + artifact)).text(), stays);
});

/** Tables with rows whose run, series or experiment is not there. */
function orphans(path: string): readonly string[] {
  const db = new DatabaseSync(path, { readOnly: true });
  const ofRuns = ['run_params', 'run_tags', 'run_datasets', 'run_models', 'metric_series', 'metric_tail'];
  const counts = [
    ...ofRuns.map((table) => [
      table,
      `SELECT count(*) AS n FROM ${table} WHERE run_seq NOT IN (SELECT seq FROM runs)`,
    ]),
    [
      'metric_points',
      'SELECT count(*) AS n FROM metric_points WHERE series_id NOT IN (SELECT id FROM metric_series)',
    ],
    [
      'experiments_trash',
      "SELECT count(*) AS n FROM experiments_trash WHERE kind = 'run' AND id NOT IN (SELECT id FROM runs)",
    ],
    [
      'artifacts',
      "SELECT count(*) AS n FROM artifacts a WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE a.path LIKE '%/' || r.id || '/%')",
    ],
    ['integrity', "SELECT count(*) AS n FROM pragma_integrity_check WHERE integrity_check <> 'ok'"],
  ];
  const found = counts.filter(([, query]) => Number(db.prepare(query ?? '').get()?.n) > 0);
  db.close();
  return found.map(([table]) => table ?? '');
}
