import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellRows, FlatRows, type Prediction } from '../../../platform/onnx/index.ts';
import { ResponseCache } from './response-cache.ts';

const prediction = (values: number[]): Prediction => ({
  rowCount: values.length,
  outputs: [
    { name: 'y', type: 'float', shape: [values.length, 1], width: 1, data: Float32Array.from(values) },
    { name: 'label', type: 'int64', shape: [values.length], width: 1, data: values.map((v) => v * 10) },
  ],
  score: Float64Array.from(values),
});
const block = (...cells: unknown[]) => cellRows([cells]);

test('an answer is remembered without the batch that it was computed in', () => {
  const cache = new ResponseCache('sha256:a', { maxEntries: 2, maxAgeMs: null });
  const key = cache.keyOf(new FlatRows([1, 2], 2, 1));
  assert.equal(cache.get(key, 0), null);
  cache.set(key, { prediction: prediction([1, 2, 3]), from: 1 }, 1, 0);
  const known = cache.get(key, 1e9)!;
  assert.equal(known.from, 0);
  assert.deepEqual(
    known.prediction.outputs.map((o) => [o.name, [...o.shape], Array.from(o.data)]),
    [
      ['y', [1, 1], [2]],
      ['label', [1], [20]],
    ],
  );
  assert.deepEqual([...known.prediction.score!], [2]);
  assert.equal((known.prediction.outputs[0]!.data as Float32Array).buffer.byteLength, 4);
});

test('the least lately used goes first, and old ones are forgotten', () => {
  const cache = new ResponseCache('sha256:a', { maxEntries: 2, maxAgeMs: 100 });
  const keys = [1, 2, 3].map((v) => cache.keyOf(block(v)));
  for (const key of keys.slice(0, 2)) cache.set(key, { prediction: prediction([1]), from: 0 }, 1, 0);
  assert.ok(cache.get(keys[0]!, 1));
  cache.set(keys[2]!, { prediction: prediction([1]), from: 0 }, 1, 50);
  assert.equal(cache.size, 2);
  assert.deepEqual(
    keys.map((key) => cache.get(key, 60) !== null),
    [true, false, true],
  );
  assert.deepEqual(
    keys.map((key) => cache.get(key, 100) !== null),
    [false, false, true],
  );
});

test('what all answers take is bounded: the least lately used go, and one that is too large is not kept', () => {
  const cache = new ResponseCache('sha256:a', { maxEntries: 100, maxAgeMs: null }, 30_000);
  const of = (count: number) => prediction(Array.from({ length: count }, (_, i) => i));
  const keys = [1, 2, 3].map((v) => cache.keyOf(block(v)));
  for (const key of keys) cache.set(key, { prediction: of(400), from: 0 }, 400, 0);
  assert.deepEqual(
    keys.map((key) => cache.get(key, 0) !== null),
    [false, true, true],
  );
  for (let i = 0; i < 9; i++) cache.set(keys[1]!, { prediction: of(400), from: 0 }, 400, 0);
  assert.equal(cache.size, 2);
  cache.set(keys[0]!, { prediction: of(4000), from: 0 }, 4000, 0);
  assert.equal(cache.size, 2);
});

test('inputs share an entry only when every cell, the model and the params are the same', () => {
  const cache = new ResponseCache('sha256:a', { maxEntries: 9, maxAgeMs: null });
  const other = new ResponseCache('sha256:b', { maxEntries: 9, maxAgeMs: null });
  const keys = [
    cache.keyOf(block(1, null)),
    cache.keyOf(block(1, undefined)),
    cache.keyOf(block(1, Number.NaN)),
    cache.keyOf(block(1, undefined, null)),
    cache.keyOf(block('1', null)),
    cache.keyOf(block(1n, null)),
    cache.keyOf(block(-0, null)),
    cache.keyOf(block(0, null)),
    cache.keyOf(block([1, [2]])),
    cache.keyOf(block([[1], 2])),
    cache.keyOf(cellRows([[1], [null]])),
    cache.keyOf(block(1, null), '{"a":1}'),
    other.keyOf(block(1, null)),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(cache.keyOf(new FlatRows(Float32Array.of(0.1, 2), 2, 1)), cache.keyOf(block(0.1, 2)));
});
