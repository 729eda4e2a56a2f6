import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startTestServing, storePackage, tableOf, testRoute } from '../../../test/support/serving.ts';
import { canonicalJson, type Digest } from '../../core/json.ts';
import { type GraphStep, packageManifestSchema } from '../../core/model-package.ts';
import type { BlobStore } from '../../platform/blobs/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import { describeGraph } from '../../platform/runtimes/index.ts';

const p = (logit: number) => 1 / (1 + Math.exp(-logit));
const near = (a: number | undefined, b: number) =>
  assert.ok(Math.abs((a ?? Number.NaN) - b) < 1e-6, `${a} and ${b}`);

async function setUp(t: TestContext) {
  const serving = await startTestServing(t);
  const { blobs } = serving;
  const plus = await storePackage(blobs, logisticOnnx(1, 0, 0), logisticPackage());
  const minus = await storePackage(blobs, logisticOnnx(-1, 0, 0), logisticPackage());
  const other = await storePackage(blobs, logisticOnnx(0, 1, 0), logisticPackage());
  // A replica throws away what its routes do not need, as it can fetch it again from control, which is not there.
  const kept: Buffer[] = [];
  for await (const { digest } of blobs.list()) kept.push(await blobs.bytes(digest));
  let version = 0;
  const deploy = async (step: GraphStep) => {
    for (const bytes of kept) await blobs.put(bytes);
    const manifest = await describeGraph('graph', step, manifestOf(blobs));
    const { digest } = await blobs.put(canonicalJson(manifest));
    kept.push(await blobs.bytes(digest));
    await serving.replica.applyRoutes(tableOf(testRoute(digest, { routeVersion: ++version })));
    return { manifest, digest };
  };
  const ask = async (columns: Record<string, (number | string)[]>) => {
    const inputs = Object.entries(columns).map(([name, data]) => ({
      name,
      datatype: typeof data[0] === 'string' ? 'BYTES' : 'FP64',
      shape: [data.length, 1],
      data,
    }));
    const { status, json } = await serving.post('/v2/models/test/infer', { inputs });
    const outputs = (json.outputs ?? []) as { name: string; data: number[] }[];
    return { status, error: json.error, of: (name: string) => outputs.find((o) => o.name === name)?.data };
  };
  return { ...serving, plus, minus, other, deploy, ask };
}

function manifestOf(blobs: BlobStore) {
  return async (digest: Digest) =>
    packageManifestSchema.parse(JSON.parse((await blobs.bytes(digest)).toString('utf8')));
}

const model = (name: string, digest: Digest, change: object = {}): GraphStep => ({
  kind: 'model',
  name,
  package: digest,
  ...change,
});

test('a sequence hands the outputs of a step to the next; its inputs are what no step makes', async (t) => {
  const { plus, other, deploy, ask } = await setUp(t);
  const first = model('first', plus, { outputs: { label: 'x2' } });
  const { manifest } = await deploy({
    kind: 'sequence',
    name: 'both',
    steps: [first, model('second', other)],
  });
  assert.deepEqual(
    manifest.signature.inputs.map((f) => f.name),
    ['x1', 'x2'],
  );
  const { of } = await ask({ x1: [5, -5], x2: [0, 0] });
  near(of('probability')?.[1], p(1));
  near(of('probability')?.[3], p(0));

  const named = model('second', other, { outputs: { label: 'last', probability: 'share' } });
  await deploy({ kind: 'sequence', name: 'both', steps: [first, named], outputs: ['share', 'x2'] });
  const chosen = await ask({ x1: [5, -5], x2: [0, 0] });
  assert.deepEqual([chosen.of('x2'), chosen.of('last')], [[1, 0], undefined]);
  near(chosen.of('share')?.[1], p(1));
});

test('ensembles average probabilities or vote with weights; switches and splitters choose by row', async (t) => {
  const { plus, minus, other, deploy, ask } = await setUp(t);
  const members = (weights: number[]) =>
    [model('a', plus), model('b', minus), model('c', other)].map((step, i) => ({
      step,
      weight: weights[i] ?? 1,
    }));
  await deploy({ kind: 'ensemble', name: 'mean', combine: 'average', members: members([2, 1, 1]) });
  const mean = await ask({ x1: [1, 2], x2: [3, -3] });
  near(mean.of('probability')?.[1], (2 * p(1) + p(-1) + p(3)) / 4);
  near(mean.of('probability')?.[3], (2 * p(2) + p(-2) + p(-3)) / 4);

  await deploy({ kind: 'ensemble', name: 'vote', combine: 'vote', members: members([1, 1, 1]) });
  const vote = await ask({ x1: [1, 1], x2: [3, -3] });
  assert.deepEqual(vote.of('label'), [1, 0]);
  near(vote.of('share')?.[0], 2 / 3);

  await deploy({
    kind: 'switch',
    name: 'country',
    field: 'country',
    cases: [{ equals: ['AT', 'DE'], step: model('a', plus) }],
    otherwise: model('b', minus),
  });
  const chosen = await ask({ x1: [1, 2, 3], x2: [0, 0, 0], country: ['AT', 'FR', 'DE'] });
  for (const [i, expected] of [p(1), p(-2), p(3)].entries())
    near(chosen.of('probability')?.[2 * i + 1], expected);

  const one = { equals: ['AT'], step: model('a', plus) };
  await deploy({ kind: 'switch', name: 'country', field: 'country', cases: [one], otherwise: null });
  const refused = await ask({ x1: [1], x2: [0], country: ['FR'] });
  assert.equal(refused.status, 400);
  assert.match(String(refused.error), /step "country": no case for/);

  await deploy({
    kind: 'splitter',
    name: 'half',
    by: 'x2',
    branches: [
      { weight: 3, step: model('a', plus) },
      { weight: 1, step: model('b', minus) },
    ],
  });
  const keys = Array.from({ length: 2000 }, (_, i) => i);
  const split = await ask({ x1: keys.map(() => 1), x2: keys });
  const toFirst = keys.filter((i) => (split.of('probability')?.[2 * i + 1] ?? 0) > 0.5);
  assert.ok(Math.abs(toFirst.length - 1500) < 90, `${toFirst.length} of 2000`);
  const again = await ask({ x1: keys.map(() => 1), x2: keys });
  assert.deepEqual(again.of('probability'), split.of('probability'), 'the same values go the same way');
});

test('a graph may hold graphs; what does not fit is refused with the step named', async (t) => {
  const { plus, minus, deploy, ask, blobs } = await setUp(t);
  const inner = await deploy(model('a', plus));
  await deploy({
    kind: 'ensemble',
    name: 'outer',
    combine: 'average',
    members: [
      { weight: 1, step: model('graph', inner.digest) },
      { weight: 1, step: model('b', minus) },
    ],
  });
  near((await ask({ x1: [2], x2: [0] })).of('probability')?.[1], 0.5);

  const wrong = (step: GraphStep, message: RegExp) =>
    assert.rejects(describeGraph('graph', step, manifestOf(blobs)), { code: 'graph_invalid', message });
  const sequence = (...steps: GraphStep[]): GraphStep => ({ kind: 'sequence', name: 's', steps });
  await wrong(sequence(model('a', plus), model('a', plus)), /step "a": another step has the same name/);
  const classes = [0, 'spam'];
  const spam = await storePackage(blobs, logisticOnnx(1, 0, 0), { ...logisticPackage(), classes });
  const members = [plus, spam].map((digest, i) => ({ weight: 1, step: model(`m${i}`, digest) }));
  await wrong(
    { kind: 'ensemble', name: 'mean', combine: 'average', members },
    /step "mean": the classes of its models differ: \[0,1\] and \[0,"spam"\]; combine them by vote/,
  );
  const branches = [model('a', plus), model('b', spam)];
  const split = (steps: GraphStep[]): GraphStep => ({
    kind: 'splitter',
    name: 'half',
    by: 'x1',
    branches: steps.map((step) => ({ step, weight: 1 })),
  });
  await wrong(
    split(branches),
    /step "half": the classes of its models differ: .*answer with their labels alone/,
  );
  const labels = branches.map((step): GraphStep => {
    return { kind: 'sequence', name: `${step.name}s`, steps: [step], outputs: ['label'] };
  });
  assert.deepEqual((await describeGraph('graph', split(labels), manifestOf(blobs))).classes, null);
  const cases = [{ equals: ['1'], step: model('b', plus) }];
  await wrong(
    sequence(model('a', plus), { kind: 'switch', name: 'w', field: 'label', cases, otherwise: null }),
    /step "w": its cases are of type string, but "label" is int64/,
  );
  await wrong(model('a', plus, { inputs: { x9: 'x1' } }), /step "a": its model has no input "x9"/);
  await wrong(
    sequence(model('a', plus), model('b', plus, { inputs: { x1: 'probability' } })),
    /step "b": its input "x1" has 1 values a row, "probability" has 2/,
  );
  await wrong(
    { kind: 'sequence', name: 's', steps: [model('a', plus)], outputs: ['x1'] },
    /step "s": none of its steps gives "x1"/,
  );
  const missing = `sha256:${'0'.repeat(64)}` as const;
  await wrong(model('a', missing), /step "a": its package cannot be read/);
});
