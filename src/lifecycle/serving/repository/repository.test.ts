import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../../platform/log/index.ts';
import { PythonHost } from '../../../platform/python-runtime/index.ts';
import type { RepositoryEntry } from '../contract/model-repository.ts';
import type { PredictRequest } from '../index.ts';
import { modelFolders } from './model-source.ts';
import { oneNodeOnnx, type TestRepository, testRepository } from './testing.ts';

const negate = oneNodeOnnx('Neg', ['N', 2]);
const absolute = oneNodeOnnx('Abs', ['N', 2]);
const damaged = new Uint8Array([1, 2, 3]);

/** Asks a model for y of [1, -2]. */
async function answer({ serving }: TestRepository, model = 'm', version: string | null = null) {
  const request: PredictRequest = {
    endpoint: model,
    version,
    rowCount: 1,
    tensors: [{ name: 'x', width: 2, data: [1, -2], shape: [2] }],
    extras: 'refuse',
    predictionIds: null,
    entities: null,
    eventTimesMs: null,
    receivedAtMs: Date.now(),
    startedMs: performance.now(),
  };
  const reply = await serving.plane.predict(request);
  return { version: reply.modelVersion, y: Array.from(reply.outputs[0]?.values() ?? []) };
}

function states(repository: TestRepository): string[] {
  const entries = repository.serving.repository.index() as readonly RepositoryEntry[];
  return entries.map(({ name, version, state, reason }) => `${name}/${version} ${state} ${reason}`.trim());
}

test('a newer version takes over in one swap; a bad one leaves the old one in service and tells why', async (t) => {
  const repository = await testRepository(t, { 'm/1/model.onnx': negate });
  assert.deepEqual(await answer(repository), { version: '1', y: [-1, 2] });

  await repository.put('m/2/model.onnx', damaged);
  await repository.poll();
  assert.deepEqual((await answer(repository)).version, '1');
  const [one, two] = states(repository);
  assert.equal(one, 'm/1 READY');
  assert.match(two ?? '', /^m\/2 UNAVAILABLE .*not ONNX/);

  await repository.put('m/2/model.onnx', absolute);
  await repository.poll();
  assert.deepEqual(await answer(repository), { version: '2', y: [1, 2] });
  assert.deepEqual(states(repository), ['m/2 READY']);

  await repository.put('m/2/model.onnx', damaged);
  await repository.poll();
  assert.deepEqual(await answer(repository), { version: '2', y: [1, 2] });
  assert.match(states(repository).join(), /^m\/2 READY an earlier file is served: .*not ONNX/);

  await repository.put('m', null);
  await repository.poll();
  await assert.rejects(answer(repository), { code: 'endpoint_unknown' });
  assert.deepEqual(states(repository), []);
});

test('a model that is on its way is told to be loading, not unknown', async (t) => {
  const repository = await testRepository(t, { 'm/1/model.onnx': negate });
  await repository.put('n/1/model.onnx', absolute);
  const told = new Set<string>();
  let looking = true;
  const look = repository.poll().finally(() => {
    looking = false;
  });
  while (looking) {
    told.add(
      await answer(repository, 'n').then(
        () => 'an answer',
        ({ code }) => code,
      ),
    );
    await nextTurn();
  }
  await look;
  await answer(repository, 'n');
  assert.deepEqual([...told].slice(0, 2), ['endpoint_unknown', 'model_loading']);

  await repository.put('n/1/model.onnx', damaged);
  await repository.put('o/1/model.onnx', damaged);
  await repository.poll();
  await answer(repository, 'n');
  await assert.rejects(answer(repository, 'o'), {
    code: 'model_unavailable',
    message: "Request for unknown model: 'o' has no available versions",
  });
  await assert.rejects(repository.serving.repository.load('o'), {
    message: /^load failed for model 'o': version 1 is at UNAVAILABLE state: .*not ONNX/,
  });
});

test('no request fails while versions come and go', async (t) => {
  const repository = await testRepository(t, { 'm/1/model.onnx': negate });
  let changing = true;
  const versions = new Set<string | null>();
  let answers = 0;
  const caller = async () => {
    while (changing) {
      versions.add((await answer(repository)).version);
      answers++;
    }
  };
  const callers = Promise.all([caller(), caller(), caller()]);
  for (let version = 2; version <= 12; version++) {
    await repository.put(`m/${version}/model.onnx`, version % 2 ? negate : absolute);
    if (version > 3) await repository.put(`m/${version - 2}`, null);
    await repository.poll();
  }
  changing = false;
  await callers;
  assert.ok(versions.size > 5 && answers > 50, `${versions.size} versions, ${answers} answers`);
});

test('several versions answer by name, the newest one whoever names none', async (t) => {
  const repository = await testRepository(t, {
    'm/config.pbtxt': 'version_policy { all { } }',
    'm/3/model.onnx': negate,
    'm/10/model.onnx': absolute,
    'm/4/model.onnx': damaged,
    'm/latest/model.onnx': damaged,
  });
  assert.equal((await answer(repository)).version, '10');
  assert.deepEqual(await answer(repository, 'm', '3'), { version: '3', y: [-1, 2] });
  await assert.rejects(answer(repository, 'm', '4'), { code: 'model_version_unknown' });
  assert.deepEqual(
    states(repository).map((s) => s.split(' ', 2).join(' ')),
    ['m/3 READY', 'm/4 UNAVAILABLE', 'm/10 READY'],
  );
});

test('versions that the policy names and that have no folder keep none of the others from service', async (t) => {
  const repository = await testRepository(t, {
    'm/config.pbtxt': 'version_policy { specific { versions: [1, 2] } }',
    'm/2/model.onnx': negate,
  });
  const told = ['m/1 UNAVAILABLE it has no folder, and the version policy names it', 'm/2 READY'];
  assert.deepEqual(states(repository), told);
  await repository.serving.repository.load('m');
  assert.equal((await answer(repository)).version, '2');
});

test('requests load, override and unload; what was unloaded stays so until its files change', async (t) => {
  const repository = await testRepository(t, { 'm/1/model.onnx': negate }, { loadOnly: [] });
  const { repository: models } = repository.serving;
  assert.deepEqual(states(repository), ['m/1 UNAVAILABLE unloaded']);
  await assert.rejects(models.load('nothing'), {
    code: 'model_load_failed',
    message: /^failed to load 'nothing'/,
  });
  await models.load('m');
  assert.equal(models.config('m', null)?.max_batch_size, 128);

  const override = (config: string) => models.load('m', { config, files: new Map() });
  await assert.rejects(override('"max_batch_size": {'), {
    message: /^failed to load 'm', failed to poll from model repository: .*not JSON/,
  });
  await assert.rejects(override('{"input":[{"name":"z"}]}'), { message: /no input 'z'; it has 'x'/ });
  assert.equal((await answer(repository)).version, '1');
  await override('{"max_batch_size":"16"}');
  assert.equal(models.config('m', null)?.max_batch_size, 16);
  // As in Triton: kept until the folder changes or the model is unloaded.
  await models.load('m');
  assert.equal(models.config('m', null)?.max_batch_size, 16);
  await models.unload('m');
  await models.load('m');
  assert.equal(models.config('m', null)?.max_batch_size, 128);
  await override('{"max_batch_size":"16"}');
  await repository.put('m/config.pbtxt', 'max_batch_size: 4');
  await models.load('m');
  assert.equal(models.config('m', null)?.max_batch_size, 4);

  await models.load('given', { config: '{}', files: new Map([['7/model.onnx', absolute]]) });
  assert.deepEqual(await answer(repository, 'given'), { version: '7', y: [1, 2] });
  // Neither the name of a model nor that of a file leads out of the repository.
  await repository.put('../outside/1/model.onnx', negate);
  await repository.put('../labels.txt', 'a\nb\n');
  for (const name of ['../outside', '/etc', 'm/..', '..', ' ..', 'm\\n']) {
    await assert.rejects(models.load(name), { message: /model name must not contain path traversal/ });
  }
  for (const name of ['', ' ', '\t'])
    await assert.rejects(models.load(name), { message: /Model name cannot be empty/ });
  for (const name of ['...', '..m', 'm..1', 'm n'])
    await assert.rejects(models.load(name), { message: /failed to poll from model repository/ });
  const stolen = '{"output":[{"name":"y","label_filename":"../../labels.txt"}]}';
  await assert.rejects(override(stolen), { message: /labels\.txt does not exist/ });
  await assert.rejects(override('{"default_model_filename":"../../outside/1/model.onnx"}'), {
    code: 'model_load_failed',
  });
  const far = new Map([['../7/model.onnx', absolute]]);
  await assert.rejects(models.load('given', { config: '{}', files: far }), {
    message: /^failed to load 'given', failed to poll from model repository: "..\/7\/model.onnx" cannot be/,
  });

  await models.unload('m');
  await models.unload('m');
  await models.unload('nothing');
  await repository.poll();
  await assert.rejects(answer(repository), { code: 'model_unavailable' });
  assert.deepEqual(states(repository), ['given/7 READY', 'm/1 UNAVAILABLE unloaded']);
  await repository.put('m/2/model.onnx', absolute);
  await repository.poll();
  assert.equal((await answer(repository)).version, '2');
});

test('what does not fit its configuration is refused with the reason', async (t) => {
  const config = (more: string) => `max_batch_size: 8 ${more}`;
  const wrong: Record<string, [string, RegExp]> = {
    name: ['name: "other"', /unexpected directory name/],
    backend: ['backend: "python"', /graphs of ONNX/],
    type: [config('input { name: "x" data_type: TYPE_INT8 dims: 2 }'), /TYPE_FP32 in the graph/],
    dims: [config('input { name: "x" data_type: TYPE_FP32 dims: 3 }'), /\[2\] in the graph.*\[3\]/],
    output: [config('output { name: "q" }'), /no output 'q'/],
    reshaped: [
      config('input { name: "x" dims: [-1, 2] reshape { shape: [2] } }'),
      /cannot be reshaped from \[-1, 2\] to \[2\]/,
    ],
    labels: [config('output { name: "y" dims: 2 label_filename: "l.txt" }'), /l\.txt does not exist/],
    syntax: ['max_batch_size 8', /line 1/],
    version: ['version_policy { specific { versions: 5 } }', /5 UNAVAILABLE it has no folder/],
  };
  const files = Object.entries(wrong).flatMap(([name, [pbtxt]]) => [
    [`${name}/config.pbtxt`, pbtxt] as const,
    [`${name}/1/model.onnx`, negate] as const,
  ]);
  const repository = await testRepository(t, Object.fromEntries(files));
  assert.equal(repository.serving.ready, true);
  const told = states(repository);
  for (const [name, [, reason]] of Object.entries(wrong)) {
    const line = told.find((state) => state.startsWith(`${name}/`)) ?? '';
    assert.match(line, /UNAVAILABLE/);
    assert.match(line, reason);
  }
});

test('predictions stay on the disk as Parquet, the newest ones up to a size', async (t) => {
  const limits = { maxRows: 1, maxSizeBytes: 1e6, maxAgeMs: 60_000 };
  const repository = await testRepository(
    t,
    { 'm/1/model.onnx': negate },
    { segmentLimits: limits, keptLogBytes: 12_000 },
  );
  const folder = join(repository.directory, '../serve/predictions/m');
  for (let i = 0; i < 8; i++) await answer(repository);
  const waiting = join(repository.directory, '../serve/log/m');
  while ((await readdir(waiting)).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const kept = await readdir(folder);
  assert.ok(kept.length >= 1 && kept.length < 8, `${kept.length} files`);
});

test('a graph that tells no dimensions has those of its configuration, and is refused without one', async (t) => {
  const repository = await testRepository(t, {
    'given/1/model.onnx': oneNodeOnnx('Neg', null),
    'given/config.pbtxt': 'max_batch_size: 4 input { name: "x" dims: 2 } output { name: "y" dims: 2 }',
    'none/1/model.onnx': oneNodeOnnx('Neg', null),
  });
  const [given, none] = states(repository);
  assert.equal(given, 'given/1 READY');
  assert.match(none ?? '', /none\/1 UNAVAILABLE .*no dimensions of input 'x': name them in config\.pbtxt/);
  assert.deepEqual((await answer(repository, 'given')).y, [-1, 2]);
});

test('a graph of half floats is told as one, or as one of single floats where its configuration says so', async (t) => {
  const short = 10;
  const config =
    'input { name: "x" data_type: TYPE_FP16 dims: 2 } output { name: "y" data_type: TYPE_FP16 dims: 2 }';
  const repository = await testRepository(t, {
    'm/1/model.onnx': oneNodeOnnx('Neg', ['N', 2], short),
    'm/config.pbtxt': `max_batch_size: 4 ${config}`,
    'single/1/model.onnx': oneNodeOnnx('Neg', ['N', 2], short),
    'single/config.pbtxt': `max_batch_size: 4 ${config.replaceAll('FP16', 'FP32')}`,
    'wrong/1/model.onnx': negate,
    'wrong/config.pbtxt': `max_batch_size: 4 ${config}`,
  });
  assert.deepEqual((await answer(repository)).y, [-1, 2]);
  const wrong = states(repository).at(-1);
  assert.match(wrong ?? '', /'x' is TYPE_FP32 in the graph, the configuration says TYPE_FP16/);
  const told = (model: string) => JSON.stringify(repository.serving.repository.config(model, null)?.input);
  assert.match(told('m'), /"data_type":"TYPE_FP16"/);
  assert.match(told('single'), /"data_type":"TYPE_FP32"/);
});

test('a model that takes long to load keeps none of the others waiting', { timeout: 600_000 }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-slow-python-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const [slow, go] = [join(directory, 'python'), join(directory, 'go')];
  await writeFile(slow, `#!/bin/sh\nwhile [ ! -e ${go} ]; do sleep 0.05; done\nexit 1\n`, { mode: 0o755 });
  const settings = {
    ...({ python: slow, directory, mode: 'given', wheels: null } as const),
    cacheBytes: 0,
    workers: 1,
    memoryBytes: 0,
    timeoutMs: 1,
  };
  const python = { settings, host: new PythonHost({ ...settings, logger: createLogger('serve', 'silent') }) };
  const repository = await testRepository(t, {}, { python });
  const flavors = 'flavors:\n  sklearn:\n    pickled_model: model.pkl\n  python_function:\n    env: {}\n';
  const inputs = '[{"name": "x", "type": "double"}]';
  await repository.put('a/1/MLmodel', `${flavors}signature:\n  inputs: '${inputs}'\n`);
  await repository.put('a/1/model.pkl', 'x');
  for (const name of ['b', 'c', 'd', 'e', 'f']) await repository.put(`${name}/1/model.onnx`, negate);
  const polled = repository.poll();
  while (states(repository).filter((state) => state.endsWith('READY')).length < 5) await sleep(5);
  assert.deepEqual(states(repository), [
    'a/1 LOADING',
    ...['b', 'c', 'd', 'e', 'f'].map((m) => `${m}/1 READY`),
  ]);
  assert.deepEqual((await answer(repository, 'f')).y, [-1, 2]);
  await writeFile(go, '');
  await polled;
  assert.match(states(repository)[0] ?? '', /^a\/1 UNAVAILABLE ./);
  assert.deepEqual((await answer(repository, 'b')).y, [-1, 2]);
});

test('folders whose names can be in no address are told apart from models, hidden ones from both', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-folders-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  for (const name of ['churn-2', 'mödel', 'my model', '..data', '.git']) await mkdir(join(directory, name));
  await writeFile(join(directory, 'README md'), '');
  assert.deepEqual(await modelFolders(directory), { names: ['churn-2'], passedOver: ['my model', 'mödel'] });
});

test('links lead to models, devices and folders without end are none', async (t) => {
  const repository = await testRepository(t, { 'kept/1/model.onnx': negate });
  const at = (path: string) => join(repository.directory, path);
  await mkdir(at('linked'));
  await symlink('../kept/1', at('linked/1'));
  await mkdir(at('device/1'), { recursive: true });
  await symlink('/dev/zero', at('device/1/model.onnx'));
  await mkdir(at('round/1'), { recursive: true });
  await symlink('..', at('round/1/again'));
  await symlink('/nowhere', at('nowhere'));
  await repository.poll();
  assert.deepEqual((await answer(repository, 'linked')).y, [-1, 2]);
  const [device, kept, linked, ...rest] = states(repository);
  assert.match(device ?? '', /^device\/1 UNAVAILABLE 1\/model\.onnx is no plain file$/);
  assert.deepEqual([kept, linked], ['kept/1 READY', 'linked/1 READY']);
  assert.match(rest.join(), /^round\/1 UNAVAILABLE version 1 has no file 1\/model\.onnx, and no MLmodel$/);
});

test('a model of MLflow is a version too; one that cannot be packaged says why, and its options hold', async (t) => {
  const mlmodel = (text: string) => `flavors:\n  onnx:\n    data: graph.onnx\n${text}`;
  const options = `parameters { key: "millrace.options" value { string_value: '{"timeoutMs": 5000, "requireKey": true}' } }`;
  const settings = {
    ...({ python: '/nowhere/python', directory: '/nowhere', mode: 'given', wheels: null } as const),
    cacheBytes: 0,
    workers: 1,
    memoryBytes: 0,
    timeoutMs: 1,
  };
  const logger = createLogger('serve', 'silent');
  const python = { settings, host: new PythonHost({ ...settings, logger }) };
  const files = {
    'config.pbtxt': options,
    '1/artifact/MLmodel': mlmodel(''),
    '1/artifact/graph.onnx': negate,
  };
  const named = (model: string) =>
    Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`${model}/${path}`, bytes]));
  const repository = await testRepository(
    t,
    { ...named('good'), 'no-yaml/1/MLmodel': 'flavors: {', 'no-flavor/1/MLmodel': 'flavors: {}' },
    { python },
  );
  const [good, noFlavor, noYaml] = states(repository);
  assert.equal(good, 'good/1 READY');
  assert.match(noFlavor ?? '', /flavor python_function cannot be served/);
  assert.match(noYaml ?? '', /its MLmodel file cannot be read$/);
  assert.deepEqual((await answer(repository, 'good')).y, [-1, 2]);
  const { timeoutMs, requireKey } = repository.serving.plane.endpoint('good').route.options;
  assert.deepEqual([timeoutMs, requireKey], [5000, true]);

  // The same files are not packaged again.
  const packaged = () => readdir(join(repository.directory, '../serve/packaged'));
  assert.equal((await packaged()).length, 1);
  await repository.serving.repository.unload('good');
  await repository.serving.repository.load('good');
  assert.deepEqual((await answer(repository, 'good')).y, [-1, 2]);
  assert.equal((await packaged()).length, 1);

  await repository.put('good/config.pbtxt', options.replace('requireKey', 'requireKeys'));
  await repository.poll();
  assert.match(states(repository)[0] ?? '', /^good\/1 READY .*millrace\.options.*requireKeys/s);
});

test('a model that did not load for a reason that may pass is tried again after growing pauses', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-no-python-'));
  t.after(() => rm(directory, { recursive: true }));
  const calls = join(directory, 'calls');
  const interpreter = join(directory, 'python');
  await writeFile(interpreter, `#!/bin/sh\necho . >> ${calls}\necho no memory is left >&2\nexit 1\n`, {
    mode: 0o755,
  });
  const settings = {
    ...({ python: interpreter, directory, mode: 'given', wheels: null } as const),
    cacheBytes: 0,
    workers: 1,
    memoryBytes: 1e9,
    timeoutMs: 1000,
  };
  const python = { settings, host: new PythonHost({ ...settings, logger: createLogger('serve', 'silent') }) };
  const startMs = Date.parse('2001-01-01T00:00:00Z');
  t.mock.timers.enable({ apis: ['Date'], now: startMs });
  const mlmodel = 'flavors:\n  python_function:\n    loader_module: m\n';
  const files = { 'm/1/MLmodel': mlmodel, 'n/1/model.onnx': damaged };
  const repository = await testRepository(t, files, { python });
  const attempts = async () => (await readFile(calls, 'utf8')).length / 2;
  const reason = () => states(repository)[0] ?? '';
  assert.equal(await attempts(), 1);
  assert.match(
    reason(),
    /^m\/1 UNAVAILABLE .*no memory is left.*; tried again at 2001-01-01T00:00:10\.000Z$/,
  );
  // What is wrong with its files stays so until they change.
  assert.doesNotMatch(states(repository)[1] ?? '', /tried again/);
  for (const [seconds, expected] of [
    [9, 1],
    [10, 2],
    [29, 2],
    [30, 3],
  ] as const) {
    t.mock.timers.setTime(startMs + seconds * 1000);
    await repository.poll();
    assert.equal(await attempts(), expected, `after ${seconds} s`);
  }
  await repository.serving.repository.unload('m');
  t.mock.timers.setTime(startMs + 3_600_000);
  await repository.poll();
  assert.equal(await attempts(), 3);
  assert.equal(reason(), 'm/1 UNAVAILABLE unloaded');
});
