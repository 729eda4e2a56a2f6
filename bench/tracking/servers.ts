import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../test/support/ports.ts';
import { type Cleanup, startServer } from '../../test/support/server.ts';

/** A tracking server that is measured. All of them speak MLflow's REST API. */
export interface TrackingServer {
  readonly name: 'Millrace' | 'MLflow' | 'FastTrackML';
  readonly url: string;
  /** Its SQLite file. */
  readonly database: string;
  /** The process that was started; workers may be its children. */
  readonly pid: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const START_TIMEOUT_MS = 300_000;

export interface MillraceServer extends TrackingServer {
  /** Stops it and starts it again on the same data; gives the milliseconds from start to ready. */
  restart(): Promise<number>;
}

export async function startMillrace(t: Cleanup, directory: string): Promise<MillraceServer> {
  const dataDirectory = join(directory, 'millrace');
  const server = await startServer(t, { role: 'control', dataDirectory });
  return {
    name: 'Millrace',
    url: server.url,
    database: join(dataDirectory, 'millrace.db'),
    get pid() {
      return server.pid;
    },
    async restart() {
      await server.stop();
      const beganMs = performance.now();
      await server.start();
      return performance.now() - beganMs;
    },
  };
}

/** MLflow's server as `mlflow server` starts it: SQLite, four workers. */
export async function startMlflow(t: Cleanup, directory: string): Promise<TrackingServer> {
  const [port] = await freePorts(1);
  const home = join(directory, 'mlflow');
  mkdirSync(home, { recursive: true });
  const database = join(home, 'mlflow.db');
  const pid = await start(t, `http://127.0.0.1:${port}`, home, [
    ...[join(root, '.venv/bin/mlflow'), 'server', '--host', '127.0.0.1', '--port', String(port)],
    ...['--backend-store-uri', `sqlite:///${database}`],
  ]);
  return { name: 'MLflow', url: `http://127.0.0.1:${port}`, database, pid };
}

export async function startFastTrackMl(t: Cleanup, directory: string): Promise<TrackingServer> {
  const [port] = await freePorts(1);
  const home = join(directory, 'fasttrackml');
  mkdirSync(home, { recursive: true });
  const database = join(home, 'fasttrackml.db');
  const pid = await start(t, `http://127.0.0.1:${port}`, home, [
    ...[join(root, '.venv-bench/bin/fml'), 'server', '--listen-address', `127.0.0.1:${port}`],
    ...['--database-uri', `sqlite://${database}`, '--log-level', 'error'],
  ]);
  return { name: 'FastTrackML', url: `http://127.0.0.1:${port}`, database, pid };
}

async function start(t: Cleanup, url: string, home: string, command: readonly string[]): Promise<number> {
  const [file = '', ...args] = command;
  if (!existsSync(file)) throw new Error(`${file} is missing: run "make python-bench"`);
  const env = {
    ...process.env,
    PATH: `${join(file, '..')}:${process.env.PATH}`,
    MLFLOW_DISABLE_TELEMETRY: 'true',
  };
  // A process group of its own, so that workers end with it.
  const child = spawn(file, args, { cwd: home, env, stdio: 'ignore', detached: true });
  t.after(() => endGroup(child));
  process.once('exit', () => killGroup(child));
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const isReady = await fetch(`${url}/health`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady && child.pid !== undefined) return child.pid;
    if (child.exitCode !== null) throw new Error(`${file} ended with exit code ${child.exitCode}`);
    if (performance.now() > deadlineMs) throw new Error(`${file} does not answer`);
    await sleep(100);
  }
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  killGroup(child);
  await exit;
}

function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    process.kill(-child.pid, 'SIGKILL');
  }
}

/** Sends one request and gives the answer's JSON. */
export async function call<T>(server: TrackingServer, path: string, body: unknown): Promise<T> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${server.name} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

export async function createExperiment(server: TrackingServer, name: string): Promise<string> {
  return (await call<{ experiment_id: string }>(server, 'experiments/create', { name })).experiment_id;
}

export async function createRun(server: TrackingServer, experimentId: string): Promise<string> {
  const body = { experiment_id: experimentId, start_time: Date.now() };
  const made = await call<{ run: { info: { run_id: string } } }>(server, 'runs/create', body);
  return made.run.info.run_id;
}
