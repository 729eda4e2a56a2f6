import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RepositoryEntry } from '../contract/model-repository.ts';
import type { PredictRequest } from '../index.ts';
import { int64, oneNodeOnnx, type TestRepository, testRepository } from './testing.ts';

const negate = oneNodeOnnx('Neg', ['N', 2]);
const absolute = oneNodeOnnx('Abs', ['N', 2]);

interface StepText {
  readonly model: string;
  readonly takes: string;
  readonly gives: string;
  readonly more?: string;
}

/** A configuration whose steps take `x` and give `y` each, under other names. */
function ensemble(steps: readonly StepText[], outer = 'max_batch_size: 8', dims = '2'): string {
  const tensor = (name: string) => `{ name: "${name}" data_type: TYPE_FP32 dims: [ ${dims} ] }`;
  const step = ({ model, takes, gives, more = '' }: StepText) => `step {
    model_name: "${model}" model_version: -1 ${more}
    input_map { key: "x" value: "${takes}" } output_map { key: "y" value: "${gives}" } }`;
  return `platform: "ensemble" ${outer} input ${tensor('in')} output ${tensor('out')}
    ensemble_scheduling { ${steps.map(step).join('\n')} }`;
}

const basicRequest: Omit<PredictRequest, 'tensors'> = {
  endpoint: 'e',
  version: null,
  rowCount: 1,
  extras: 'refuse',
  predictionIds: null,
  entities: null,
  eventTimesMs: null,
  receivedAtMs: Date.now(),
  startedMs: performance.now(),
};

async function out({ serving }: TestRepository, data: readonly number[], shape: readonly number[]) {
  const rowCount = data.length / 2;
  const request: PredictRequest = {
    ...basicRequest,
    rowCount: shape.length === 1 ? rowCount : 1,
    tensors: [{ name: 'in', width: shape.length === 1 ? 2 : data.length, data, shape }],
  };
  const { outputs } = await serving.plane.predict(request);
  return outputs.map((o) => ({ name: o.name, values: Array.from(o.values()) }));
}

const problemOf = ({ serving }: TestRepository, name = 'e') =>
  (serving.repository.index() as readonly RepositoryEntry[]).find((entry) => entry.name === name)?.reason;

const serve = (t: TestContext, config: string, more: Readonly<Record<string, Uint8Array | string>> = {}) =>
  testRepository(t, {
    'neg/1/model.onnx': negate,
    'abs/1/model.onnx': absolute,
    'e/config.pbtxt': config,
    ...more,
  });

test('steps are taken in the order of their tensors, row by row, and follow a model that changes', async (t) => {
  const repository = await serve(
    t,
    ensemble([
      { model: 'neg', takes: 'middle', gives: 'out' },
      { model: 'abs', takes: 'in', gives: 'middle' },
    ]),
  );
  assert.deepEqual(await out(repository, [1, -2, 3, -4], [2]), [{ name: 'out', values: [-1, -2, -3, -4] }]);
  assert.equal(repository.serving.repository.config('e', '1')?.platform, 'ensemble');

  await repository.put('abs/2/model.onnx', negate);
  await repository.poll();
  assert.deepEqual(await out(repository, [1, -2], [2]), [{ name: 'out', values: [1, -2] }]);
});

test('models that count rows and models that count none pass tensors on to each other', async (t) => {
  const steps: StepText[] = [
    { model: 'neg', takes: 'in', gives: 'a' },
    { model: 'whole', takes: 'a', gives: 'b' },
    { model: 'abs', takes: 'b', gives: 'out' },
  ];
  const whole = {
    'whole/1/model.onnx': oneNodeOnnx('Neg', ['A', 'B']),
    'whole/config.pbtxt': 'max_batch_size: 0',
  };
  const batched = await serve(t, ensemble(steps), whole);
  assert.deepEqual(await out(batched, [1, -2, 3, -4], [2, 2]), [{ name: 'out', values: [1, 2, 3, 4] }]);
  await batched.put('e/config.pbtxt', ensemble(steps, 'max_batch_size: 0', '2, 2'));
  await batched.poll();
  assert.deepEqual(await out(batched, [1, -2, 3, -4], [2, 2]), [{ name: 'out', values: [1, 2, 3, 4] }]);
});

test('a load brings the parts along, an unload takes them along when asked to', async (t) => {
  const repository = await testRepository(
    t,
    {
      'neg/1/model.onnx': negate,
      'inner/config.pbtxt': ensemble([{ model: 'neg', takes: 'in', gives: 'out' }]),
      'e/config.pbtxt': ensemble([{ model: 'inner', takes: 'in', gives: 'out' }])
        .replace('"x"', '"in"')
        .replace('"y"', '"out"'),
    },
    { loadOnly: [] },
  );
  const { repository: models } = repository.serving;
  const ready = () =>
    (models.index() as readonly RepositoryEntry[]).filter((m) => m.state === 'READY').map((m) => m.name);
  assert.deepEqual(ready(), []);
  await models.load('e');
  assert.deepEqual(ready(), ['e', 'inner', 'neg']);
  assert.deepEqual(await out(repository, [1, -2], [2]), [{ name: 'out', values: [-1, 2] }]);
  await models.unload('e', true);
  assert.deepEqual(ready(), []);
});

test('an ensemble takes and gives tensors in another shape than its steps where it is reshaped', async (t) => {
  const config = (outer: string, dims: string, inside: string) =>
    ensemble([{ model: 'pairs', takes: 'in', gives: 'out' }], outer, dims).replaceAll(
      `dims: [ ${dims} ]`,
      `dims: [ ${dims} ] reshape { shape: [ ${inside} ] }`,
    );
  const repository = await testRepository(t, { 'pairs/1/model.onnx': oneNodeOnnx('Neg', ['N', 'M', 1, 2]) });
  for (const [outer, dims, inside, shape] of [
    ['max_batch_size: 8', '4', '2, 1, 2', [4]],
    ['max_batch_size: 8', '-1, 2', '-1, 1, 2', [2, 2]],
    ['max_batch_size: 0', '1, 4', '1, 2, 1, 2', [1, 4]],
    ['max_batch_size: 0', '-1, 2, 2', '-1, 2, 1, 2', [1, 2, 2]],
  ] as const) {
    await repository.put('e/config.pbtxt', config(outer, dims, inside));
    await repository.poll();
    assert.equal(problemOf(repository), '', dims);
    const request: PredictRequest = {
      ...basicRequest,
      tensors: [{ name: 'in', width: 4, data: [1, -2, 3, -4], shape }],
    };
    const { outputs } = await repository.serving.plane.predict(request);
    const told = outer.endsWith('8') ? [1, ...shape] : shape;
    assert.deepEqual(
      outputs.map((o) => ({ shape: o.shape, values: Array.from(o.values()) })),
      [{ shape: told, values: [-1, 2, -3, 4] }],
      dims,
    );
  }
});

test('what does not fit together is told in Triton’s words', async (t) => {
  const one = { model: 'neg', takes: 'in', gives: 'out' };
  const repository = await serve(t, ensemble([one]), {
    'whole/1/model.onnx': oneNodeOnnx('Neg', ['N', 2], int64),
    'e2/config.pbtxt': ensemble([{ ...one, model: 'e' }]),
    'abs/inner/1/model.onnx': absolute,
    'abs,-1/1/model.onnx': absolute,
  });
  for (const [config, problem] of [
    ['platform: "ensemble"', /ensemble scheduling must be set for ensemble e/],
    [
      `backend: "onnxruntime" ${ensemble([one]).replace('platform: "ensemble"', '')}`,
      /must have platform type 'ensemble'/,
    ],
    [ensemble([]), /must specify 'step' for ensemble 'e'/],
    [ensemble([{ ...one, model: '' }]), /must specify 'model_name' in step 0 of ensemble 'e'/],
    [ensemble([{ ...one, model: 'nowhere' }]), /models that are not available or ambiguous: nowhere/],
    [
      ensemble([{ ...one, more: 'model_version: 7' }]),
      /depends on 'neg' whose required version 7 is not loaded/,
    ],
    [ensemble([{ ...one, takes: 'nothing' }]), /ensemble tensor 'nothing' .* is not written/],
    [ensemble([{ ...one, gives: 'other' }]), /output 'out' for ensemble 'e' is not written/],
    [ensemble([one, { ...one, model: 'abs' }]), /'out' can appear in an output map only once/],
    [ensemble([one]).replace('"x"', '"z"'), /mapping to non-existing input z in model neg/],
    [ensemble([one]).replace('"y"', '"z"'), /mapped from non-existing output z in model neg/],
    [ensemble([{ ...one, model: 'whole' }]), /inconsistent data type: TYPE_FP32 .* TYPE_INT64 .* whole/],
    [ensemble([one], 'max_batch_size: 8', '3'), /inconsistent shape: \[-1,3\] .* \[-1,2\] .* neg/],
    [ensemble([{ ...one, model: 'abs/inner' }]), /'abs\/inner': model name must not contain path traversal/],
    [ensemble([{ ...one, model: 'abs,-1' }]), /'abs,-1': .* names of models are letters, digits/],
    [ensemble([{ ...one, model: 'e2' }]), /not available or ambiguous: e2|circular/],
  ] as const) {
    await repository.put('e/config.pbtxt', config);
    await repository.poll();
    assert.match(problemOf(repository) ?? '', problem, config);
    assert.deepEqual(await out(repository, [1, -2], [2]), [{ name: 'out', values: [-1, 2] }]);
  }
});
