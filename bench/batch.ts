/**
 * Rows per second and core of a batch prediction: a Parquet file of 30 features and a key, checked row by row against
 * signature and contract, scored by a small tree model, written as Parquet. Counted by the processor's time of the
 * whole process, so rows per second of one core. The floor is onnxruntime alone on the same rows, in tensors that are
 * filled already.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { canonicalJson, digestOf } from '../src/core/json.ts';
import { packageManifestSchema } from '../src/core/model-package.ts';
import { batchInputsSchema } from '../src/lifecycle/serving/batch/contract.ts';
import { mergeParts, scoreFile } from '../src/lifecycle/serving/batch/score-file.ts';
import { DirectFrames } from '../src/platform/frames/direct-frames.ts';
import { importOnnx } from '../src/platform/onnx/index.ts';
import { interleave, median, report } from './support/index.ts';
import { treeModel } from './support/tree-model.ts';

const FEATURES = 30;
const TREES = Number(process.env.BENCH_TREES ?? 20);
const DEPTH = 5;
const ROWS = Number(process.env.BENCH_ROWS ?? 500_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const FLOOR_BATCHES = [64, 256, 2048] as const;

const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-batch-'));
const frames = await DirectFrames.open({ memoryLimit: '1GB', temporaryDirectory: directory, threads: 1 });
const { onnx, pkg } = treeModel(FEATURES, TREES, DEPTH);
const graph = importOnnx(onnx).bytes;
const columns = pkg.signature.inputs.map(({ name }) => ({ name, required: true, range: { min: 0, max: 1 } }));
const blobPaths: Record<string, string> = {};
const keep = async (content: Uint8Array): Promise<string> => {
  const digest = digestOf(content);
  blobPaths[digest] = join(directory, digest.slice(7));
  await writeFile(blobPaths[digest], content);
  return digest;
};
const contract = await keep(Buffer.from(canonicalJson({ columns })));
const manifest = packageManifestSchema.parse({
  ...pkg,
  formatVersion: 1,
  model: 'bench',
  onnx: await keep(graph),
  classes: null,
  contract,
  sample: [],
});
const packageDigest = await keep(Buffer.from(canonicalJson(manifest)));
const input = join(directory, 'input.parquet');
const values = Array.from({ length: FEATURES }, (_, i) => `random() AS f${i + 1}`).join(', ');
await frames.run(
  `COPY (SELECT 'key ' || range AS key, ${values} FROM range(${ROWS})) TO '${input}' (FORMAT parquet)`,
);

async function batch(log: boolean): Promise<number> {
  const paths: string[] = [];
  const inputs = batchInputsSchema.parse({
    model: 'bench',
    modelVersion: '1',
    packageDigest,
    endpoint: log ? 'bench' : null,
    routeVersion: 1,
    entityFeature: 'key',
    eventTimeFeature: null,
    source: { kind: 'file', name: input, digests: [] },
    format: 'parquet',
    keep: null,
    log,
    requestedAtMs: 0,
  });
  const before = process.cpuUsage();
  await scoreFile(
    {
      type: 'task',
      batchId: 'bench',
      inputs,
      sourcePaths: [input],
      staged: null,
      blobPaths,
      workDir: directory,
      memoryLimit: '1GB',
      threads: 1,
      partRows: 131_072,
      python: null,
      doneParts: 0,
      doneRows: 0,
      logPolicy: null,
    },
    frames,
    {
      part: async (part) => {
        paths.push(part.path);
      },
      staged: async () => undefined,
    },
  );
  await mergeParts(frames, paths, 'parquet', join(directory, 'output.parquet'));
  return rate(before);
}

/** onnxruntime alone; the fastest of some batch sizes. */
async function bare(): Promise<number> {
  const session = await InferenceSession.create(graph, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const rates: number[] = [];
  for (const rows of FLOOR_BATCHES) {
    const data = Float32Array.from({ length: rows * FEATURES }, (_, i) => Math.abs(Math.sin(i)));
    const features = new Tensor('float32', data, [rows, FEATURES]);
    const before = process.cpuUsage();
    for (let done = 0; done < ROWS; done += rows) await session.run({ features });
    rates.push(rate(before));
  }
  await session.release();
  return Math.max(...rates);
}

function rate(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return ROWS / ((user + system) / 1e6);
}

const rates = await interleave(ROUNDS, {
  batch: () => batch(false),
  logged: () => batch(true),
  bare,
});
const floor = { name: 'onnxruntime alone', value: median(rates.bare) };
console.log(`${ROWS} rows of ${FEATURES} features, ${TREES} trees of depth ${DEPTH}`);
report({
  name: 'batch prediction',
  value: median(rates.batch),
  unit: 'rows/s per core',
  floor,
  aim: { least: 300_000, of: 'value' },
});
report({
  name: 'the same with the prediction log',
  value: median(rates.logged),
  unit: 'rows/s per core',
  floor,
});
frames.close();
await rm(directory, { recursive: true });
