import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { importOnnx } from './import.ts';
import { OnnxModel, type OnnxPackage } from './model.ts';
import { ModelPlacer, placementOf, steadyPlacement } from './place-model.ts';
import { FlatRows } from './row-block.ts';
import { openRuntime } from './session.ts';
import { deepOnnx, logisticOnnx, logisticPackage, wideOnnx, widePackage } from './testing.ts';
import { SessionThread, ThreadSession, ThreadStopped } from './thread-session.ts';
import { ensembleOnnx, width } from './trees/testing.ts';

const noEvents = { onThread: () => {}, onMove: () => {} };
const repeat = (row: readonly unknown[], count: number) => Array.from({ length: count }, () => row);
const half = (width: number) => [new Array<number>(width).fill(0.5)];

test('a small model is placed inline, warm, with what was measured', async (t) => {
  const placer = new ModelPlacer(noEvents);
  t.after(() => placer.close());
  const { model, placement } = await placer.place(
    async () => wideOnnx(30),
    widePackage(30),
    half(30),
    'small',
  );
  assert.equal(placement.place, 'inline');
  assert.deepEqual(
    placement.runs.map((run) => run.rows),
    [1, 8, 32, 128],
  );
  assert.ok(placement.runs.every((run) => run.ms > 0));
  const { score } = await model.predictBlocks([new FlatRows(new Float32Array(60).fill(0.5), 30, 2)]);
  assert.deepEqual(score, (await model.predictRows([...half(30), ...half(30)])).score);
  await model.close();
});

test('trees come to this thread as the other one has read them, and answer as the runtime does', async (t) => {
  const placer = new ModelPlacer(noEvents);
  t.after(() => placer.close());
  const onnx = ensembleOnnx(
    { operator: 'TreeEnsembleRegressor', double: false, transform: 'NONE', count: 1 },
    createRng(1),
  );
  const { signature } = widePackage(width);
  const columns = signature.inputs.map(({ name }) => name);
  const pkg: OnnxPackage = {
    signature,
    graph: {
      inputs: [{ name: 'features', type: 'float', shape: [-1, width], columns }],
      outputs: [{ name: 'scores', type: 'float', shape: [-1, 1] }],
    },
    score: { output: 'scores', index: 0 },
  };
  let reads = 0;
  const read = async () => {
    reads++;
    return new Uint8Array(onnx);
  };
  const { model, placement } = await placer.place(read, pkg, [], 'trees');
  assert.deepEqual([placement.place, placement.loadMs, reads], ['inline', 0, 1]);
  // What is told of it is the time of compiled code, which is what requests meet.
  const hereMs = await shortestMs(() => model.predictRows([new Array(width).fill(0)]));
  const told = placement.runs[0]?.ms ?? Number.POSITIVE_INFINITY;
  t.diagnostic(`a row takes ${hereMs.toFixed(4)} ms here, ${told.toFixed(4)} ms as told`);
  assert.ok(told < 3 * hereMs);
  const runtime = new OnnxModel(openRuntime(onnx), pkg);
  t.after(() => runtime.close());
  const rows = Array.from({ length: 40 }, (_, r) => Array.from({ length: width }, (_, i) => Math.cos(i * r)));
  assert.deepEqual(await plain(model, rows), await plain(runtime, rows));
});

test('a model that is large to load or slow to run gets a thread, and gives the same answers there', async (t) => {
  const placer = new ModelPlacer(noEvents);
  t.after(() => placer.close());
  const onnx = deepOnnx(512, 40);
  const { model, placement } = await placer.place(
    async () => new Uint8Array(onnx),
    widePackage(512),
    [],
    'large',
  );
  assert.equal(placement.place, 'thread');
  const here = await OnnxModel.load(onnx, widePackage(512));
  const rows = Array.from({ length: 3 }, (_, r) => Array.from({ length: 512 }, (_, i) => Math.cos(i * r)));
  assert.deepEqual(await plain(model, rows), await plain(here, rows));
  const block = new FlatRows(Float32Array.from(rows.flat()), 512, 3);
  assert.deepEqual((await model.predictBlocks([block])).score, (await here.predictBlocks([block])).score);
  assert.equal(block.row(2)[0], 1, 'the request keeps its memory');
  await Promise.all([model.close(), here.close()]);
});

async function shortestMs(run: () => Promise<unknown>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3000; i++) {
    const startedMs = performance.now();
    await run();
    shortest = Math.min(shortest, performance.now() - startedMs);
  }
  return shortest;
}

async function plain(model: OnnxModel, rows: readonly (readonly unknown[])[]) {
  const { outputs, score } = await model.predictRows(rows);
  return { score, outputs: outputs.map(({ name, shape, data }) => [name, [...shape], Array.from(data)]) };
}

/** Processor time of this thread in milliseconds: what it was busy for, however crowded the machine is. */
const busyMs = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

test('loading a large model keeps this thread for a small part of the time that the load takes here', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-onnx-'));
  const placer = new ModelPlacer(noEvents);
  t.after(() => placer.close());
  t.after(() => rm(directory, { recursive: true }));
  // Narrow and deep: what this thread does for a run, putting cells into a tensor, is little beside the run.
  const [width, file] = [128, join(directory, 'large.onnx')];
  await writeFile(file, deepOnnx(width, 640));
  const onnx = await readFile(file);

  const beforeMs = busyMs();
  const inline = await OnnxModel.load(onnx, widePackage(width));
  for (let run = 0; run < 5; run++) await inline.predictRows(repeat(half(width)[0]!, 128));
  const inlineMs = busyMs() - beforeMs;
  await inline.close();

  // The start of the thread itself is no part of a model's load.
  const small = async () => new Uint8Array(importOnnx(logisticOnnx()).bytes);
  await (await placer.place(small, logisticPackage(), [], 'small')).model.close();
  const startMs = busyMs();
  const { model, placement } = await placer.place(
    () => readFile(file),
    widePackage(width),
    half(width),
    'large',
  );
  const placedMs = busyMs() - startMs;
  assert.equal(placement.place, 'thread');
  t.diagnostic(`here ${inlineMs.toFixed(0)} ms, by a thread ${placedMs.toFixed(0)} ms of this thread`);
  assert.ok(placedMs < inlineMs / 2, `${placedMs} ms of this thread, ${inlineMs} ms when loaded here`);
  await model.close();
});

test('a thread that dies loses its runs and is started again', async (t) => {
  const onnx = importOnnx(logisticOnnx()).bytes;
  const thread = new SessionThread();
  await thread.load(new Uint8Array(onnx));
  const changes: string[] = [];
  let back = () => {};
  const restarted = new Promise<void>((resolve) => {
    back = resolve;
  });
  const session = new ThreadSession(thread, {
    onnx: async () => new Uint8Array(onnx),
    onChange: ({ state }) => {
      changes.push(state);
      if (state === 'restarted') back();
    },
  });
  const model = new OnnxModel(session, logisticPackage());
  t.after(() => model.close());
  const { score } = await model.predictRows([[1, 1]]);
  const stopping = thread.stop();
  await assert.rejects(model.predictRows([[1, 1]]), ThreadStopped);
  await stopping;
  await restarted;
  assert.deepEqual((await model.predictRows([[1, 1]])).score, score);
  assert.deepEqual(changes, ['stopped', 'restarted']);
});

test('a graph that the runtime refuses is told, and the thread takes the next one', async (t) => {
  const placer = new ModelPlacer(noEvents);
  t.after(() => placer.close());
  const broken = wideOnnx(30).subarray(0, 200);
  await assert.rejects(
    placer.place(async () => new Uint8Array(broken), widePackage(30), [], 'broken'),
    { code: 'onnx_invalid' },
  );
  const { model } = await placer.place(async () => wideOnnx(30), widePackage(30), [], 'good');
  assert.equal((await model.predictRows(half(30))).rowCount, 1);
  await model.close();
});

test('bytes that cannot be read fail that load alone', async (t) => {
  const placer = new ModelPlacer(noEvents);
  t.after(() => placer.close());
  const lost = placer.place(() => Promise.reject(new Error('no bytes')), widePackage(30), [], 'lost');
  await assert.rejects(lost, /no bytes/);
  const { model } = await placer.place(async () => wideOnnx(30), widePackage(30), [], 'good');
  assert.equal((await model.predictRows(half(30))).rowCount, 1);
  await model.close();
});

test('place and batch follow from the measurements', () => {
  const runs = (...ms: number[]) => ms.map((time, i) => ({ rows: [1, 8, 32, 128][i]!, ms: time }));
  const of = (loadMs: number, ...ms: number[]) => {
    const { place, maxRows } = placementOf(loadMs, runs(...ms));
    return [place, maxRows];
  };
  assert.deepEqual(of(5, 0.013, 0.013, 0.021, 0.048), ['inline', 128]);
  assert.deepEqual(of(5, 0.012, 0.022, 0.054, 0.393), ['inline', 32], 'big batches cost more a row');
  assert.deepEqual(of(86, 0.013, 0.013, 0.021, 0.048), ['thread', 128], 'slow to load');
  assert.deepEqual(of(5, 0.1, 0.8, 3.2, 12.8), ['thread', 128], 'rows cost the same in any batch');
  assert.deepEqual(of(5, 3, 4, 8, 30), ['thread', 128]);
  assert.deepEqual(of(5), ['inline', 128], 'nothing could be measured');
});

test('a small model is found small on a busy machine, and a large one is not measured for ever', async () => {
  const sizes = [1, 8, 32, 128];
  /** What a machine makes of it; the times of runs by the number of the measurement. */
  const measured = async (loads: readonly number[], runs: (time: number) => readonly number[]) => {
    const counts = { sizes: 0, loads: 0 };
    let time = 0;
    const placement = await steadyPlacement(
      {
        loadMs: loads[0] as number,
        runs: async (asked) => {
          counts.sizes += asked.length;
          const times = runs(time++);
          return asked.map((rows) => ({ rows, ms: times[sizes.indexOf(rows)] as number }));
        },
        load: async () => loads[++counts.loads] ?? (loads.at(-1) as number),
      },
      sizes,
      async () => {},
    );
    return [placement.place, placement.maxRows, counts.sizes, counts.loads];
  };
  const small = [0.05, 0.08, 0.15, 0.3];
  const disturbed = small.map((ms) => ms + 3);
  assert.deepEqual(await measured([5], () => small), ['inline', 128, 4, 0]);
  const busy = await measured([60, 70, 8], (time) => (time < 2 ? disturbed : small));
  assert.deepEqual(busy, ['inline', 128, 10, 2], 'at once when it was seen small once');
  assert.deepEqual(await measured([70], () => small), ['thread', 128, 4, 4]);
  assert.deepEqual(await measured([300], () => small), ['thread', 128, 4, 0], 'no machine is so busy');
  assert.deepEqual(await measured([5], () => [3, 20, 80, 300]), ['thread', 128, 4, 0]);
  assert.deepEqual(await measured([5], () => [0.5, 1, 3, 10]), ['thread', 128, 8, 0]);
});
