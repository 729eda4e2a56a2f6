import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Prediction } from '../../../platform/onnx/index.ts';
import { Batcher } from './batcher.ts';

type Rows = readonly (readonly unknown[])[];
const name = { model: 'm', version: '1' };
const limits = { maxRows: 8, maxWaitingRows: 20 };

/** Doubles each number; refuses a batch that holds a negative one. */
function doubling(sizes: number[] = []) {
  return async (rows: Rows): Promise<Prediction> => {
    sizes.push(rows.length);
    await new Promise((resolve) => setImmediate(resolve));
    const values = rows.map(([v]) => Number(v));
    if (values.some((v) => v < 0)) throw new Error('negative');
    const data = values.map((v) => v * 2);
    return {
      rowCount: rows.length,
      outputs: [{ name: 'y', type: 'float', shape: [rows.length, 1], width: 1, data }],
      score: null,
    };
  };
}
const values = async (part: ReturnType<Batcher['predict']>, rows: number) => {
  const { prediction, from } = await part;
  return Array.from(prediction.outputs[0]!.data).slice(from, from + rows);
};

test('what arrives in one turn is one batch, and everybody gets the own rows', async () => {
  const sizes: number[] = [];
  const batcher = new Batcher(doubling(sizes), name, limits);
  const parts = [[[1]], [[2], [3]], [[4]]].map((rows) => values(batcher.predict(rows, 'e'), rows.length));
  assert.deepEqual(await Promise.all(parts), [[2], [4, 6], [8]]);
  assert.deepEqual(sizes, [4]);
  assert.equal(batcher.idle, true);
});

test('batches keep to the largest size, but a request is never cut', async () => {
  const sizes: number[] = [];
  const batcher = new Batcher(doubling(sizes), name, limits);
  const big = Array.from({ length: 12 }, () => [1]);
  await Promise.all([
    batcher.predict([[1], [1], [1]], 'e'),
    batcher.predict(big.slice(0, 6), 'e'),
    batcher.predict(big.slice(0, 9), 'e'),
  ]);
  assert.deepEqual(sizes, [3, 6, 9]);
});

test('a bad request fails alone', async () => {
  const batcher = new Batcher(doubling(), name, limits);
  const results = await Promise.allSettled(
    [[[1]], [[-1]], [[3]]].map((rows) => values(batcher.predict(rows, 'e'), 1)),
  );
  assert.deepEqual(
    results.map((r) => (r.status === 'fulfilled' ? r.value : r.reason.code)),
    [[2], 'inference_failed', [6]],
  );
});

test('too many waiting rows are refused at once', async () => {
  const batcher = new Batcher(doubling(), name, limits);
  const first = batcher.predict(
    Array.from({ length: 18 }, () => [1]),
    'e',
  );
  await assert.rejects(batcher.predict([[1], [2], [3]], 'e'), {
    code: 'queue_full',
    message: /18 rows wait/,
  });
  assert.equal((await first).prediction.rowCount, 18);
});
