import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellRows, type Prediction } from '../../../platform/onnx/index.ts';
import { defaultEndpointOptions } from '../contract.ts';
import type { LoadedPackage } from './loaded-package.ts';
import { ServedModel } from './served-model.ts';

test('params with whole numbers beyond 2^53 have runs and entries in the cache of their own', async () => {
  const seeds: unknown[] = [];
  const loaded = {
    digest: 'sha256:1',
    manifest: { model: 'm', signature: { inputs: [] } },
    maxRows: 8,
    concurrency: 1,
    run: (_: unknown, { params }: { readonly params: { readonly seed: bigint } }): Prediction => {
      seeds.push(params.seed);
      return { rowCount: 1, outputs: [], score: null };
    },
  } as unknown as LoadedPackage;
  const model = new ServedModel(loaded, 'e', {
    ...defaultEndpointOptions,
    cache: { maxEntries: 10, maxAgeMs: null },
  });
  const ask = async (seed: bigint) => {
    const asked = { startedMs: performance.now(), timeoutMs: null, params: { seed } };
    return (await model.predict(cellRows([[1]]), asked)).cache?.hit;
  };
  const big = 2n ** 60n;
  assert.deepEqual(await Promise.all([ask(big), ask(big + 1n)]), [false, false]);
  assert.deepEqual(seeds, [big, big + 1n]);
  assert.deepEqual([await ask(big), await ask(big + 1n)], [true, true]);
});
