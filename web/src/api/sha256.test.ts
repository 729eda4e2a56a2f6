import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { digestOf } from './sha256.ts';

test('digests are those of SHA-256, at every length around the ends of blocks and pieces', async () => {
  const bytes = Uint8Array.from({ length: 4 * 1024 * 1024 + 100 }, (_, i) => (i * 2_654_435_761) >>> 24);
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, bytes.length - 100, bytes.length]) {
    const part = bytes.subarray(0, length);
    const expected = `sha256:${createHash('sha256').update(part).digest('hex')}`;
    assert.equal(await digestOf(new Blob([part])), expected, `${length} bytes`);
  }
});
