import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteParts } from './byte-parts.ts';

const bytes = (length: number, from = 0) => Buffer.from(Array.from({ length }, (_, i) => (from + i) % 251));

test('parts of all sizes are given back in their order, and a first part alone as it is', () => {
  const parts = new ByteParts();
  const sizes = [1, 1, 5000, 3, 4095, 4095, 4095, 4095, 4095, 70_000, 2, 0, 16_384, 1];
  const expected: Buffer[] = [];
  for (const size of sizes) {
    expected.push(bytes(size, size));
    parts.add(bytes(size, size));
  }
  assert.equal(
    parts.sizeBytes,
    sizes.reduce((a, b) => a + b),
  );
  assert.deepEqual(parts.joined(), Buffer.concat(expected));
  parts.drop(5000);
  parts.add(bytes(10));
  assert.deepEqual(parts.joined(), Buffer.concat([...expected, bytes(10)]).subarray(5000));
  parts.clear();
  const alone = bytes(3);
  parts.add(alone);
  assert.equal(parts.joined(), alone);
});

test('short parts are copied together, so that nothing of them is kept', () => {
  const parts = new ByteParts();
  const short = bytes(100);
  const long = bytes(5000);
  parts.add(bytes(1));
  for (let i = 0; i < short.length; i++) parts.add(short.subarray(i, i + 1));
  parts.add(long);
  short.fill(255);
  long.fill(254);
  assert.deepEqual(parts.joined(), Buffer.concat([bytes(1), bytes(100), Buffer.alloc(5000, 254)]));
});
