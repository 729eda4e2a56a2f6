import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importOnnx } from './import.ts';
import { importOnnxAside } from './import-aside.ts';
import { deepOnnx, wideOnnx } from './testing.ts';

test('a large graph is read on another thread, with the same outcome and the bytes left where they are', async () => {
  const large = deepOnnx(512, 3);
  for (const onnx of [large, wideOnnx(30)]) {
    const { bytes, ...told } = await importOnnxAside(onnx);
    const { bytes: sameBytes, ...sameTold } = importOnnx(onnx);
    assert.deepEqual(told, sameTold);
    assert.ok(Buffer.from(bytes).equals(sameBytes) && onnx.length > 0);
  }
  const damaged = large.slice(0, -1000);
  await assert.rejects(importOnnxAside(damaged), (error: Error) => {
    assert.throws(() => importOnnx(damaged), { message: error.message, code: 'onnx_invalid' });
    return true;
  });
});
