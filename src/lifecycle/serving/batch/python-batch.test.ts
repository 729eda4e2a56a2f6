import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { installationDirectory } from '../../../core/installation.ts';
import { canonicalJson } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { DirectFrames } from '../../../platform/frames/direct-frames.ts';
import { batchInputsSchema } from './contract.ts';
import { runBatch } from './run-batch.ts';

const python = join(installationDirectory, '.venv/bin/python');

test('a model that runs as Python scores a file too', { skip: !existsSync(python) }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-python-batch-'));
  const frames = await DirectFrames.open({ memoryLimit: '200MB', temporaryDirectory: directory, threads: 1 });
  t.after(async () => {
    frames.close();
    await rm(directory, { recursive: true, force: true });
  });
  const script = join(installationDirectory, 'src/platform/python-runtime/fixtures/save_models.py');
  execFileSync(python, [script, join(directory, 'saved')], { stdio: 'ignore' });
  const expected = JSON.parse(await readFile(join(directory, 'saved/expected.json'), 'utf8')) as {
    rows: number[][];
    values: number[];
  };
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const saved = join(directory, 'saved/booster');
  const entries = (await readdir(saved, { recursive: true, withFileTypes: true })).filter((e) => e.isFile());
  const files = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path: relative(saved, path), digest: (await blobs.put(createReadStream(path))).digest };
    }),
  );
  const inputs = ['a', 'b', 'c', 'd'].map((name) => ({ name, type: 'double', required: true, shape: [] }));
  const manifest = packageManifestSchema.parse({
    formatVersion: 1,
    model: 'booster',
    runtime: { kind: 'python', flavor: 'python_function', files, requirements: [], pythonVersion: null },
    onnx: null,
    signature: { inputs, outputs: [] },
    graph: { inputs: [], outputs: [{ name: 'output', type: 'float', shape: [-1] }] },
    score: { output: 'output', index: 0 },
    primary: 'output',
    classes: null,
    contract: null,
    sample: [],
  });
  const { digest: packageDigest } = await blobs.put(canonicalJson(manifest));
  const input = join(directory, 'input.parquet');
  const rows = expected.rows.map((row, i) => `(${[i, ...row].join(', ')})`).join(', ');
  await frames.run(`COPY (SELECT * FROM (VALUES ${rows}) v(id, a, b, c, d)) TO '${input}' (FORMAT parquet)`);
  const { digest } = await blobs.put(createReadStream(input));
  const workDir = await mkdtemp(join(directory, 'work-'));
  const outputs = await runBatch(
    batchInputsSchema.parse({
      model: 'booster',
      modelVersion: '1',
      packageDigest,
      endpoint: null,
      routeVersion: 0,
      entityFeature: null,
      eventTimeFeature: null,
      source: { kind: 'file', name: input, digests: [digest] },
      format: 'parquet',
      keep: ['id'],
      log: false,
      requestedAtMs: 0,
    }),
    {
      batchId: 'b',
      context: { blobs, signal: new AbortController().signal, workDir, log: () => {} },
      parts: {
        done: async () => ({ items: [], staged: null }),
        keep: async () => undefined,
        stage: async () => undefined,
        window: () => Promise.reject(new Error('its inputs name what is read')),
        logPolicy: () => Promise.reject(new Error('nothing is logged')),
      },
      python: {
        python,
        directory: join(directory, 'host'),
        mode: 'given',
        wheels: null,
        cacheBytes: 1e9,
        workers: 1,
        memoryBytes: 2e9,
        timeoutMs: 60_000,
      },
    },
  );
  assert.deepEqual([outputs.rows, outputs.failedRows], [expected.rows.length, 0]);
  const path = await blobs.path(outputs.digest);
  const answered = await frames.query(`SELECT prediction FROM read_parquet('${path}') ORDER BY id`);
  assert.deepEqual(
    answered.map((row) => row.prediction),
    expected.values,
  );
});
