import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServing, storePackage, tableOf, testRoute } from '../../../../test/support/serving.ts';
import { identityOnnx, identityPackage } from '../../../platform/onnx/testing.ts';
import { readStacked } from './stacked-tensors.ts';

test('a model of whole tensors takes them stacked, and one of them for each row', async (t) => {
  const { url, blobs, replica } = await startTestServing(t);
  const { signature, graph, score } = identityPackage();
  const ofTwo = <T extends { shape: number[] }>(tensor: T) => ({
    ...tensor,
    shape: [2, tensor.shape.at(-1) ?? 1],
  });
  const whole = {
    signature: { ...signature, inputs: signature.inputs.map(ofTwo) },
    graph: { inputs: graph.inputs.map(ofTwo), outputs: graph.outputs.map(ofTwo) },
    score,
    tensors: 'whole' as const,
    primary: 'vector_out',
  };
  await replica.applyRoutes(tableOf(testRoute(await storePackage(blobs, identityOnnx(), whole))));
  const text = [['a'], ['b']];
  const number = [[1], [2]];
  const vector = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  const stacked = text.map((_, i) => ({ text: text[i], number: number[i], vector: vector[i] }));
  const requests = [
    [{ inputs: { text, number, vector } }, vector],
    [{ instances: stacked }, vector],
    [{ instances: [{ text, number, vector }] }, [vector]],
    [
      { inputs: { text: [text, text], number: [number, number], vector: [vector, vector] } },
      [vector, vector],
    ],
  ] as const;
  for (const path of ['/v1/models/test:predict', '/invocations']) {
    const post = async (body: object) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: answer.status, json: JSON.parse(await answer.text()) };
    };
    for (const [body, predictions] of requests) {
      const { status, json } = await post(body);
      assert.deepEqual([status, json.predictions], [200, predictions], JSON.stringify(body));
    }
    const ragged = { inputs: { text, number, vector: [[1, 2, 3], [4]] } };
    assert.equal((await post(ragged)).status, 400);
    assert.equal((await post({ instances: stacked.slice(1) })).status, 400);
  }
});

test('what does not stack to the dimensions of every input is no stack', () => {
  const input = { name: 'x', type: 'float' as const, required: true };
  const one = { inputs: [{ ...input, shape: [1, -1] }], outputs: [] };
  assert.deepEqual(readStacked('instances', [[1, 2]], one)?.tensors[0]?.data, [[[1, 2]]]);
  assert.deepEqual(readStacked('inputs', { x: [[1, 2]] }, one)?.tensors[0]?.data, [[[1, 2]]]);
  for (const value of [[1, 2], [[[1, 2]]], [[1], [2]], [{ x: 1 }], [{ y: [1] }], [], 7])
    assert.equal(readStacked('instances', value, one), null, JSON.stringify(value));
  assert.equal(readStacked('dataframe_split', { data: [[1, 2]] }, one), null);
  const free = { inputs: [{ ...input, shape: [-1] }], outputs: [] };
  assert.deepEqual(readStacked('instances', [1, 2], free)?.tensors[0]?.data, [[1, 2]]);
  for (const value of [
    [1, [2]],
    [[1], 2],
    [[1, 2], [3]],
  ])
    assert.equal(readStacked('instances', value, free), null, JSON.stringify(value));
  const square = { inputs: [{ ...input, shape: [-1, -1] }], outputs: [] };
  for (const value of [
    [[1, 2], [3]],
    [
      [1, 2],
      [3, [4]],
    ],
    [[[1]], [[2], [3]]],
  ])
    assert.equal(readStacked('instances', value, square), null, JSON.stringify(value));
  const two = { inputs: [...one.inputs, { ...input, name: 'y', shape: [2] }], outputs: [] };
  assert.equal(readStacked('inputs', [[1, 2]], two), null);
});
