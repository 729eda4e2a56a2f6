import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { z } from 'zod';
import type { Digest } from '../../core/json.ts';
import type { packageManifestSchema } from '../../core/model-package.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import { Frames, sqlLiteral } from '../../platform/frames/index.ts';
import { importOnnx } from '../../platform/onnx/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import { type EvaluateInputs, evaluateInputsSchema } from './contract.ts';

export const testRows = 6000;

/**
 * Rows whose label follows a logistic law of x1 and x2, in time order (one a minute from 2001-01-01), with a segment
 * column; every 50th label is missing. Made by hashing, so the same each time.
 */
const rowsSql = `
  WITH u AS (
    SELECT i, hash('a' || i) / 18446744073709551615.0 AS a, hash('b' || i) / 18446744073709551615.0 AS b,
      hash('c' || i) / 18446744073709551615.0 AS c
    FROM range(${testRows}) AS r(i)
  ), x AS (
    SELECT i, sqrt(-2 * ln(a + 1e-12)) * cos(2 * pi() * b) AS x1, sqrt(-2 * ln(a + 1e-12)) * sin(2 * pi() * b) AS x2, c
    FROM u
  )
  SELECT TIMESTAMP '2001-01-01' + INTERVAL (i) MINUTE AS departed, x1, x2,
    CASE WHEN i % 3 = 0 THEN 'ORD' WHEN i % 3 = 1 THEN 'ATL' WHEN i % 300 = 2 THEN NULL ELSE 'SFO' END AS origin,
    CASE WHEN i % 50 = 7 THEN NULL ELSE c < 1 / (1 + exp(-(1.5 * x1 - x2 - 1))) END AS late
  FROM x ORDER BY i`;

/** Real blobs and frames in a directory of their own, the test rows, and packages of logistic models. */
export async function openEvaluation(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-evaluation-'));
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '300MB', threads: 1 });
  t.after(async () => {
    await frames.close();
    await rm(directory, { recursive: true, force: true });
  });
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const path = join(directory, 'rows.parquet');
  await frames.query(`COPY (${rowsSql}) TO ${sqlLiteral(path)} (FORMAT parquet)`);
  const { digest: datasetDigest } = await blobs.put(await readFile(path));
  const put = async (manifest: z.input<typeof packageManifestSchema>): Promise<Digest> =>
    (await blobs.put(Buffer.from(JSON.stringify(manifest)))).digest;
  const logistic = async (
    w1: number,
    w2: number,
    b: number,
    change: Partial<z.input<typeof packageManifestSchema>> = {},
  ) => {
    const onnx = await blobs.put(Buffer.from(importOnnx(logisticOnnx(w1, w2, b)).bytes));
    return put({
      formatVersion: 1,
      model: 'late',
      onnx: onnx.digest,
      ...logisticPackage(),
      contract: null,
      sample: [],
      conversion: null,
      ...change,
    });
  };
  const lines: string[] = [];
  const context = {
    blobs,
    frames,
    signal: new AbortController().signal,
    log: (line: string) => void lines.push(line),
  };
  const inputs = (change: Partial<EvaluateInputs>): EvaluateInputs =>
    evaluateInputsSchema.parse({
      candidateDigest: '',
      championDigest: null,
      datasetDigest,
      holdout: { by: 'rows', fromRow: 3000, toRow: testRows },
      labelColumn: 'late',
      positiveClass: 'true',
      gates: [],
      ...change,
    });
  return { context, lines, logistic, inputs, path, frames };
}
