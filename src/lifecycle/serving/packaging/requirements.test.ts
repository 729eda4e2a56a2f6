import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../../core/json.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import { readMlmodel } from './read-mlmodel.ts';
import { requirementsOf } from './requirements.ts';

const model = readMlmodel('flavors:\n  python_function:\n    loader_module: own\nmlflow_version: 2.9.2\n');

/** What is asked of the environment of a model with these files, and what is told of it. */
async function asked(contents: Readonly<Record<string, string>>) {
  const told: string[] = [];
  const texts = new Map(Object.values(contents).map((text) => [digestOf(text), text]));
  const files = new Map(Object.entries(contents).map(([path, text]) => [path, digestOf(text)]));
  const context = {
    blobs: { bytes: async (digest: string) => Buffer.from(texts.get(digest as never) ?? '') },
    log: (line: string) => void told.push(line),
  } as unknown as StepContext;
  return { lines: await requirementsOf({ model, files }, context), told };
}

test('MLflow is added to requirements that lack it, and not where it is a wheel of the model', async () => {
  const own = await asked({
    'requirements.txt': '# made by\nnumpy==1.0 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n',
  });
  assert.deepEqual(
    own.lines.map((line) => line.replaceAll(/ +/g, ' ')),
    ['mlflow==2.9.2', 'numpy==1.0 --hash=sha256:ab --hash=sha256:cd'],
  );
  const wheels = 'wheels/numpy-1.0-py3-none-any.whl\nwheels/mlflow-3.1-py3-none-any.whl';
  assert.deepEqual((await asked({ 'requirements.txt': wheels })).lines, wheels.split('\n'));
  const others = 'mlflow-export-import\nmlflow-tracing==3.1';
  assert.deepEqual((await asked({ 'requirements.txt': others })).lines, [
    'mlflow==2.9.2',
    ...others.split('\n'),
  ]);
});

test('further files of the model are read in their place; what is not there, or of conda, is told', async () => {
  const { lines, told } = await asked({
    'requirements.txt':
      '--find-links wheels\n-r more.txt\n-c constraints.txt\n-r gone.txt # where it was trained\nmlflow',
    'more.txt': 'scipy\n-r requirements.txt\n-r more.txt',
    'constraints.txt': 'numpy<2',
  });
  assert.deepEqual(lines, ['--find-links wheels', 'scipy', '-c constraints.txt', 'mlflow']);
  assert.match(told.join('\n'), /no such file: -r gone\.txt$/);
  const conda =
    'dependencies:\n- python=3.11\n- pip<=23\n- scikit-learn=1.2\n- pip:\n  - mlflow\n  - shap==0.4';
  const old = await asked({ 'conda.yaml': conda });
  assert.deepEqual(old, {
    lines: ['mlflow', 'shap==0.4'],
    told: ['left out of the requirements, as conda would install it: scikit-learn=1.2'],
  });
});
