import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { refused, tester } from '../experiments/testing.ts';
import { openRegistry } from './testing.ts';

const digest = (n: number) => `sha256:${String(n).repeat(64)}` as const;

const mlmodel = (columns: readonly object[]) =>
  `artifact_path: model\nsignature:\n  inputs: '${JSON.stringify(columns)}'\n  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'\n  params: null\n`;

forEachDatabase((dialect, open) => {
  const setup = async (t: Parameters<typeof openRegistry>[0]) => {
    const opened = await openRegistry(t, open);
    const { registry, tracking, tick } = opened;
    const trained = async (facts: {
      readonly params: Readonly<Record<string, string>>;
      readonly metrics: Readonly<Record<string, number>>;
      readonly data: Readonly<Record<string, string>>;
      readonly tags: Readonly<Record<string, string>>;
      readonly files: Readonly<Record<string, string>>;
    }) => {
      const pairs = (o: Readonly<Record<string, string>>) =>
        Object.entries(o).map(([key, value]) => ({ key, value }));
      tick();
      const run = await tracking.runs.create(tester, {
        experimentId: '0',
        userId: 'ada',
        startTimeMs: 1,
        name: `run-${facts.params.C}`,
        tags: pairs(facts.tags),
      });
      await tracking.logging.batch(tester, run.id, {
        metrics: Object.entries(facts.metrics).map(([key, value]) => ({ key, value, timeMs: 1, step: 0 })),
        params: pairs(facts.params),
        tags: [],
      });
      const datasets = Object.entries(facts.data).map(([name, dataDigest]) => ({
        dataset: { name, digest: dataDigest, sourceType: 'code', source: 'x', schema: null, profile: null },
        tags: [{ key: 'mlflow.data.context', value: 'training' }],
      }));
      await tracking.logging.inputs(tester, run.id, { datasets, modelIds: [] });
      const about = { experimentId: '0', name: 'm', modelType: '', sourceRunId: run.id };
      const model = await tracking.models.create(tester, {
        ...about,
        params: [{ key: 'depth', value: facts.params.C ?? '' }],
        tags: [],
      });
      for (const [name, content] of Object.entries(facts.files)) {
        await tracking.artifacts.write(tester, model.artifactUri, name, Buffer.from(content));
      }
      const version = await registry.registerVersion(tester, {
        name: 'late',
        source: `models:/${model.id}`,
        modelId: model.id,
        tags: [{ key: 'owner', value: 'ada' }],
      });
      return { run, model, version };
    };
    const two = async () => {
      await registry.createModel(tester, { name: 'late', tags: [] });
      const first = await trained({
        params: { C: '1', solver: 'lbfgs' },
        metrics: { auc: 0.7, loss: 0.5, odd: Number.NaN, same: 1 },
        data: { flights: 'd1', weather: 'w' },
        tags: { 'mlflow.source.git.commit': 'abc', 'mlflow.source.name': 'train.py', note: 'one' },
        files: {
          MLmodel: mlmodel([
            { type: 'double', name: 'x', required: true },
            { type: 'long', name: 'hour', required: true },
            { type: 'string', name: 'origin', required: false },
          ]),
          'requirements.txt': 'mlflow==3.17.2\nscikit-learn==1.5.0  # pinned\nnumpy==2.0\n--index-url x\n',
          'python_env.yaml':
            'python: 3.11.7\nbuild_dependencies:\n- pip==23.2\ndependencies:\n- -r requirements.txt\n',
          'conda.yaml': 'dependencies:\n- python=3.11.7\n',
        },
      });
      const second = await trained({
        params: { C: '10', penalty: 'l2' },
        metrics: { auc: 0.75, loss: 0.6, odd: Number.NaN, same: 1, extra: 2 },
        data: { flights: 'd2', weather: 'w' },
        tags: { 'mlflow.source.git.commit': 'def', note: 'two' },
        files: {
          MLmodel: mlmodel([
            { type: 'float', name: 'x', required: true },
            { type: 'long', name: 'hour', required: true },
            { type: 'double', name: 'distance', required: true },
          ]),
          'requirements.txt': 'mlflow==3.17.2\nScikit_Learn==1.6.0\npandas==2.2\n--index-url x\n',
          'python_env.yaml':
            'python: 3.12.1\nbuild_dependencies:\n- pip==23.2\ndependencies:\n- -r requirements.txt\n',
          'conda.yaml': 'dependencies:\n- python=3.12.1\n',
        },
      });
      return { first, second };
    };
    return { ...opened, two };
  };

  test(`${dialect}: two versions side by side`, async (t) => {
    const { registry, two } = await setup(t);
    const { first, second } = await two();
    const gate = { gate: null, name: 'auc ≥ 0.72', measured: null, reason: 'x' };
    for (const [version, verdict] of [
      [1, 'fail'],
      [2, 'pass'],
    ] as const)
      await registry.recordGates(tester, 'late', version, {
        evaluationId: `e${version}`,
        gates: [{ ...gate, verdict }],
      });
    const diff = await registry.compare(tester, 'late', 1, 2);
    assert.deepEqual(diff.params, {
      sameCount: 0,
      differing: [
        { key: 'C', from: '1', to: '10' },
        { key: 'depth', from: '1', to: '10' },
        { key: 'penalty', from: null, to: 'l2' },
        { key: 'solver', from: 'lbfgs', to: null },
      ],
    });
    assert.ok(diff.metrics.differing.every((m) => m.isDirectionGuessed));
    const metrics = diff.metrics.differing.map((m) => [m.key, m.from, m.to, m.direction, m.isBetter]);
    assert.deepEqual(metrics, [
      ['auc', 0.7, 0.75, 'maximize', true],
      ['extra', null, 2, 'maximize', null],
      ['loss', 0.5, 0.6, 'minimize', false],
    ]);
    assert.equal(diff.metrics.sameCount, 2);
    assert.ok(Math.abs((diff.metrics.differing[0]?.difference ?? 0) - 0.05) < 1e-12);
    assert.deepEqual(diff.tags, { sameCount: 1, differing: [{ key: 'note', from: 'one', to: 'two' }] });
    assert.deepEqual(diff.datasets, {
      sameCount: 1,
      differing: [{ name: 'flights', context: 'training', from: 'd1', to: 'd2' }],
    });
    assert.deepEqual(diff.signature, {
      sameCount: 2,
      differing: [
        { side: 'input', name: 'distance', change: 'added', from: null, to: 'double' },
        { side: 'input', name: 'origin', change: 'removed', from: 'string, optional', to: null },
        { side: 'input', name: 'x', change: 'changed', from: 'double', to: 'float' },
      ],
    });
    const requirements = 'requirements.txt';
    assert.deepEqual(diff.environment, {
      sameCount: 4,
      differing: [
        { file: requirements, name: 'numpy', from: 'numpy==2.0', to: null },
        { file: requirements, name: 'pandas', from: null, to: 'pandas==2.2' },
        { file: requirements, name: 'scikit-learn', from: 'scikit-learn==1.5.0', to: 'Scikit_Learn==1.6.0' },
        { file: 'python_env.yaml', name: 'python', from: 'python=3.11.7', to: 'python=3.12.1' },
      ],
    });
    assert.deepEqual(diff.gates.differing, [
      { name: gate.name, from: { verdict: 'fail', value: null }, to: { verdict: 'pass', value: null } },
    ]);
    assert.deepEqual(
      [diff.from.commit, diff.to.commit, diff.isSameCommit, diff.from.entryPoint, diff.from.runName],
      ['abc', 'def', false, 'train.py', 'run-1'],
    );
    assert.deepEqual([diff.to.modelId, diff.to.runId], [second.model.id, second.run.id]);
    assert.deepEqual([diff.isSamePackage, diff.notes], [null, []]);

    const same = await registry.compare(tester, 'late', 1, 1);
    const parts = [same.params, same.metrics, same.tags, same.datasets, same.signature, same.environment];
    assert.deepEqual(
      parts.flatMap(({ differing }) => [...differing]),
      [],
    );
    assert.deepEqual([same.isSameCommit, same.from.modelId], [true, first.model.id]);
  });

  test(`${dialect}: what cannot be compared is said`, async (t) => {
    const { registry } = await setup(t);
    await registry.createVersion(tester, { name: 'late', digest: digest(1) });
    await registry.registerVersion(tester, { name: 'late', source: 's3://elsewhere/model', tags: [] });
    const diff = await registry.compare(tester, 'late', 1, 2);
    assert.deepEqual(
      diff.notes.map((note) => note.replace(/\(.*\)/, '(why)')),
      [
        'Version 1: no run is recorded, so its params, metrics and data are not known.',
        `Version 1: the files at blob:${digest(1)} cannot be read (why).`,
        'Version 1: no signature is recorded.',
        'Version 2: no run is recorded, so its params, metrics and data are not known.',
        'Version 2: the files at s3://elsewhere/model cannot be read (why).',
        'Version 2: no signature is recorded.',
      ],
    );
    assert.deepEqual([diff.isSameCommit, diff.isSamePackage], [null, null]);
    await assert.rejects(registry.compare(tester, 'late', 1, 9), refused('version_unknown'));
    await assert.rejects(registry.compare(tester, 'none', 1, 2), refused('registered_model_unknown'));
  });
});
