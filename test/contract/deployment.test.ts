import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { sqlLiteral } from '../../src/platform/frames/index.ts';
import { logisticOnnx } from '../../src/platform/onnx/testing.ts';
import { localFrames } from '../../src/platform/segments/testing.ts';
import { startServer, type TestServer } from '../support/server.ts';

const run = promisify(execFile);
const script = join(import.meta.dirname, 'faults/train.ts');
const main = join(import.meta.dirname, '../../src/main.ts');
const node = [process.execPath, '--disable-warning=ExperimentalWarning'] as const;

let server: TestServer;
let folder: string;
const cleanups: (() => void | Promise<void>)[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-deployment-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  server = await startServer({ after: (fn) => void cleanups.push(fn) });
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

const cli = (...args: string[]) =>
  run(node[0], [node[1], main, ...args], { env: { ...process.env, MILLRACE_URL: server.url } });

test('serving alone: what a script registered answers at an endpoint, without a loop', async () => {
  const train = async (experiment: string, onnx: Uint8Array, variables = {}) => {
    await writeFile(join(folder, 'model.onnx'), onnx);
    const tracking = { MLFLOW_TRACKING_URI: server.url, MLFLOW_TRACKING_TOKEN: '' };
    await run(node[0], [node[1], script, 'x1:double', 'x2:double'], {
      cwd: folder,
      env: { ...process.env, ...tracking, ...variables, MLFLOW_EXPERIMENT_NAME: experiment },
    });
  };
  await train('churn', logisticOnnx());
  await train('churn again', logisticOnnx(1, -1, 0.5));
  await train('churn outside a run', logisticOnnx(), { OUTSIDE_RUN: '1' });

  const mlflow = async (path: string, body: unknown): Promise<unknown> => {
    const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(response.status, 200, path);
    return response.json();
  };
  await mlflow('registered-models/create', { name: 'churn' });
  for (const experiment of ['1', '2', '3']) {
    const { models } = (await mlflow('logged-models/search', { experiment_ids: [experiment] })) as {
      models: { info: { model_id: string; source_run_id: string } }[];
    };
    const { model_id, source_run_id } = models[0]?.info ?? { model_id: '', source_run_id: '' };
    const source = { source: `models:/${model_id}`, model_id, run_id: source_run_id };
    await mlflow('model-versions/create', { name: 'churn', ...source });
  }

  const deployed = await cli('deploy', 'churn', '1', '--reason', 'first try');
  assert.match(deployed.stdout, /Version 1 of churn answers at churn \(route \d+\)/);

  const answer = await fetch(`${server.serveUrl}/endpoints/churn/invocations`, {
    method: 'POST',
    body: JSON.stringify({
      dataframe_records: [
        { x1: 5, x2: -5 },
        { x1: -5, x2: 5 },
      ],
    }),
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(answer.status, 200);
  const body = (await answer.json()) as { predictions: { label: number }[] };
  assert.deepEqual(
    body.predictions.map((row) => row.label),
    [1, 0],
  );

  const again = await cli('deploy', 'churn', '1', '--reason', 'the same again');
  assert.equal(again.stdout, deployed.stdout, 'nothing changes');
  const outside = await cli('deploy', 'churn', '3', '--reason', 'a model of no run', '--endpoint', 'outside');
  assert.match(outside.stdout, /Version 3 of churn answers at outside/);
  await assert.rejects(cli('deploy', 'churn', '7', '--reason', 'x'), /7/);
});

/** Answers of the REST API, of which a test looks at some members. */
type Answer = Readonly<Record<string, unknown>>;

async function rest(
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly json: Answer }> {
  const response = await fetch(`${server.url}/api/v1/${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
  });
  return { status: response.status, json: (await response.json()) as Answer };
}
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

const rows = 300_000;
/** One of a thousand lacks an input. */
const failed = 300;

/** Begins batches until one is seen with some parts finished and others not; returns its id and what was begun. */
async function inTheMiddle<T>(
  begin: () => Promise<T>,
): Promise<{ readonly id: string; readonly begun: Promise<T> }> {
  for (;;) {
    const newest = async () => ((await rest('batch-predictions?limit=1')).json.items as readonly Answer[])[0];
    const before = (await newest())?.id;
    const begun = begin();
    for (;;) {
      const batch = await newest();
      const kept = (batch?.progress as { rows: number } | undefined)?.rows ?? 0;
      if (batch && batch.id !== before && kept > 0) {
        if (kept < rows) return { id: batch.id as string, begun };
        await begun;
        break;
      }
      await pause();
    }
  }
}

test('batches and replays, their worker killed, cancelled and gone on with: one row for each row', async () => {
  await cli('deploy', 'churn', '2', '--reason', 'packages it');
  await cli('deploy', 'churn', '1', '--reason', 'it answers');
  const frames = await localFrames();
  const input = join(folder, 'input.parquet');
  await frames.query(
    `COPY (SELECT range AS row, (range % 100) / 10.0 - 5 AS x1, 
       CASE WHEN range % 1000 <> 7 THEN (range % 7)::DOUBLE END AS x2 FROM range(${rows}))
     TO ${sqlLiteral(input)} (FORMAT parquet)`,
  );
  const registered = await cli('dataset', 'register', input, '--name', 'customers', '--upload');
  const datasetVersion = /^id (\S+),/m.exec(registered.stdout)?.[1] ?? '';
  const checkOutput = async (path: string, intercept: number) => {
    const [found] = await frames.query(
      `SELECT count(*)::INT AS n, count(*) FILTER (row <> place)::INT AS misplaced, count(score)::INT AS scored,
         count(*) FILTER ((error IS NULL) = (row % 1000 = 7))::INT AS misjudged,
         count(*) FILTER (abs(score - 1 / (1 + exp(-((row % 100) / 10.0 - 5 - row % 7 + ${intercept})))) > 1e-5)::INT AS wrong
       FROM (SELECT *, row_number() OVER () - 1 AS place FROM read_parquet(${sqlLiteral(path)}))`,
    );
    assert.deepEqual(found, { n: rows, misplaced: 0, scored: rows - failed, misjudged: 0, wrong: 0 });
  };

  // The worker is killed in the middle; every row is in the output and in the log once.
  const logged = join(folder, 'logged.parquet');
  let times = 0;
  const killed = await inTheMiddle(() => {
    times++;
    return cli('predict', 'churn', `dataset:${datasetVersion}`, '--out', logged, '--log');
  });
  server.killRole('work');
  await killed.begun;
  await checkOutput(logged, 0);
  assert.equal((await rest(`batch-predictions/${killed.id}`)).json.attempts, 2);
  const summary = async () => {
    const { json } = await rest('labels/summary?endpoint=churn');
    return (json as { total: { predictions: number; failed: number } }).total;
  };
  // The two requests that were answered before are shipped when their segment is sealed.
  while ((await summary()).predictions < times * rows + 2) await pause();
  const total = await summary();
  assert.deepEqual([total.predictions, total.failed], [times * rows + 2, times * failed]);

  // Cancelled in the middle, and gone on with behind the parts that were finished.
  const { id: stopped } = await inTheMiddle(async () => {
    const target = { model: 'churn', version: 2 };
    return rest('batch-predictions', { target, source: { datasetVersion } });
  });
  const worker = server.rolePids().work ?? 0;
  process.kill(worker, 'SIGSTOP');
  const cancelled = await cli('predictions', 'cancel', stopped, '--reason', 'a test').finally(() =>
    process.kill(worker, 'SIGCONT'),
  );
  assert.match(cancelled.stdout, /stops with its worker's next heartbeat, after [\d,]+ of 300,000 rows/);
  const state = async () => (await rest(`batch-predictions/${stopped}`)).json;
  while ((await state()).status === 'running') await pause();
  const { status, progress } = (await state()) as { status: string; progress: { rows: number } };
  assert.equal(status, 'cancelled');
  assert.ok(progress.rows < rows);
  const resumed = join(folder, 'resumed.parquet');
  await cli('predictions', 'resume', stopped, '--out', resumed);
  await checkOutput(resumed, 0.5);
  const again = (await rest(`batch-predictions/${stopped}/resume`, { reason: 'twice' })).json;
  assert.deepEqual([again.status, again.resumes], ['succeeded', stopped]);
  const { items: lines } = (await rest(`step-runs/${again.id}/logs`)).json as { items: { text: string }[] };
  assert.match(lines[0]?.text ?? '', new RegExp(`goes on after ${progress.rows} rows`));
  const refused = await rest(`batch-predictions/${again.id}/resume`, { reason: 'it has ended' });
  assert.deepEqual([refused.status, refused.json.code], [409, 'batch_not_stopped']);

  // Any window of the log by any version, and compared.
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const to = new Date(Date.now() + 86_400_000).toISOString();
  const ofLog = join(folder, 'log.csv');
  await cli('predict', 'churn/2', `log:churn@${from}/${to}`, '--out', ofLog);
  const [found] = await frames.query(
    `SELECT count(*)::INT AS n, count(DISTINCT logged_prediction_id)::INT AS ids, count(score)::INT AS scored
     FROM read_csv(${sqlLiteral(ofLog)})`,
  );
  const answered = total.predictions - total.failed;
  assert.deepEqual(found, { n: answered, ids: answered, scored: answered });
  const source = { log: 'churn', from, to };
  const twice = await rest('batch-predictions', { target: { endpoint: 'churn' }, source, log: true });
  assert.match(String(twice.json.detail), /rows of a log are in it already/);
  const replaying = cli('predictions', 'replay', 'churn', '--version', '2', '--from', from, '--to', to);
  for (;;) {
    const [replay] = (await rest('replays?limit=1')).json.items as readonly Answer[];
    if (replay?.status === 'succeeded' || replay?.status === 'running') break;
    await pause();
  }
  server.killRole('work');
  const replayed = (await replaying).stdout;
  const count = answered.toLocaleString('en-US');
  assert.match(
    replayed,
    new RegExp(`replayed +${count} rows by version 2, 0 failed\\ncompared +${count} rows`),
  );
  assert.match(replayed, /difference +mean 0\.0\d+, p95 0\.12\d+, most 0\.124/);

  // What is not needed any more is deleted with its files; a batch that shares parts keeps them.
  const [done] = (await rest('replays?limit=1')).json.items as readonly Answer[];
  const gone = await cli('predictions', 'delete', String(done?.id), '--reason', 'a test');
  assert.match(gone.stdout, /Replay \S+ is deleted, and \d+ files? with it/);
  assert.equal((await rest(`replays/${done?.id}`)).status, 404);
  await cli('predictions', 'delete', stopped, '--reason', 'a test');
  await cli('predictions', 'resume', String(again.id), '--out', resumed);
  await checkOutput(resumed, 0.5);
});
