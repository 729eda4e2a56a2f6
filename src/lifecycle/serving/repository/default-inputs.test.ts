import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addedOnnx } from '../../../platform/onnx/testing.ts';
import type { RepositoryEntry } from '../contract/model-repository.ts';
import { type TestRepository, testRepository } from './testing.ts';

const config = (maxBatchSize: number) =>
  `max_batch_size: ${maxBatchSize} input { name: "x" data_type: TYPE_FP32 dims: 2 } input { name: "d" data_type: TYPE_FP32 dims: 2 optional: true }`;

async function sum({ serving }: TestRepository, given: Readonly<Record<string, readonly number[]>>) {
  const reply = await serving.plane.predict({
    endpoint: 'm',
    version: null,
    rowCount: 1,
    tensors: Object.entries(given).map(([name, data]) => ({ name, width: 2, data, shape: [2] })),
    extras: 'refuse',
    predictionIds: null,
    entities: null,
    eventTimesMs: null,
    receivedAtMs: Date.now(),
    startedMs: performance.now(),
  });
  return Array.from(reply.outputs[0]?.values() ?? []);
}

test('an optional input has the value of its initializer where a request leaves it out', async (t) => {
  const files = { 'm/1/model.onnx': addedOnnx([10, 20]), 'm/config.pbtxt': config(0) };
  const repository = await testRepository(t, files);
  assert.deepEqual(await sum(repository, { x: [1, 2] }), [11, 22]);
  assert.deepEqual(await sum(repository, { x: [1, 2], d: [5, 6] }), [6, 8]);
  await assert.rejects(sum(repository, { d: [5, 6] }), {
    code: 'inputs_missing',
    message: /number of inputs between 1 and 2 but got 1 .* missing required input\(s\) \['x'\]/,
  });

  await repository.put('m/config.pbtxt', config(8));
  await repository.poll();
  const [entry] = repository.serving.repository.index() as readonly RepositoryEntry[];
  assert.match(
    entry?.reason ?? '',
    /input 'd' has a value of its own in the graph, so max_batch_size must be 0/,
  );
});
