/**
 * Predictions per second of one serve process on one core: one row of 30 features as JSON, checked against
 * signature and contract, routed by entity between champion and challenger, answered after its log row is on the
 * disk. The floor is a bare node:http echo of the same bodies, on the same core, in turn with it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '../src/core/json.ts';
import { wideOnnx, widePackage } from '../src/platform/onnx/testing.ts';
import { startServer } from '../test/support/server.ts';
import { startTestControl, storePackage } from '../test/support/serving.ts';
import { interleave, median, pinToCore, report, runLoad, startEcho } from './support/index.ts';

const FEATURES = 30;
const CONNECTIONS = Number(process.env.BENCH_CONNECTIONS ?? 64);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 4);
const SERVER_CORE = 0;
const SENDER_CORE = 1;
const actor = { kind: 'user', id: 'bench' } as const;

const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
const cleanup: (() => void | Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
const control = await startTestControl(directory);
cleanup.push(control.stop);
const { service, blobs } = control;

const pkg = widePackage(FEATURES);
const columns = pkg.signature.inputs.map(({ name }) => ({ name, required: true, range: { min: 0, max: 1 } }));
const contract = (await blobs.put(canonicalJson({ columns }))).digest;
const sample = [Object.fromEntries(columns.map(({ name }) => [name, 0.5]))];
const target = async (modelVersion: string) => ({
  modelVersion,
  packageDigest: await storePackage(blobs, wideOnnx(FEATURES), {
    ...pkg,
    model: modelVersion,
    contract,
    sample,
  }),
});
await service.declare(actor, { name: 'bench', model: 'bench' });
await service.deploy(actor, 'bench', await target('1'), 'bench');
const { routeVersion } = await service.challenge(actor, 'bench', await target('2'), 0.1, 'bench');

const serve = await startServer(
  { after: (fn) => cleanup.push(fn) },
  { role: 'serve', controlUrl: control.url },
);
await service.settled('bench', routeVersion);
const pinned = pinToCore(serve.pid, SERVER_CORE);
const echo = await startEcho(SERVER_CORE);
cleanup.push(echo.stop);
if (!pinned) console.log('taskset is missing: server and sender share all cores');

const bodies = Array.from({ length: 256 }, (_, i) =>
  JSON.stringify({
    inputs: [
      {
        name: 'features',
        datatype: 'FP32',
        shape: [1, FEATURES],
        data: Array.from({ length: FEATURES }, (_, f) => Number(Math.abs(Math.sin(i * 31 + f)).toFixed(4))),
      },
    ],
    parameters: { entity: `customer-${i}` },
  }),
);
/** CPU time of a process and its children in microseconds; NaN where there is no /proc. */
function cpuUs(pid: number): number {
  try {
    const children = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .flatMap(([child, parent]) => (parent === pid && child ? [child] : []));
    const ticks = [pid, ...children].map((p) => {
      const fields = readFileSync(`/proc/${p}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return Number(fields[11]) + Number(fields[12]);
    });
    return ticks.reduce((a, b) => a + b, 0) * 10_000;
  } catch {
    return Number.NaN;
  }
}

const latencyMs: number[] = [];
const perRequestUs = { echo: [] as number[], predict: [] as number[] };
const load = async (name: 'echo' | 'predict', url: string, pid: number) => {
  const beforeUs = cpuUs(pid);
  const plan = { url, bodies, connections: CONNECTIONS, durationMs: SECONDS * 1000 };
  const { failures, requests, requestsPerSecond, latencyMs: latency } = await runLoad(plan, SENDER_CORE);
  if (Object.keys(failures).length > 0) throw new Error(`failed requests: ${JSON.stringify(failures)}`);
  perRequestUs[name].push((cpuUs(pid) - beforeUs) / requests);
  if (name === 'predict') latencyMs.push(latency.p99);
  return requestsPerSecond;
};
const inferUrl = `${serve.serveUrl}/v2/models/bench/infer`;
const once = {
  echo: () => load('echo', echo.url, echo.child.pid ?? 0),
  predict: () => load('predict', inferUrl, serve.pid),
};
await once.echo();
await once.predict();
for (const list of [latencyMs, perRequestUs.echo, perRequestUs.predict]) list.length = 0;
const rates = await interleave(ROUNDS, once);
report({
  name: `predictions, 1 row x ${FEATURES} features, ${CONNECTIONS} connections`,
  value: median(rates.predict),
  unit: 'requests/s',
  floor: { name: 'node:http echo', value: median(rates.echo) },
  aim: { least: 0.333, of: 'ratio' },
});
report({
  name: 'their CPU time, log and its Parquet included',
  value: median(perRequestUs.predict),
  unit: 'us/request',
  floor: { name: 'node:http echo', value: median(perRequestUs.echo) },
});
report({ name: 'their p99', value: median(latencyMs), unit: 'ms' });
for (const fn of cleanup.reverse()) await fn();
