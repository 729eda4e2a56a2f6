/**
 * Serving, beside its peers: the same ONNX model (100 trees, 30 features) behind Millrace and behind MLServer (with
 * its pool of workers and without), LitServe, BentoML and `mlflow models serve`, each server on one core and the sender
 * on another, in turn. Millrace checks every request against signature and contract, routes it by entity between two
 * versions, and answers after its log row is on the disk; the others do none of it.
 *
 * `BENCH_ROWS` chooses some of the rows below, by their names, with commas between; `BENCH_SECONDS`, `BENCH_ROUNDS` and
 * `BENCH_CONNECTIONS` how they are measured. `memory` sends `BENCH_REQUESTS` requests.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeModel, startMillrace } from './serving/millrace.ts';
import { type BenchContext, rows } from './serving/rows.ts';
import { onCore, startEcho } from './support/index.ts';

const SERVER_CORE = 0;
const SENDER_CORE = 1;

const wanted = process.env.BENCH_ROWS?.split(',') ?? Object.keys(rows);
const unknown = wanted.filter((name) => !(name in rows));
if (unknown.length > 0) {
  console.error(`No row ${unknown.join(', ')}; there are ${Object.keys(rows).join(', ')}.`);
  process.exit(1);
}
if (onCore(SENDER_CORE).length === 0)
  console.log('no taskset, or one core: servers and sender share the cores');

const cleanups: (() => void | Promise<void>)[] = [];
const cleanup = (fn: () => void | Promise<void>) => void cleanups.push(fn);
const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
cleanup(() => rm(directory, { recursive: true, force: true }));
try {
  const model = await makeModel(directory);
  const millrace = await startMillrace(model, directory, SERVER_CORE, cleanup);
  const echo = await startEcho(SERVER_CORE);
  cleanup(echo.stop);
  await millrace.deploy('bench', await millrace.storeOnnx('bench'));
  const context: BenchContext = {
    millrace,
    echo: { url: echo.url, pid: echo.child.pid ?? 0 },
    folder: model.folder,
    serverCore: SERVER_CORE,
    senderCore: SENDER_CORE,
    connections: Number(process.env.BENCH_CONNECTIONS ?? 32),
    rounds: Number(process.env.BENCH_ROUNDS ?? 3),
    durationMs: 1000 * Number(process.env.BENCH_SECONDS ?? 4),
  };
  for (const name of wanted) await rows[name as keyof typeof rows](context);
} finally {
  for (const fn of cleanups.reverse()) await fn();
}
