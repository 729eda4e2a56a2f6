import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutputTensor } from '../onnx/index.ts';
import { badScore, predictionOf } from './prediction.ts';

test('a score that is a text is told as one, and not repeated', () => {
  const manifest = { score: { output: 'y', index: 1 }, tensors: 'rows' } as never;
  const of = (type: OutputTensor['type'], data: OutputTensor['data']) =>
    predictionOf(manifest, [{ name: 'y', type, shape: [2, 2], width: 2, data }], 2);
  const texts = of('string', ['1', '2.5', '1', 'soon']);
  assert.deepEqual([...(texts.score ?? [])], [2.5, Number.NaN]);
  assert.equal(badScore(manifest, texts, 1), 'a text');
  assert.equal(badScore(manifest, of('double', [1, 2, 3, Number.NEGATIVE_INFINITY]), 1), '-Infinity');
});
