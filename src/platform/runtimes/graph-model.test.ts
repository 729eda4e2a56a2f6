import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, type MillraceError } from '../../core/errors.ts';
import { type Digest, digestOf } from '../../core/json.ts';
import {
  type ElementType,
  type GraphStep,
  type PackageManifest,
  packageManifestSchema,
} from '../../core/model-package.ts';
import type { OutputTensor } from '../onnx/index.ts';
import { logisticPackage } from '../onnx/testing.ts';
import { describeGraph } from './describe-graph.ts';
import { openGraph } from './graph-model.ts';
import type { LoadedModel } from './open-model.ts';

type Values = OutputTensor['data'];
type Predict = (rows: readonly (readonly unknown[])[]) => Values;

/** Models of one column `x` and one output each, in the place of packages. */
class Models {
  readonly #bytes = new Map<Digest, Uint8Array>();
  readonly #models = new Map<string, LoadedModel>();
  closed = 0;

  /** @param nullable whether it takes an `x` that is missing */
  step(name: string, output: string, type: ElementType, predict: Predict, nullable = false): GraphStep {
    const manifest = packageManifestSchema.parse({
      ...logisticPackage(),
      formatVersion: 1,
      model: name,
      runtime: { kind: 'onnx' },
      onnx: digestOf(name),
      signature: {
        inputs: [{ name: 'x', type: 'double', required: true, shape: [], nullable }],
        outputs: [{ name: output, type: type === 'string' ? 'string' : 'double', required: true, shape: [] }],
      },
      graph: { inputs: [], outputs: [{ name: output, type, shape: [-1] }] },
      score: null,
      classes: null,
      contract: null,
      sample: [],
    });
    const bytes = new TextEncoder().encode(JSON.stringify(manifest));
    const digest = digestOf(bytes);
    this.#bytes.set(digest, bytes);
    this.#models.set(name, {
      predictRows: async (rows) => ({
        rowCount: rows.length,
        outputs: [{ name: output, type, shape: [rows.length], width: 1, data: predict(rows) }],
        score: null,
      }),
      close: async () => {
        this.closed++;
        if (name === 'broken') throw new Error('it does not end');
      },
    });
    return { kind: 'model', name, package: digest };
  }

  describe(step: GraphStep): Promise<PackageManifest> {
    const manifestOf = async (digest: Digest) =>
      packageManifestSchema.parse(JSON.parse(new TextDecoder().decode(this.#bytes.get(digest))));
    return describeGraph('graph', step, manifestOf);
  }

  async open(step: GraphStep): Promise<LoadedModel> {
    const bytesOf = async (digest: Digest) => this.#bytes.get(digest) as Uint8Array;
    const loadOnnx = () => Promise.reject(new Error('there is no ONNX here'));
    const context = { hosts: { python: null }, version: '1', bytesOf, loadOnnx };
    return openGraph(
      await this.describe(step),
      step,
      context,
      async ({ model }) => this.#models.get(model) as LoadedModel,
    );
  }
}

const column = (rows: readonly (readonly unknown[])[]) => rows.map(([x]) => x as number);
const isPositive: Predict = (rows) => Uint8Array.from(column(rows), (x) => (x > 0 ? 1 : 0));
const rowsOf = (...cells: number[]) => cells.map((cell) => [cell]);

test('a truth value that a step gives chooses the branch, and an answer has one type whichever branch rows took', async () => {
  const models = new Models();
  const whole = models.step('whole', 'y', 'int64', (rows) => BigInt64Array.from(column(rows), BigInt));
  const real = models.step('real', 'y', 'double', (rows) => Float64Array.from(column(rows), (x) => x / 2));
  const graph = await models.open({
    kind: 'sequence',
    name: 'both',
    steps: [
      models.step('sign', 'positive', 'bool', isPositive),
      {
        kind: 'switch',
        name: 'w',
        field: 'positive',
        cases: [
          { equals: [true], step: whole },
          { equals: [false], step: real },
        ],
        otherwise: null,
      },
    ],
  });
  for (const [cells, expected] of [
    [
      [3, -3, 4],
      [3, -1.5, 4],
    ],
    [
      [3, 5],
      [3, 5],
    ],
    [[-1], [-0.5]],
  ] as const) {
    const { outputs } = await graph.predictRows(rowsOf(...cells));
    assert.deepEqual(
      outputs.map(({ type, data }) => [type, Array.from(data)]),
      [['double', [...expected]]],
    );
  }
});

test('whole numbers of several sizes keep their digits, and a text that is none stays none', async () => {
  const models = new Models();
  const large = 2n ** 62n + 1n;
  const switching = (a: GraphStep, b: GraphStep): GraphStep => ({
    kind: 'switch',
    name: 'w',
    field: 'x',
    cases: [{ equals: [1], step: a }],
    otherwise: b,
  });
  const long = models.step('long', 'y', 'int64', (rows) => BigInt64Array.from(rows, () => large));
  const short = models.step('short', 'y', 'int32', (rows) => Int32Array.from(column(rows)));
  const numbers = await models.open(switching(short, long));
  const { outputs } = await numbers.predictRows(rowsOf(1, 2));
  assert.deepEqual([outputs[0]?.type, ...Array.from(outputs[0]?.data ?? [])], ['int64', 1n, large]);

  const named = models.step('named', 't', 'string', (rows) => rows.map(() => 'a'));
  const nameless = models.step('nameless', 't', 'string', (rows) => rows.map(() => null));
  const texts = await models.open(switching(named, nameless));
  assert.deepEqual((await texts.predictRows(rowsOf(1, 2, 1))).outputs[0]?.data, ['a', null, 'a']);
  const members = [nameless, named, models.step('other', 't', 'string', (rows) => rows.map(() => null))];
  const vote = await models.open({
    kind: 'ensemble',
    name: 'v',
    combine: 'vote',
    members: members.map((step) => ({ step, weight: 1 })),
  });
  assert.deepEqual((await vote.predictRows(rowsOf(1))).outputs[0]?.data, [null]);
});

test('a number that is missing reaches only models that take it, from the request and from a step', async () => {
  const models = new Models();
  const rootOf: Predict = (rows) => Float64Array.from(column(rows), Math.sqrt);
  const root = models.step('root', 'x', 'double', rootOf);
  const strict = models.step('strict', 'y', 'double', (rows) => Float64Array.from(column(rows)));
  const lenient = models.step('lenient', 'y', 'double', (rows) => new Float64Array(rows.length), true);
  const after = (step: GraphStep): GraphStep => ({ kind: 'sequence', name: 's', steps: [root, step] });
  const refusing = await models.open(after(strict));
  assert.deepEqual((await refusing.predictRows(rowsOf(4))).outputs[0]?.data, Float64Array.of(2));
  await assert.rejects(refusing.predictRows(rowsOf(4, -4)), {
    code: 'graph_step_refused',
    message: /^step "strict": its input "x" has no value in some row/,
  });
  const taking = await models.open(after(lenient));
  assert.deepEqual((await taking.predictRows(rowsOf(-4))).outputs[0]?.data, Float64Array.of(0));

  for (const steps of [
    [lenient, strict],
    [strict, lenient],
  ]) {
    const members = steps.map((step) => ({ step, weight: 1 }));
    const manifest = await models.describe({ kind: 'ensemble', name: 'e', combine: 'average', members });
    assert.equal(manifest.signature.inputs[0]?.nullable, false);
  }
});

test('a model that cannot be closed leaves none of the others open', async () => {
  const models = new Models();
  const step = (name: string) => models.step(name, name, 'double', column);
  const steps = ['a', 'broken', 'c'].map(step);
  const graph = await models.open({ kind: 'sequence', name: 's', steps });
  await assert.rejects(graph.close(), /it does not end/);
  assert.equal(models.closed, 3);
});

test('a step whose model comes back says when, as the model itself does', async () => {
  const models = new Models();
  const restarting: Predict = () => {
    throw fail('model_restarting', { model: 'm', version: '1', problem: 'it ended', retryAfterSeconds: 7 });
  };
  const graph = await models.open({
    kind: 'sequence',
    name: 's',
    steps: [models.step('restarting', 'y', 'double', restarting)],
  });
  await assert.rejects(graph.predictRows(rowsOf(1)), ({ code, params }: MillraceError) => {
    assert.equal(code, 'graph_step_unavailable');
    assert.equal(params.retryAfterSeconds, 7);
    return true;
  });
});
