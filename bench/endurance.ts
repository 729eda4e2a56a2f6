/**
 * Memory of a serve process over many requests (10 million, or BENCH_REQUESTS): whether it stays flat. A tree model of
 * 30 features follows control, every request is checked, routed and logged, and its log goes to control. Prints a line
 * a minute, so that a run that is cut short says something too; nothing is resumed.
 *
 * Judged is the second half of the run. What lives on (the heap without V8's young generation, and external memory) must
 * rise by less than 5 % of its mean, by a line through the least of each minute's samples. RSS goes up and down by the
 * young generation, some 100 MB, which V8 gives back when there is little to do: its highest must not be more than 5 %
 * above the highest of the first half.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../test/support/server.ts';
import { startTestControl, storePackage } from '../test/support/serving.ts';
import { report, runLoad } from './support/index.ts';
import { treeModel } from './support/tree-model.ts';

const requests = Number(process.env.BENCH_REQUESTS ?? 10_000_000);
const sliceMs = Number(process.env.BENCH_SLICE_MS ?? 60_000);
const samples = 10;
const features = 30;
const connections = 32;
const largestRise = 0.05;
const million = 1_000_000;
const megabyte = 1024 * 1024;
const actor = { kind: 'user', id: 'bench' } as const;

interface Memory {
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
}
interface Point extends Memory {
  readonly requests: number;
}

const directory = await mkdtemp(join(tmpdir(), 'millrace-endurance-'));
const cleanup: (() => void | Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
const clean = async () => {
  for (const fn of cleanup.splice(0).reverse()) await fn();
};
process.once('SIGINT', () => void clean().then(() => process.exit(130)));

const control = await startTestControl(directory);
cleanup.push(control.stop);
const { onnx, pkg } = treeModel(features, 100, 6);
const sample = [Object.fromEntries(pkg.signature.inputs.map(({ name }) => [name, 0.5]))];
const packageDigest = await storePackage(control.blobs, onnx, { ...pkg, sample });
await control.service.declare(actor, { name: 'bench', model: 'bench' });
const serve = await startServer(
  { after: (fn) => cleanup.push(fn) },
  { role: 'serve', controlUrl: control.url },
);
const target = { modelVersion: '1', packageDigest };
const { routeVersion } = await control.service.deploy(actor, 'bench', target, 'bench');
await control.service.settled('bench', routeVersion);

// Rows differ, so that nothing is measured that only equal ones have.
const bodies = Array.from({ length: 64 }, (_, row) => {
  const data = Array.from(
    { length: features },
    (_, i) => Math.round(1000 * Math.abs(Math.sin(row * 31 + i))) / 1000,
  );
  return JSON.stringify({ inputs: [{ name: 'features', datatype: 'FP64', shape: [1, features], data }] });
});

const points: Point[] = [];
const failures: Record<string, number> = {};
console.log(' minutes      requests      per s  p99 ms   RSS MB  heap MB  external MB  failed');
const startedMs = performance.now();
for (let done = 0; done < requests; ) {
  const url = `${serve.serveUrl}/v2/models/bench/infer`;
  const loading = runLoad({ url, bodies, connections, durationMs: sliceMs });
  const seen: Memory[] = [];
  for (let i = 0; i < samples; i++) {
    await new Promise((resolve) => setTimeout(resolve, (0.9 * sliceMs) / samples));
    seen.push(await memory());
  }
  const { requests: some, requestsPerSecond, latencyMs, failures: failed } = await loading;
  done += some;
  for (const [status, count] of Object.entries(failed)) failures[status] = (failures[status] ?? 0) + count;
  const rss = seen.reduce((sum, m) => sum + m.rss, 0) / seen.length;
  const least = (kind: 'heap' | 'external') => Math.min(...seen.map((m) => m[kind]));
  const point = { requests: done, rss, heap: least('heap'), external: least('external') };
  points.push(point);
  console.log(
    [
      ((performance.now() - startedMs) / 60_000).toFixed(1).padStart(8),
      done.toLocaleString('en-US').padStart(13),
      Math.round(requestsPerSecond).toLocaleString('en-US').padStart(10),
      latencyMs.p99.toFixed(1).padStart(7),
      ...[point.rss, point.heap, point.external].map((bytes, i) =>
        (bytes / megabyte).toFixed(1).padStart([8, 8, 12][i] ?? 0),
      ),
      String(Object.values(failures).reduce((sum, count) => sum + count, 0)).padStart(7),
    ].join(' '),
  );
}

const half = points.slice(Math.floor(points.length / 2));
const earlier = points.slice(0, Math.max(1, points.length - half.length));
const made = Math.max(1, (half.at(-1)?.requests ?? 0) - (half[0]?.requests ?? 0));
for (const kind of ['rss', 'heap', 'external'] as const) {
  const slope = slopeOf(half, kind);
  const name = kind === 'rss' ? 'RSS' : kind;
  report({ name: `${name}, rise in a million requests`, value: (slope * million) / megabyte, unit: 'MB' });
}
const lasting = (point: Point) => point.heap + point.external;
const meanLasting = half.reduce((sum, point) => sum + lasting(point), 0) / half.length;
report({
  name: `heap and external, rise over the last ${made.toLocaleString('en-US')} requests, as a share of their mean`,
  value: ((slopeOf(half, 'heap') + slopeOf(half, 'external')) * made) / meanLasting,
  unit: '',
  aim: { most: largestRise, of: 'value' },
});
const highest = (line: readonly Point[]) => Math.max(...line.map((point) => point.rss));
report({
  name: 'highest RSS of the second half',
  value: highest(half) / megabyte,
  unit: 'MB',
  floor: { name: 'that of the first half', value: highest(earlier) / megabyte },
  aim: { most: 1 + largestRise, of: 'ratio' },
});
await clean();

/** What the serve process says of itself. */
async function memory(): Promise<Memory> {
  const text = await (await fetch(`${serve.serveUrl}/metrics`)).text();
  const gauge = (name: string, label = '') =>
    Number(new RegExp(`^${name}\\{[^}]*${label}[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    rss: gauge('process_resident_memory_bytes'),
    heap: gauge('nodejs_heap_size_used_bytes') - gauge('nodejs_heap_space_size_used_bytes', 'space="new"'),
    external: gauge('nodejs_external_memory_bytes'),
  };
}

/** Bytes in a request, by least squares. */
function slopeOf(line: readonly Point[], kind: keyof Memory): number {
  const mean = (value: (point: Point) => number) => line.reduce((sum, p) => sum + value(p), 0) / line.length;
  const [x, y] = [mean((p) => p.requests), mean((p) => p[kind])];
  const spread = mean((p) => (p.requests - x) ** 2);
  return spread === 0 ? 0 : mean((p) => (p.requests - x) * (p[kind] - y)) / spread;
}
