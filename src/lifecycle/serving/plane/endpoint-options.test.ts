import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  startTestServing,
  storePackage,
  type TestServing,
  tableOf,
  testRoute,
  unshippedRows,
} from '../../../../test/support/serving.ts';
import type { Digest } from '../../../core/json.ts';
import { deepOnnx, logisticOnnx, logisticPackage, widePackage } from '../../../platform/onnx/testing.ts';
import { type EndpointOptions, endpointOptionsSchema } from '../contract.ts';

type Options = Parameters<typeof endpointOptionsSchema.parse>[0];

/** Endpoints of one package, each with options of its own. */
async function serve(
  t: TestContext,
  digestOf: (s: TestServing) => Promise<Digest>,
  options: Record<string, Options>,
) {
  const serving = await startTestServing(t);
  const digest = await digestOf(serving);
  const apply = (all: Record<string, Options>, routeVersion = 1) =>
    serving.replica.applyRoutes(
      tableOf(
        ...Object.entries(all).map(([endpoint, own]) =>
          testRoute(digest, {
            endpoint,
            routeVersion,
            options: endpointOptionsSchema.parse(own) as EndpointOptions,
          }),
        ),
      ),
    );
  await apply(options);
  const batches = (endpoint: string) =>
    [...(serving.replica.plane.statistics.of(endpoint, '1')?.batches ?? [])].map(
      ([rows, { computeInfer }]) => [rows, computeInfer.count],
    );
  return {
    ...serving,
    apply,
    batches,
    statistics: (name: string) => serving.replica.plane.statistics.of(name, '1')!,
  };
}

const small = ({ blobs }: TestServing) => storePackage(blobs, logisticOnnx(2, -1), logisticPackage());
/** Takes milliseconds a row. */
const slow = ({ blobs }: TestServing) => storePackage(blobs, deepOnnx(512, 40), widePackage(512));

const infer = (endpoint: string) => `/v2/models/${endpoint}/infer`;
const body = (values: readonly number[], id?: string) => ({
  ...(id ? { id } : {}),
  inputs: ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [values.length, 1], data: values })),
});
const wide = (rows: number) => ({
  inputs: [{ name: 'features', datatype: 'FP32', shape: [rows, 512], data: new Array(rows * 512).fill(0.5) }],
});

test('two endpoints of one package batch each as its options say', async (t) => {
  const { post, batches } = await serve(t, small, {
    four: { batching: { maxRows: 4 } },
    all: { batching: { maxRows: 64 } },
  });
  const values = Array.from({ length: 10 }, (_, i) => i);
  const answers = await Promise.all(['four', 'all'].map((name) => post(infer(name), body(values))));
  const [four, all] = answers.map(({ status, json }) => ({ status, outputs: json.outputs }));
  assert.equal(four!.status, 200);
  assert.deepEqual(four, all, 'several runs make the answer that one makes');
  assert.deepEqual(batches('four'), [
    [4, 2],
    [2, 1],
  ]);
  assert.deepEqual(batches('all'), [[10, 1]]);
});

test('a full queue is told with 503 and when to come back; the others are answered', async (t) => {
  const { post, directory, replica } = await serve(t, slow, {
    test: { batching: { maxRows: 1, maxWaitingRows: 2 } },
  });
  const large = post(infer('test'), wide(100));
  while (replica.plane.endpoint('test').champion!.model.idle) await sleep(1);
  const refused = await post(infer('test'), wide(1));
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.match(String(refused.json.error), /rows wait for endpoint "test" already/);
  assert.equal((await large).status, 200);
  assert.equal((await post(infer('test'), wide(1))).status, 200);
  const statuses = (await unshippedRows(directory, 'test')).map((r) => r.status);
  assert.deepEqual(statuses, ['queue_full', ...new Array(101).fill('ok')]);
});

test("what the endpoint's time is not enough for is told with 504, and logged", async (t) => {
  const { post, directory, apply } = await serve(t, slow, { test: { timeoutMs: 1 } });
  const late = await post(infer('test'), wide(64));
  assert.equal(late.status, 504);
  assert.match(String(late.json.error), /"test" could not answer within 1 ms/);
  await apply({ test: { timeoutMs: 60_000 } }, 2);
  assert.equal((await post(infer('test'), wide(64))).status, 200);
  const rows = await unshippedRows(directory, 'test');
  assert.deepEqual([...new Set(rows.map((r) => r.status))], ['deadline_exceeded', 'ok']);
});

test('the cache answers what it has answered before; every request has its row and its id', async (t) => {
  const { post, directory, statistics, apply } = await serve(t, small, {
    cached: { cache: { maxEntries: 10 } },
    plain: {},
  });
  const first = await post(infer('cached'), body([1], 'a'));
  const second = await post(infer('cached'), body([1], 'b'));
  const other = await post(infer('cached'), body([2], 'c'));
  assert.deepEqual(second.json.outputs, first.json.outputs);
  assert.notDeepEqual(other.json.outputs, first.json.outputs);
  assert.deepEqual(
    [first, second, other].map((r) => r.json.id),
    ['a', 'b', 'c'],
  );
  const { cacheHit, cacheMiss, executionCount, inferenceCount, success } = statistics('cached');
  assert.deepEqual([cacheHit.count, cacheMiss.count], [1, 2]);
  assert.deepEqual([executionCount, inferenceCount, success.count], [2, 3, 3]);
  const rows = await unshippedRows(directory, 'cached');
  assert.deepEqual(
    rows.map((r) => [r.prediction_id, r.status, r['feature:x1']]),
    [
      ['a', 'ok', 1],
      ['b', 'ok', 1],
      ['c', 'ok', 2],
    ],
  );
  assert.equal(rows[0]!.score, rows[1]!.score);

  await apply({ cached: { cache: { maxEntries: 10 } }, plain: {} }, 2);
  await post(infer('cached'), body([1]));
  assert.equal(statistics('cached').cacheHit.count, 2, 'a route that keeps the model keeps its cache');
  for (let i = 0; i < 2; i++) await post(infer('plain'), body([1]));
  assert.deepEqual([statistics('plain').cacheHit.count, statistics('plain').executionCount], [0, 2]);
});

test('a bad request is refused alone when many arrive at once, typed or not', async (t) => {
  const { post } = await serve(t, small, { test: {} });
  const side = (x1: number | string | null) => ({
    inputs: [{ name: 'both', datatype: 'FP32', shape: [1, 2], data: [x1, 0.5] }],
  });
  const answers = await Promise.all([0.25, 'x', 0.75, null].map((x) => post(infer('test'), side(x))));
  assert.deepEqual(
    answers.map((a) => a.status),
    [200, 400, 200, 400],
  );
});

test('where a model computes and what was measured is told', async (t) => {
  const { url } = await serve(t, slow, { test: {} });
  const metadata = (await (await fetch(`${url}/v2/models/test`)).json()) as {
    properties: Record<string, string>;
  };
  assert.equal(metadata.properties.place, 'thread');
  assert.ok(Number(metadata.properties.load_ms) > 0 && Number(metadata.properties.run_ms_1_rows) > 0);
});
