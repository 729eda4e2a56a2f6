import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { freePorts } from '../support/ports.ts';
import { startServer, type TestServer } from '../support/server.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const launcher = join(root, 'bin/millrace');
const three = process.env.MILLRACE_PYTHON ?? join(root, '.venv/bin/python');
const two = join(root, '.venv-mlflow2/bin/python');
const quiet = { MLFLOW_DISABLE_TELEMETRY: 'true', GIT_PYTHON_REFRESH: 'quiet' };

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...quiet, ...env }, maxBuffer: 2 ** 26 };
    execFile(command, args, options, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
    );
  });
}

async function python(which: string, file: string, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await run(which, ['-W', 'ignore', join(here, file), ...args]);
  assert.equal(code, 0, `${file} failed:\n${out}\n${err}`);
  return out;
}

/** Runs a command of ours that must end well, and gives what it printed. */
async function millrace(server: TestServer, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await run(launcher, [...args, '--url', server.url]);
  assert.equal(code, 0, `${out}\n${err}`);
  return out;
}

async function folder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-transfer-'));
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return directory;
}

/** A real MLflow server with a SQLite file and a folder of artifacts. */
async function mlflowServer(t: TestContext, directory: string): Promise<string> {
  const [port] = await freePorts(1);
  const store = ['--backend-store-uri', `sqlite:///${directory}/mlflow.db`];
  const artifacts = ['--artifacts-destination', join(directory, 'kept')];
  const where = ['--host', '127.0.0.1', '--port', String(port), '--workers', '1'];
  const args = ['-m', 'mlflow', 'server', ...where, ...store, ...artifacts];
  // Its own process group: its workers must end with it.
  const child = spawn(three, args, { env: { ...process.env, ...quiet }, stdio: 'ignore', detached: true });
  t.after(() => void process.kill(-(child.pid ?? 0), 'SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) {
    assert.equal(child.exitCode, null, 'mlflow server ended');
    await sleep(100);
  }
  return url;
}

/** Stands before a server, and calls back when a request has come whose path holds a word so many times. */
async function watched(
  t: TestContext,
  url: string,
  word: string,
  times: number,
  then: () => void,
): Promise<string> {
  let seen = 0;
  const server = createServer((incoming, answer) => {
    if (incoming.url?.includes(word) && ++seen === times) then();
    const { method, headers } = incoming;
    const outgoing = forward(url + (incoming.url ?? ''), { method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a MLflow 3 server comes over whole by its API and by its file, also when killed half way; out and back, to Postgres and back', async (t) => {
  const directory = await folder(t);
  const control = () => startServer(t, { role: 'control' });
  const [source, target, second, third] = await Promise.all([
    mlflowServer(t, directory),
    control(),
    control(),
    control(),
  ]);
  await python(three, 'transfer_source.py', source, '', '2500');

  let child: ChildProcess | undefined;
  const slow = await watched(t, source, 'get-history', 8, () => child?.kill('SIGKILL'));
  child = spawn(launcher, ['import', 'mlflow', slow, '--url', target.url], { stdio: 'ignore' });
  const [, signal] = (await once(child, 'exit')) as [number, NodeJS.Signals | null];
  assert.equal(signal, 'SIGKILL');
  const resumed = await millrace(target, 'import', 'mlflow', slow);
  assert.match(resumed, /\nflights +1 +10 .* equal\n/);
  assert.match(resumed, /registered model delay +2 .*equal/);
  assert.match(await millrace(target, 'import', 'mlflow', slow), /All of .* 11 runs/);
  assert.match(await python(three, 'transfer_compare.py', source, target.url), /11 runs equal/);

  const file = [
    'import',
    'mlflow',
    `sqlite:///${directory}/mlflow.db`,
    '--artifacts',
    join(directory, 'kept'),
  ];
  const plan = await millrace(second, ...file, '--dry-run');
  assert.match(plan, /\nflights +1 +active +10 +1 +1\n[\s\S]*Nothing was changed\./);
  const typo = await run(launcher, [...file, '--experiment', 'flight', '--url', second.url]);
  assert.match(typo.err, /there is no experiment "flight" to bring; did you mean "flights"\?/);
  assert.match(await millrace(second, 'audit'), /No entry/);
  assert.match(await millrace(second, ...file), /11 runs, 2,5\d\d points/);
  const trail = await millrace(second, 'audit');
  assert.equal(trail.trim().split('\n').length, 2, trail);
  assert.match(trail, /transfer:import .*brought in from sqlite/);

  const out = join(directory, 'out');
  await millrace(target, 'export', out);
  // The same things under another source change nothing, and are compared with what the export holds.
  assert.match(await millrace(second, 'import', 'export', out), /11 runs, 2,5\d\d points/);
  assert.match(await millrace(third, 'import', 'export', out), /\nflights +1 +10 .* equal\n/);
  await checkMoves(t, third, out);
});

/** To Postgres and back, with everything there each time. */
async function checkMoves(t: TestContext, server: TestServer, out: string): Promise<void> {
  const postgres = process.env.MILLRACE_TEST_POSTGRES_URL;
  if (!postgres) {
    t.diagnostic('no Postgres: the move is not tested');
    return;
  }
  const name = `transfer_${process.pid}`;
  const admin = new pg.Client({ connectionString: postgres });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.query(`ALTER DATABASE ${name} SET extra_float_digits = 0`);
  t.after(async () => {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  });
  const url = new URL(postgres);
  url.pathname = `/${name}`;
  const move = (...args: readonly string[]) =>
    run(launcher, ['move', ...args, '--data', server.dataDirectory]);
  const refused = await move('--to', url.href);
  assert.equal(refused.code, 1);
  assert.match(refused.out + refused.err, /held by process/);
  await server.stop();
  const there = await move('--to', url.href);
  assert.equal(there.code, 0, there.out + there.err);
  assert.match(there.out, /metric_points +2,5\d\d .* equal/);
  assert.match((await move('--to', url.href)).out, /holds \d+ rows already/);

  const env = { MILLRACE_DATABASE_URL: url.href };
  const onPostgres = await startServer(t, { role: 'control', dataDirectory: server.dataDirectory, env });
  assert.match(await millrace(onPostgres, 'import', 'export', out), /11 runs, 2,5\d\d points/);
  const made = await fetch(`${onPostgres.url}/api/2.0/mlflow/experiments/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'made on Postgres' }),
  });
  assert.deepEqual(await made.json(), { experiment_id: '4' });
  await onPostgres.stop();
  const back = await move('--from', url.href);
  assert.equal(back.code, 0, back.out + back.err);
  await server.start();
  assert.match(await millrace(server, 'import', 'export', out), /11 runs, 2,5\d\d points/);
  const kept = await fetch(`${server.url}/api/v1/experiments/4`);
  assert.equal(((await kept.json()) as { name: string }).name, 'made on Postgres');
}

test('the file of a MLflow 2.22 server comes over; a schema of the future is refused by its revision', async (t) => {
  const directory = await folder(t);
  const uri = `sqlite:///${directory}/mlflow.db`;
  const [target] = await Promise.all([
    startServer(t, { role: 'control' }),
    python(two, 'transfer_source.py', uri, join(directory, 'artifacts'), '50'),
  ]);
  assert.match(await millrace(target, 'import', 'mlflow', uri), /\nflights +1 +10 .* equal\n/);
  assert.match(await python(two, 'transfer_compare.py', uri, target.url), /11 runs equal/);

  const future = join(directory, 'future.db');
  await cp(join(directory, 'mlflow.db'), future);
  const file = new DatabaseSync(future);
  file.exec("UPDATE alembic_version SET version_num = 'fedcba987654'");
  file.close();
  const refused = await run(launcher, ['import', 'mlflow', future, '--url', target.url]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /schema revision fedcba987654, which this millrace does not know\nNext: /);
});
