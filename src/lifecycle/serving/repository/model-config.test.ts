import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseVersions } from './choose-versions.ts';
import { optionsOf } from './endpoint-options.ts';
import { readConfigJson, readConfigText } from './model-config.ts';
import { readPbtxt } from './read-pbtxt.ts';

test('the text format: lists, nested messages, comments, joined and escaped texts, every kind of number', () => {
  const { fields } = readPbtxt(`
    name: "a" 'b' # joined
    path: "tab\\t\\x41\\101 \\303\\244"
    sizes: [ 1, -2, 0x10 ]  sizes: 3;
    share: 1.5e1f, on: true
    list [ { key: 'k' }, { key: "l" } ]
    old < deep { word: KIND_CPU } >
  `);
  assert.deepEqual(fields.get('name'), ['ab']);
  assert.deepEqual(fields.get('path'), ['tab\tAA ä']);
  assert.deepEqual(fields.get('sizes'), [1, -2, 16, 3]);
  assert.deepEqual([...(fields.get('share') ?? []), ...(fields.get('on') ?? [])], [15, true]);
  assert.equal(fields.get('list')?.length, 2);
  for (const [bad, line] of [
    ['a: 1\nb {', 2],
    ['a: \n}', 2],
    ['a 1', 1],
    ['\n\n?', 3],
    ['a: 1\nb: 08', 2],
    ['a {'.repeat(100_000), 1],
    [`a: "${'x'.repeat(1_000_000)}"`, 1],
  ] as const) {
    assert.throws(() => readPbtxt(bad), { name: 'PbSyntaxError', line });
  }
});

const text = `
  name: "m"
  platform: "onnxruntime_onnx"
  max_batch_size: 8
  input { name: "x" data_type: TYPE_FP32 dims: [ 3, -1 ] format: FORMAT_NCHW }
  input { name: "y" data_type: TYPE_INT64 dims: 2 dims: 2 reshape: { shape: [ 4 ] } }
  output [ { name: "z" data_type: TYPE_FP32 dims: [ 1 ] label_filename: "labels.txt" } ]
  version_policy: { specific { versions: [ 1, 3 ] } }
  dynamic_batching {
    preferred_batch_size: [ 4, 8 ]
    max_queue_delay_microseconds: 100
    default_queue_policy { max_queue_size: 50 default_timeout_microseconds: 2000 }
  }
  instance_group [ { kind: KIND_CPU count: 2 } ]
  parameters { key: "threads" value: { string_value: "2" } }
  optimization { cuda { graphs: true } }
  sequence_batching { }
`;

test('config.pbtxt and its JSON form say the same; what changes nothing is named', () => {
  const { config, ignored } = readConfigText(text);
  assert.deepEqual(
    config.input?.map((i) => [i.name, i.data_type, i.dims, i.reshape?.shape, i.format]),
    [
      ['x', 'TYPE_FP32', [3, -1], undefined, 'FORMAT_NCHW'],
      ['y', 'TYPE_INT64', [2, 2], [4], undefined],
    ],
  );
  assert.deepEqual(ignored, ['optimization', 'sequence_batching']);
  const json = readConfigJson(
    '{"maxBatchSize":"8","versionPolicy":{"specific":{"versions":["1",3]}},"parameters":{"useThis":{"stringValue":"2"}}}',
  ).config;
  assert.deepEqual(json.max_batch_size, 8);
  assert.deepEqual(json.version_policy, config.version_policy);
  assert.deepEqual(json.parameters, { useThis: { string_value: '2' } });
  assert.throws(() => readConfigJson('"max_batch_size": 1'), /not JSON|JSON object/);
  assert.throws(() => readConfigText('max_batch_size: "many"'), /max_batch_size/);
  assert.throws(
    () => readConfigText('max_batchsize: 8'),
    /no field "max_batchsize"; did you mean "max_batch_size"/,
  );
  assert.deepEqual(
    readConfigText(
      'ensemble_scheduling { step { model_name: "m" input_map { key: "x" value: "a" } output_map { key: "y" value: "b" } } }',
    ).config.ensemble_scheduling,
    readConfigJson(
      '{"ensembleScheduling": {"step": [{"modelName": "m", "modelVersion": "-1", "inputMap": {"x": "a"}, "outputMap": {"y": "b"}}]}}',
    ).config.ensemble_scheduling,
  );
  assert.deepEqual(readConfigText('instance_group { kind: KIND_GPU }').ignored, ['instance_group.kind']);
});

test('booleans by each of their words, enums by number and octal numbers are read as protobuf reads them', () => {
  const input = (optional: string) =>
    `input { name: "x" data_type: 11 format: 2 dims: 010 optional: ${optional} }`;
  for (const yes of ['true', 'True', 't', '1']) {
    assert.deepEqual(readConfigText(input(yes)), readConfigText(input('true').replace('11', 'TYPE_FP32')));
  }
  for (const no of ['false', 'False', 'f', '0']) {
    const [tensor] = readConfigText(input(no)).config.input ?? [];
    assert.deepEqual(
      [tensor?.optional, tensor?.dims, tensor?.data_type, tensor?.format],
      [false, [8], 'TYPE_FP32', 'FORMAT_NCHW'],
    );
  }
  assert.deepEqual(readConfigText('instance_group { kind: 1 }').ignored, ['instance_group.kind']);
  assert.deepEqual(
    readConfigJson('{"dynamicBatching":{"defaultQueuePolicy":{"timeoutAction":1}}}').ignored,
    readConfigText('dynamic_batching { default_queue_policy { timeout_action: DELAY } }').ignored,
  );
  assert.throws(() => readConfigText('input { name: "x" data_type: 99 }'), /data_type/);
  assert.throws(() => readConfigText('input { name: "x" optional: 2 }'), /optional/);
});

test('batching, queue and cache of a configuration become options of the endpoint', () => {
  const { batching, timeoutMs, cache } = optionsOf(readConfigText(text).config);
  assert.deepEqual(batching, { maxRows: 8, maxDelayUs: 100, maxWaitingRows: 50 });
  assert.deepEqual([timeoutMs, cache], [2, null]);
  const cached = optionsOf(readConfigText('response_cache { enable: true }').config);
  assert.ok(cached.cache);
  assert.equal(cached.batching.maxRows, null);
});

test('what Triton bounds by nothing is taken as far as it goes here, and a long wait is told of', () => {
  const { config, ignored } = readConfigText(`max_batch_size: 100000 dynamic_batching {
    max_queue_delay_microseconds: 10000000
    default_queue_policy { max_queue_size: 2000000 default_timeout_microseconds: 7200000000 } }`);
  assert.deepEqual(ignored, ['dynamic_batching.max_queue_delay_microseconds above 1000000']);
  const { batching, timeoutMs } = optionsOf(config);
  assert.deepEqual(batching, { maxRows: 65_536, maxDelayUs: 1_000_000, maxWaitingRows: 1_000_000 });
  assert.equal(timeoutMs, 3_600_000);
  const negative = readConfigText('dynamic_batching { max_queue_delay_microseconds: -1 }').config;
  assert.throws(() => optionsOf(negative), /^Error: the configuration: .*>=0.*batching\.maxDelayUs/s);
});

test('the policy chooses versions: the newest, some newest, all, named ones', () => {
  const existing = ['2', '9', '10'];
  const chosen = (policy: string) => chooseVersions(readConfigText(policy).config.version_policy, existing);
  assert.deepEqual(chosen('').wanted, ['10']);
  assert.deepEqual(chosen('version_policy { latest { num_versions: 2 } }').wanted, ['9', '10']);
  assert.deepEqual(chosen('version_policy { all { } }').wanted, existing);
  assert.deepEqual(chosen('version_policy: { specific: { versions: [9, 7, 2] } }'), {
    wanted: ['2', '9'],
    missing: ['7'],
  });
});
