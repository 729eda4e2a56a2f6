import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServing, tableOf, testRoute, unshippedRows } from '../../../test/support/serving.ts';

test('what no model is ready to answer is in the log over every protocol', async (t) => {
  const { replica, directory, post, url } = await startTestServing(t);
  const none = testRoute(`sha256:${'0'.repeat(64)}`, { arms: [] });
  await replica.applyRoutes(tableOf(none));
  const record = { x1: 1, x2: 1 };
  const inputs = [{ name: 'x1', shape: [1, 1], datatype: 'FP64', data: [1] }];
  const asked = [
    ['/v2/models/test/infer', { inputs }],
    ['/v2/models/test/generate', record],
    ['/v2/models/test/infer_stream', { inputs }],
    ['/v1/models/test:predict', { instances: [record] }],
    ['/endpoints/test/invocations', { dataframe_records: [record] }],
  ] as const;
  for (const [path, body] of asked) {
    const { status } = await post(path, body, { 'content-type': 'application/json' });
    assert.equal(status, 503, path);
  }
  const rows = await unshippedRows(directory, 'test');
  assert.deepEqual(
    rows.map((row) => row.status),
    asked.map(() => 'endpoint_empty'),
  );
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /millrace_predictions_total\{[^}]*status="endpoint_empty"[^}]*\} 5\n/);
});
