import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readExample, readMlmodel } from './read-mlmodel.ts';
import { readSample } from './sample.ts';

test('a model of nested inputs without an example is tried on a row of what must be there', () => {
  const text = { type: 'string', required: true };
  const message = {
    type: 'object',
    properties: { role: text, content: text, name: { ...text, required: false } },
  };
  const inputs = [
    { name: 'messages', type: 'array', items: message, required: true },
    { name: 'options', type: 'map', values: text, required: true },
    { name: 'temperature', type: 'double', required: false },
    { name: 'limit', type: 'long', required: true },
  ];
  const model = readMlmodel(
    JSON.stringify({
      flavors: { python_function: { python_version: '3.11.4' } },
      signature: { inputs: JSON.stringify(inputs) },
    }),
  );
  assert.deepEqual(readSample(model.emptyExample, model.inputs ?? []), [
    { messages: '[{"role":"","content":""}]', options: '{}', limit: 0 },
  ]);
});

test('objects of type hints have no name: an example is a list of them', () => {
  const properties = { n: { type: 'long', required: true } };
  const signature = { inputs: JSON.stringify([{ type: 'object', properties, required: true }]) };
  const model = readMlmodel(JSON.stringify({ flavors: { python_function: {} }, signature }));
  const sampleOf = (example: string | null) => readSample(example, model.inputs ?? []);
  assert.deepEqual(sampleOf(model.emptyExample), [{ input: '{"n":0}' }]);
  assert.deepEqual(sampleOf('[{"n": 1}, {"n": 2}]'), [{ input: '{"n":1}' }, { input: '{"n":2}' }]);
});

test('an example frame may have lists and objects in its cells', () => {
  const inputs = [
    { type: 'array', name: 'words', items: { type: 'string' }, required: true },
    { type: 'double', name: 'x', required: true },
  ];
  const signature = { inputs: JSON.stringify(inputs) };
  const model = readMlmodel(JSON.stringify({ flavors: { python_function: {} }, signature }));
  assert.deepEqual(
    readSample('{"columns": ["words", "x"], "data": [[["a"], 1], [null, 2]]}', model.inputs ?? []),
    [
      { words: '["a"]', x: 1 },
      { words: null, x: 2 },
    ],
  );
});

test('tensors that no column holds, and those whose first dimension counts no rows, are told apart', () => {
  const read = (dtype: string, ...shape: number[]) => {
    const signature = { inputs: JSON.stringify([{ type: 'tensor', 'tensor-spec': { dtype, shape } }]) };
    const model = readMlmodel(JSON.stringify({ flavors: { python_function: {} }, signature }));
    return [model.inputs?.[0]?.shape, model.noColumns, model.fixedRows];
  };
  const tensors = (...specs: [dtype: string, shape: number[], name?: string][]) => {
    const inputs = specs.map(([dtype, shape, name]) => ({
      type: 'tensor',
      ...(name ? { name } : {}),
      'tensor-spec': { dtype, shape },
    }));
    const signature = { inputs: JSON.stringify(inputs) };
    return readMlmodel(JSON.stringify({ flavors: { python_function: {} }, signature })).tensors;
  };
  assert.deepEqual(tensors(['uint64', [-1, -1]]), [{ name: 'input', type: 'uint64', shape: [-1, -1] }]);
  assert.deepEqual(tensors(['<U12', [-1], 'word'], ['float16', [-1, -1], 'gain']), [
    { name: 'word', type: 'string', shape: [-1] },
    { name: 'gain', type: 'float', datatype: 'FP16', shape: [-1, -1] },
  ]);
  assert.equal(tensors(['complex64', [-1, -1]]), null);
  assert.deepEqual(read('float32', -1, 3), [[3], null, false]);
  assert.deepEqual(read('float32', 1, 3), [[3], null, true]);
  for (const dtype of ['uint64', 'datetime64[ns]', 'complex64'])
    assert.deepEqual(read(dtype, -1, 3), [
      undefined,
      `it has a tensor of ${dtype}, which no column has`,
      false,
    ]);
});

test('a classifier may be logged to predict probabilities; other methods have no ONNX form', () => {
  const read = (predict_fn?: string) => {
    const { converter, predictsProbabilities } = readMlmodel(
      JSON.stringify({ flavors: { sklearn: {}, python_function: { predict_fn } } }),
    );
    return [converter, predictsProbabilities];
  };
  assert.deepEqual([undefined, 'predict', 'predict_proba', 'predict_log_proba'].map(read), [
    [true, false],
    [true, false],
    [true, true],
    [false, false],
  ]);
});

test('columns that are numbers, as of frames made of arrays, have names like all others', () => {
  const model = readMlmodel(
    JSON.stringify({
      flavors: { sklearn: {}, python_function: {} },
      signature: { inputs: JSON.stringify([0, 1].map((name) => ({ name, type: 'double', required: true }))) },
    }),
  );
  assert.deepEqual(
    model.inputs?.map((field) => field.name),
    ['0', '1'],
  );
});

test('an input example with values that are missing is read as MLflow writes it', () => {
  const fields = [{ name: 'a', type: 'double' as const, required: true, shape: [] }];
  assert.deepEqual(readSample('{"columns": ["a"], "data": [[NaN], [1.5]]}', fields), [
    { a: null },
    { a: 1.5 },
  ]);
});

test('an example may be one text, values by name of one row or of several, with params beside it', () => {
  const field = (name: string) => ({ name, type: 'string' as const, required: true, shape: [] });
  const read = (example: unknown, ...names: string[]) =>
    readExample(JSON.stringify(example), names.map(field));
  assert.deepEqual(read('hello [MASK]', 'input'), [{ input: 'hello [MASK]' }]);
  assert.deepEqual(read({ inputs: ['a', 'b'], params: { k: 2 } }, 'input'), [{ input: 'a' }, { input: 'b' }]);
  assert.deepEqual(read({ text: 'a', labels: 'b' }, 'text', 'labels'), [{ text: 'a', labels: 'b' }]);
  assert.deepEqual(read({ text: ['a', 'c'], labels: ['b', 'd'] }, 'text', 'labels'), [
    { text: 'a', labels: 'b' },
    { text: 'c', labels: 'd' },
  ]);
  assert.deepEqual(read({ text: ['a'], labels: ['b', 'd'] }, 'text', 'labels'), []);
  assert.deepEqual(read({ text: 'a' }, 'text', 'labels'), []);
  // As MLflow keeps lists of some pipelines of transformers.
  const labels = { ...field('labels'), json: true as const };
  const kept = readExample(JSON.stringify({ text: 'a', labels: '["b", "d"]' }), [field('text'), labels]);
  assert.deepEqual(kept, [{ text: 'a', labels: '["b", "d"]' }]);
  assert.deepEqual(readExample('{"labels": "[b"}', [labels]), [{ labels: '"[b"' }]);
});
