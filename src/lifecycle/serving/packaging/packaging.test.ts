import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { packageManifestSchema, requestField } from '../../../core/model-package.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { OnnxModel } from '../../../platform/onnx/index.ts';
import { logisticOnnx } from '../../../platform/onnx/testing.ts';
import { PythonHost } from '../../../platform/python-runtime/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import { testRepository } from '../repository/testing.ts';
import { packageInputsSchema, packageStep } from './package-step.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const python = join(root, '.venv/bin/python');

interface Row {
  readonly origin: string;
  readonly hour: number;
  readonly distance: number;
  readonly p: number;
  readonly q: number;
  readonly b: number;
  readonly l: number;
  readonly c: number;
  readonly f: number;
}

suite('packaging', () => {
  let directory = '';
  let blobs: Awaited<ReturnType<typeof openDirectoryBlobs>>;
  const lines: string[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-packaging-'));
    blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  });
  after(() => rm(directory, { recursive: true }));

  const settings = () => ({
    python,
    directory: join(directory, 'python'),
    mode: 'given' as const,
    wheels: null,
    cacheBytes: 1e9,
    workers: 1,
    memoryBytes: 2e9,
    timeoutMs: 60_000,
  });
  const host = async () => new PythonHost({ ...settings(), logger: createLogger('test', 'silent') });
  const run = async (
    files: readonly { path: string; digest: string }[],
    contract: unknown = null,
    interpreter = python,
    runtime: 'auto' | 'onnx' | 'python' = 'auto',
  ) => {
    const workDir = await mkdtemp(join(directory, 'work-'));
    const context = {
      stepRunId: 'step',
      attempt: 1,
      subject: 'test/1',
      signal: new AbortController().signal,
      workDir,
      blobs,
      log: (line: string) => lines.push(line),
    } as unknown as StepContext;
    const inputs = packageInputsSchema.parse({ model: 'flight-delay', files, contract, runtime });
    const outputs = await packageStep(interpreter, host).run(inputs, context);
    const manifest = packageManifestSchema.parse(JSON.parse((await blobs.bytes(outputs.digest)).toString()));
    return { outputs, manifest };
  };
  const mlmodel = async (flavors: string, signature: string | null) => {
    const text = `flavors:\n${flavors}\n${signature === null ? '' : `signature:\n  inputs: '${signature}'\n`}`;
    return { path: 'model/MLmodel', digest: (await blobs.put(text)).digest };
  };
  const onnxFile = async (bytes: Uint8Array | string) => ({
    path: 'model/model.onnx',
    digest: (await blobs.put(bytes)).digest,
  });
  const onnxFlavor = '  onnx:\n    data: model.onnx';
  const columns = (...fields: [string, string][]) =>
    JSON.stringify(fields.map(([name, type]) => ({ name, type, required: true })));

  test('an ONNX model with a ZipMap becomes a package with its score, also without a signature', async () => {
    for (const signature of [columns(['x1', 'double'], ['x2', 'double']), null]) {
      const { manifest } = await run([await mlmodel(onnxFlavor, signature), await onnxFile(logisticOnnx())]);
      assert.deepEqual(manifest.score, { output: 'probability', index: 1 });
      assert.deepEqual(manifest.classes, [0, 1]);
      assert.deepEqual(
        manifest.graph.inputs.map((i) => i.columns),
        [['x1'], ['x2']],
      );
      assert.deepEqual(
        manifest.signature.outputs.map((o) => [o.name, o.shape]),
        [
          ['label', []],
          ['probability', [2]],
        ],
      );
    }
  });

  test('what cannot be packaged is refused with the column, the file or the flavor named', async () => {
    const onnx = await onnxFile(logisticOnnx());
    const model = (...fields: [string, string][]) => mlmodel(onnxFlavor, columns(...fields));
    const refused = (files: { path: string; digest: string }[], message: RegExp, contract?: unknown) =>
      assert.rejects(run(files, contract), { code: 'package_refused', message });
    await refused([onnx], /no MLmodel file/);
    await refused(
      [await mlmodel('  pytorch:\n    a: b', null)],
      /flavor pytorch cannot be served: the model has no flavor python_function/,
    );
    await refused([await model(['x1', 'double'], ['x2', 'double'])], /model\.onnx was not uploaded/);
    await refused(
      [await model(['x1', 'double'], ['x3', 'double']), onnx],
      /takes an input "x2" that the signature \(x1, x3\)/,
    );
    await refused(
      [await model(['x1', 'string'], ['x2', 'double']), onnx],
      /column "x1" is string in the signature/,
    );
    await refused([await mlmodel('  sklearn:\n    a: b', null)], /logged without a signature/);
    const good = [await model(['x1', 'double'], ['x2', 'double']), onnx];
    const contract = (type: string) => ({
      dataset: 'flights',
      columns: [
        { name: 'x1', type: 'number' },
        { name: 'x2', type },
      ],
    });
    await refused(good, /input "x2" is double, but dataset "flights" holds string there/, contract('string'));
    await refused(good, /input "x2" is not a column of dataset "flights" \(x1\)/, {
      dataset: 'flights',
      columns: [{ name: 'x1', type: 'number' }],
    });
    const { manifest } = await run(good, contract('integer'));
    assert.match((await blobs.bytes(manifest.contract!)).toString(), /"dataset":"flights"/);
    const noise = await onnxFile('noise');
    await assert.rejects(run([await model(['x1', 'double']), noise]), { code: 'onnx_invalid' });
  });

  test('a Python that is not there is named', async () => {
    const files = [await mlmodel('  sklearn:\n    a: b', columns(['x', 'double']))];
    await assert.rejects(run(files, null, '/nowhere/python'), {
      code: 'python_missing',
      message: /\/nowhere\/python/,
    });
  });

  test('values go where scikit-learn sends them, missing ones too; what an example does not show is found', {
    skip: !existsSync(python),
  }, () => {
    const script = fileURLToPath(new URL('./fixtures/compared_values.py', import.meta.url));
    const stdio = ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'];
    const told = execFileSync(python, [script, join(root, 'python')], { encoding: 'utf8', stdio });
    const all = [['a', 'b', 'c'], true];
    const neighbours =
      'it looks for nearest neighbours, and its ONNX form would choose others among those that are equally near';
    assert.deepEqual(JSON.parse(told.trim().split('\n').at(-1) ?? ''), {
      'bagged, in double precision': 2,
      KNeighborsClassifier: neighbours,
      KNNImputer: neighbours,
      'another version': 'it was trained with scikit-learn 1.2.2, and this one may compute it otherwise',
      'far away': true,
      'RandomForestClassifier full': all,
      'RandomForestClassifier holes': all,
      'ExtraTreesRegressor full': all,
      'ExtraTreesRegressor holes': all,
      'DecisionTreeClassifier full': all,
      'DecisionTreeClassifier holes': all,
      'GradientBoostingClassifier full': [[], true],
      'least and greatest probability': [0, 1],
      times: true,
      'times without an example': true,
      zeros: false,
      'zeros without an example': false,
      numbers: true,
      // On rows beside the splits, and on rows as a person asks them: what packaging compares tells of all that differ.
      'HistGradientBoostingClassifier scaled, float32': [false, false],
      'HistGradientBoostingClassifier scaled, float64': [true, true],
      'RandomForestClassifier scaled, float32': [false, false],
      'RandomForestClassifier scaled, float64': [true, true],
      'HistGradientBoostingClassifier filled, float32': [false, true],
      'HistGradientBoostingClassifier filled, float64': [true, true],
      'RandomForestClassifier filled, float32': [false, false],
      'RandomForestClassifier filled, float64': [true, true],
    });
  });

  test('models that mlflow saved: converted, compared, and equal to the Python model', {
    skip: !existsSync(python),
  }, async (t) => {
    const saved = join(directory, 'saved');
    const script = fileURLToPath(new URL('./fixtures/log_models.py', import.meta.url));
    execFileSync(python, [script, saved], {
      stdio: 'ignore',
      env: { ...process.env, MLFLOW_TRACKING_URI: `sqlite:///${directory}/mlflow.db` },
    });
    const files = async (name: string) => {
      const all = (await readdir(join(saved, name), { recursive: true, withFileTypes: true })).filter((e) =>
        e.isFile(),
      );
      return Promise.all(
        all.map(async (entry) => {
          const path = join(entry.parentPath, entry.name);
          return {
            path: `models/${relative(saved, path)}`,
            digest: (await blobs.put(await readFile(path))).digest,
          };
        }),
      );
    };
    const rows = JSON.parse(await readFile(join(saved, 'expected.json'), 'utf8')) as Row[];

    const cases = [
      ['sklearn', 'p', true],
      ['onnx', 'q', false],
      ['xgb-classifier', 'c', true],
      ['xgb-booster', 'b', true],
      ['lgb-booster', 'l', true],
    ] as const;
    for (const [name, key, isConverted] of cases) {
      const { manifest, outputs } = await run(await files(name));
      const model = await OnnxModel.load(await blobs.bytes(manifest.onnx!), manifest);
      const table = Object.fromEntries(
        (['origin', 'hour', 'distance'] as const).map((c) => [c, rows.map((r) => r[c])]),
      );
      const { score, outputs: given } = await model.predict(table, rows.length);
      await model.close();
      for (const [i, row] of rows.entries()) {
        const difference = Math.abs(score![i]! - row[key]) / (1 + Math.abs(row[key]));
        assert.ok(difference < 1e-5, `${name} row ${i}: ${score![i]} and ${row[key]}`);
      }
      assert.ok(manifest.sample.length > 1);
      if (!isConverted) {
        assert.equal(manifest.conversion, null);
        continue;
      }
      const { maxAbsDifference, rows: compared, used } = manifest.conversion!;
      assert.ok(used && maxAbsDifference! < 1e-5, name);
      // Beside where the answer jumps too, and trees between their splits.
      assert.ok(compared > (name === 'sklearn' ? 300 : 800), `${name}: ${compared}`);
      if (name !== 'lgb-booster') assert.deepEqual(outputs.classes, [0, 1], name);
      // What a booster's own predict gives is its probability, not the label in front of it.
      const own = given.find((output) => output.name === manifest.primary);
      assert.ok(own?.width === 1, name);
      if (name === 'xgb-booster') assert.deepEqual(Array.from(own.data as Float32Array), Array.from(score!));
      // Boosted trees do without a value, and their graphs too; the pipeline of scikit-learn does not.
      const mayMiss = manifest.signature.inputs.filter((field) => field.nullable).map((field) => field.name);
      assert.deepEqual(mayMiss, name === 'sklearn' ? [] : ['hour', 'distance'], name);
    }
    const refused = (message: RegExp) => ({ code: 'package_refused', message });
    const unsigned = await files('unsigned');
    await assert.rejects(run(unsigned, { columns: [] }), refused(/signature, and a data contract needs one/));
    await assert.rejects(
      run(unsigned, null, python, 'onnx'),
      refused(/signature, and its ONNX form needs one/),
    );
    const { manifest: free } = await run(unsigned);
    assert.deepEqual([free.tensors, free.signature.inputs, free.sample], ['whole', [requestField], []]);

    const { manifest: fussy } = await run(await files('fussy'));
    assert.equal(fussy.tensors, 'whole', 'nobody knows what it gives: without an example it fails on zeros');

    // What has no ONNX form, or is asked for as Python, keeps its files and runs as Python.
    const host1 = await host();
    const asPython = [
      ['functions', 'auto', 'f', /no converter for this sklearn model/],
      ['code', 'auto', null, null],
      ['xgb-classifier', 'python', 'c', null],
    ] as const;
    for (const [name, runtime, key, problem] of asPython) {
      const { manifest } = await run(await files(name), null, python, runtime);
      assert.equal(manifest.onnx, null);
      assert.ok(manifest.runtime.kind === 'python');
      assert.ok(manifest.runtime.requirements.includes('mlflow==3.17.2'), name);
      assert.equal(manifest.runtime.pythonVersion?.split('.')[0], '3');
      if (problem) assert.match(manifest.conversion?.problem ?? '', problem);
      else assert.equal(manifest.conversion, null);
      const { inputs } = manifest.signature;
      const model = await host1.open({
        model: name,
        version: '1',
        runtime: manifest.runtime,
        inputs,
        sample: [],
        bytesOf: (digest) => blobs.bytes(digest),
      });
      const [first, second] = await model.predict(rows.map((r) => [r.hour, r.distance]));
      await model.close();
      if (key === null) {
        assert.deepEqual(manifest.score, { output: 'output', index: 0 });
        assert.deepEqual(
          Array.from(first!.data),
          rows.map((r) => r.hour + r.distance),
        );
        continue;
      }
      assert.deepEqual([manifest.primary, manifest.score], ['label', { output: 'probability', index: 1 }]);
      for (const [i, row] of rows.entries())
        assert.ok(Math.abs(Number(second!.data[2 * i + 1]) - row[key]) < 1e-6, `${name} row ${i}`);
    }
    await assert.rejects(run(await files('functions'), null, python, 'onnx'), {
      code: 'package_refused',
      message: /no converter/,
    });
    await assert.rejects(run(await files('code'), null, python, 'onnx'), {
      code: 'package_refused',
      message: /no converter for flavor python_function/,
    });

    // The same out of a folder of models, without control: a graph the one, Python the other.
    const standalone = { python: { host: host1, settings: settings() } };
    const { directory: models, serving, poll } = await testRepository(t, {}, standalone);
    for (const name of ['lgb-booster', 'code'])
      await cp(join(saved, name), join(models, name, '1'), { recursive: true });
    await poll();
    for (const [name, kind] of [
      ['lgb-booster', 'onnx'],
      ['code', 'python'],
    ] as const) {
      const state = serving.plane.endpoint(name);
      assert.equal(state.champion?.model.manifest.runtime.kind, kind);
      const tensor = (column: 'hour' | 'distance') => ({
        name: column,
        width: 1,
        data: rows.map((r) => r[column]),
      });
      const { outputs } = await serving.plane.predict({
        endpoint: name,
        version: null,
        rowCount: rows.length,
        extras: 'refuse',
        predictionIds: null,
        entities: null,
        eventTimesMs: null,
        tensors: [tensor('hour'), tensor('distance')],
        receivedAtMs: Date.now(),
        startedMs: performance.now(),
      });
      const values = outputs[0]?.values() ?? [];
      for (const [i, row] of rows.entries()) {
        const expected = kind === 'onnx' ? row.l : row.hour + row.distance;
        assert.ok(Math.abs(Number(values[i]) - expected) < 1e-3, `${name} row ${i}`);
      }
    }
    // A server that stops takes the processes of its models, and what they were laid out in, with it.
    const laidOut = () => readdir(join(settings().directory, 'models'));
    assert.equal((await laidOut()).length, 1);
    await serving.close();
    assert.deepEqual(await laidOut(), []);
  });
});
