/**
 * Predictions per second of one serve process on one core: one row of 30 features as JSON, checked against
 * signature and contract, routed by entity between champion and challenger, answered after its log row is on the
 * disk. The floor is a bare node:http echo of the same bodies, on the same core, in turn with it.
 */
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
const latency: number[] = [];
const load = async (url: string, latencies?: number[]) => {
  const result = await runLoad(
    { url, bodies, connections: CONNECTIONS, warmUpMs: 1500, durationMs: 4000 },
    SENDER_CORE,
  );
  if (Object.keys(result.failures).length > 0)
    throw new Error(`failed requests: ${JSON.stringify(result.failures)}`);
  latencies?.push(result.latencyMs.p99);
  return result.requestsPerSecond;
};
const rates = await interleave(ROUNDS, {
  echo: () => load(echo.url),
  predict: () => load(`${serve.serveUrl}/v2/models/bench/infer`, latency),
});
report({
  name: `predictions, 1 row x ${FEATURES} features, ${CONNECTIONS} connections`,
  value: median(rates.predict),
  unit: 'requests/s',
  floor: { name: 'node:http echo', value: median(rates.echo) },
  aim: { least: 1 / 3, of: 'ratio' },
});
report({ name: 'their p99', value: median(latency), unit: 'ms' });
for (const fn of cleanup.reverse()) await fn();
