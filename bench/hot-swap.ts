/**
 * 100 changes of the model under load: how many requests failed (the aim is none), and what a swap does to p99.
 * Every swap loads a package that the replica has not seen, warms it up, and closes the one before.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wideOnnx, widePackage } from '../src/platform/onnx/testing.ts';
import { startServer } from '../test/support/server.ts';
import { startTestControl, storePackage } from '../test/support/serving.ts';
import { median, report, runLoad } from './support/index.ts';

const SWAPS = Number(process.env.BENCH_SWAPS ?? 100);
const FEATURES = 30;
const CONNECTIONS = 16;
const LOAD_MS = 3000;
const actor = { kind: 'user', id: 'bench' } as const;

const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
const cleanup: (() => void | Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
const control = await startTestControl(directory);
cleanup.push(control.stop);
const { service, blobs } = control;
const pkg = widePackage(FEATURES);
const sample = [Object.fromEntries(pkg.signature.inputs.map(({ name }) => [name, 0.5]))];
await service.declare(actor, { name: 'bench', model: 'bench' });
const serve = await startServer(
  { after: (fn) => cleanup.push(fn) },
  { role: 'serve', controlUrl: control.url },
);

let version = 0;
const swapMs: number[] = [];
const swap = async () => {
  const modelVersion = String(++version);
  const packageDigest = await storePackage(blobs, wideOnnx(FEATURES), {
    ...pkg,
    model: modelVersion,
    sample,
  });
  const startedMs = performance.now();
  const { routeVersion } = await service.deploy(actor, 'bench', { modelVersion, packageDigest }, 'bench');
  await service.settled('bench', routeVersion);
  swapMs.push(performance.now() - startedMs);
};
await swap();
const bodies = [
  JSON.stringify({
    inputs: [{ name: 'features', datatype: 'FP32', shape: [1, FEATURES], data: Array(FEATURES).fill(0.5) }],
  }),
];
const load = () =>
  runLoad({
    url: `${serve.serveUrl}/v2/models/bench/infer`,
    bodies,
    connections: CONNECTIONS,
    durationMs: LOAD_MS,
  });
const calm = await load();

const failures: Record<string, number> = {};
const p99: number[] = [];
let requests = 0;
let swapping = true;
const loading = (async () => {
  while (swapping) {
    const result = await load();
    requests += result.requests;
    p99.push(result.latencyMs.p99);
    for (const [status, count] of Object.entries(result.failures))
      failures[status] = (failures[status] ?? 0) + count;
  }
})();
swapMs.length = 0;
for (let i = 0; i < SWAPS; i++) await swap();
swapping = false;
await loading;

const failed = Object.values(failures).reduce((a, b) => a + b, 0);
report({
  name: `failed requests of ${requests} during ${SWAPS} hot swaps`,
  value: failed,
  unit: 'requests',
  aim: { most: 0, of: 'value' },
});
report({ name: 'from deploy to every replica answering by it', value: median(swapMs), unit: 'ms' });
report({
  name: 'p99 while swapping',
  value: median(p99),
  unit: 'ms',
  floor: { name: 'without swaps', value: calm.latencyMs.p99 },
});
for (const fn of cleanup.reverse()) await fn();
