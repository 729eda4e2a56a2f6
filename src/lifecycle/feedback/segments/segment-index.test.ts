import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Digest } from '../../../core/json.ts';
import { SegmentIndex, type SegmentIndexOptions } from './segment-index.ts';

test('filters that many ask for at once stay in memory', async () => {
  const filter = new Uint8Array(10 * 1024 * 1024);
  let reads = 0;
  const blobs = {
    info: async () => ({}),
    bytes: async () => {
      reads++;
      await setImmediate();
      return filter;
    },
  };
  const index = new SegmentIndex({ blobs } as unknown as SegmentIndexOptions);
  const digest = `sha256:${'0'.repeat(64)}` as Digest;
  const look = () => index.candidates([{ id: 'a', digest, filterDigest: digest }], ['p1']);
  await Promise.all(Array.from({ length: 12 }, look));
  const before = reads;
  await look();
  await look();
  assert.equal(reads, before);
});
