import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  startTestServing,
  storePackage,
  tableOf,
  testRoute,
  unshippedRows,
} from '../../../../test/support/serving.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';

test('after a restart a challenger that cannot be loaded keeps its champion from nothing', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-alone-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const first = await startTestServing(t, { directory });
  const champion = await storePackage(first.blobs, logisticOnnx(), logisticPackage());
  const other = { ...logisticPackage(), model: 'other' };
  const challenger = await storePackage(first.blobs, logisticOnnx(), other);
  const arms = [
    { arm: 'champion', modelVersion: '1', packageDigest: champion, weight: 0.5 },
    { arm: 'challenger', modelVersion: '2', packageDigest: challenger, weight: 0.5 },
  ];
  const table = tableOf(testRoute(champion, { arms, routeVersion: 7 }));
  await first.replica.applyRoutes(table);
  await first.stop();
  await first.blobs.delete(challenger);

  const again = await startTestServing(t, { directory });
  const names = logisticPackage().signature.inputs.map(({ name }) => name);
  const inputs = names.map((name) => ({ name, shape: [1, 1], datatype: 'FP64', data: [0.5] }));
  const entities = Array.from({ length: 20 }, (_, i) => `customer-${i}`);
  const ask = async () => {
    const answers = await Promise.all(
      entities.map((entity) =>
        again.post('/v2/models/test/infer', { inputs }, { 'x-millrace-entity': entity }),
      ),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    return new Set(answers.map(({ json }) => json.model_version));
  };
  assert.deepEqual(await ask(), new Set(['1']));
  const rows = await unshippedRows(directory, 'test');
  assert.deepEqual(new Set(rows.map((row) => [row.arm, row.route_version].join())), new Set(['champion,0']));

  await storePackage(again.blobs, logisticOnnx(), other);
  await again.replica.applyRoutes(table);
  assert.deepEqual(await ask(), new Set(['1', '2']));
  await again.stop();
});
