import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { call, createExperiment, createRun, type TrackingServer } from './servers.ts';

/** The same runs for every server: five params, five metrics and three tags each. */
interface RunSeed {
  readonly count: number;
}

const keys = [0, 1, 2, 3, 4] as const;
const FIRST_START_MS = 1_700_000_000_000;
const PARALLEL = 20;
const BATCH = 1000;

const paramsOf = (run: number) =>
  keys.map((i) => ({ key: `param${i}`, value: `value-${(run * (i + 3)) % 17}` }));
const tagsOf = (run: number) =>
  keys.slice(0, 3).map((i) => ({ key: `tag${i}`, value: `t${(run + i) % 11}` }));
/** Between 0 and 1, spread evenly, in no order of time. */
const metricValue = (run: number, key: number) => ((run * (7919 + key)) % 100_003) / 100_003;
const metricsOf = (run: number) =>
  keys.map((i) => ({
    key: `metric${i}`,
    value: metricValue(run, i),
    timestamp: FIRST_START_MS + run,
    step: 0,
  }));

/** Makes an experiment with `count` runs; gives its id. MLflow's is filled by SQL: by its API it takes minutes. */
export async function seedRuns(server: TrackingServer, { count }: RunSeed): Promise<string> {
  const experimentId = await createExperiment(server, 'many runs');
  if (server.name === 'MLflow') {
    fillMlflow(server.database, experimentId, count);
    return experimentId;
  }
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const run = next++;
      const start = { experiment_id: experimentId, start_time: FIRST_START_MS + run };
      const made = await call<{ run: { info: { run_id: string } } }>(server, 'runs/create', start);
      const runId = made.run.info.run_id;
      const batch = { run_id: runId, metrics: metricsOf(run), params: paramsOf(run), tags: tagsOf(run) };
      await call(server, 'runs/log-batch', batch);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return experimentId;
}

/** Logs a metric `loss` of this many points, a spike among them, to a new run; gives the run's id. */
export async function seedHistory(server: TrackingServer, points: number): Promise<string> {
  const experimentId = await createExperiment(server, `history of ${points}`);
  const runId = await createRun(server, experimentId);
  const lossAt = (step: number): number => (step === Math.floor(points / 3) ? 1000 : 1 / (1 + step));
  if (server.name === 'MLflow') {
    const database = new DatabaseSync(server.database, { timeout: 30_000 });
    const insert = database.prepare(
      `INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES ('loss', ?, ?, ?, ?, 0)`,
    );
    database.exec('BEGIN');
    for (let step = 0; step < points; step++) insert.run(lossAt(step), FIRST_START_MS + step, runId, step);
    const latest = `INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES ('loss', ?, ?, ?, 0, ?)`;
    database.prepare(latest).run(lossAt(points - 1), FIRST_START_MS + points - 1, points - 1, runId);
    database.exec('COMMIT');
    database.close();
    return runId;
  }
  for (let from = 0; from < points; from += BATCH) {
    const metrics = Array.from({ length: Math.min(BATCH, points - from) }, (_, i) => {
      const step = from + i;
      return { key: 'loss', value: lossAt(step), timestamp: FIRST_START_MS + step, step };
    });
    await call(server, 'runs/log-batch', { run_id: runId, metrics });
  }
  return runId;
}

function fillMlflow(path: string, experimentId: string, count: number): void {
  const database = new DatabaseSync(path, { timeout: 30_000 });
  const run = database.prepare(
    `INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
      source_version, lifecycle_stage, artifact_uri, experiment_id)
    VALUES (?, ?, 'UNKNOWN', '', '', 'bench', 'RUNNING', ?, '', 'active', ?, ?)`,
  );
  const metricColumns = '(key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, 0, 0)';
  const metric = database.prepare(`INSERT INTO metrics ${metricColumns}`);
  const latest = database.prepare(`INSERT INTO latest_metrics ${metricColumns}`);
  const param = database.prepare('INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)');
  const tag = database.prepare('INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)');
  database.exec('BEGIN');
  for (let i = 0; i < count; i++) {
    const id = randomBytes(16).toString('hex');
    const name = `run-${i}`;
    const artifacts = `mlflow-artifacts:/${experimentId}/${id}/artifacts`;
    run.run(id, name, FIRST_START_MS + i, artifacts, Number(experimentId));
    for (const { key, value, timestamp } of metricsOf(i)) {
      metric.run(key, value, timestamp, id);
      latest.run(key, value, timestamp, id);
    }
    for (const { key, value } of paramsOf(i)) param.run(key, value, id);
    for (const { key, value } of [...tagsOf(i), { key: 'mlflow.runName', value: name }])
      tag.run(key, value, id);
  }
  database.exec('COMMIT');
  database.close();
}
