import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { digestOf } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import { LoadedPackage } from './loaded-package.ts';

/** The largest batch of a model that takes so long for a row, and fails on more rows than it has memory for. */
async function batchOf(t: TestContext, msPerRow: number, mostRows: number) {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const manifest = packageManifestSchema.parse({
    formatVersion: 1,
    model: 'slow',
    onnx: digestOf('graph'),
    signature: { inputs: [{ name: 'x', type: 'double' }], outputs: [{ name: 'y', type: 'double' }] },
    graph: { inputs: [{ name: 'x', type: 'double', shape: [-1], columns: ['x'] }], outputs: [] },
    score: null,
    classes: null,
    contract: null,
    sample: [{ x: 1 }, { x: 2 }],
  });
  const runs: number[] = [];
  const model = {
    predictRows: async (rows: readonly unknown[]) => {
      runs.push(rows.length);
      if (rows.length > mostRows) throw new Error(`no memory for ${rows.length} rows`);
      nowMs += rows.length * msPerRow + 1;
      return { rowCount: rows.length, outputs: [], score: null };
    },
    close: async () => {},
  };
  const loaded = { model, placement: null };
  const { maxRows } = await LoadedPackage.warm(digestOf('slow'), manifest, null, loaded);
  return { maxRows, most: Math.max(...runs), runs: runs.length };
}

test('batches grow as long as a run is short; a model that has no room for many rows is served all the same', async (t) => {
  assert.deepEqual(await batchOf(t, 0.1, 1000), { maxRows: 128, most: 128, runs: 13 });
  // Half a minute for eight rows, say of a language model, would end its worker.
  assert.deepEqual(await batchOf(t, 4000, 1000), { maxRows: 1, most: 1, runs: 2 });
  assert.deepEqual(await batchOf(t, 100, 1000), { maxRows: 8, most: 8, runs: 5 });
  assert.deepEqual(await batchOf(t, 0.1, 40), { maxRows: 32, most: 128, runs: 11 });
  await assert.rejects(batchOf(t, 1, 0), /no memory for 1 rows/);
});
