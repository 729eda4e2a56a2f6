import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketCount } from '../contract.ts';
import { bucketOf, bucketsOf, murmur3 } from './bucket.ts';

test('murmur3 gives the published values', () => {
  assert.equal(murmur3(''), 0);
  assert.equal(murmur3('', 1), 0x514e28b7);
  assert.equal(murmur3('hello'), 0x248bfa47);
  assert.equal(murmur3('hello, world'), 0x149bbb7f);
  assert.equal(murmur3('The quick brown fox jumps over the lazy dog'), 0x2e4ff723);
  assert.equal(murmur3('19 Jan 2038 at 3:14:07 AM'), 0xe31e8a70);
});

test('buckets are uniform, and unrelated under different salts', () => {
  const n = 200_000;
  const counts = new Array<number>(100).fill(0);
  let both = 0;
  for (let i = 0; i < n; i++) {
    const bucket = bucketOf('a', `flight-${i}`);
    counts[Math.floor(bucket / 100)]! += 1;
    if (bucket < bucketCount / 2 && bucketOf('b', `flight-${i}`) < bucketCount / 2) both++;
  }
  const expected = n / 100;
  const chiSquare = counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
  assert.ok(chiSquare < 148.2, `chi-square ${chiSquare} with 99 degrees of freedom (p = 0.001)`);
  assert.ok(Math.abs(both / n - 0.25) < 0.005);
});

test('widening a rollout keeps everybody who was in', () => {
  let inside = new Set<number>();
  for (const weight of [0.01, 0.1, 0.5, 1]) {
    const now = new Set<number>();
    for (let i = 0; i < 5000; i++) if (bucketOf('salt', String(i)) < bucketsOf(weight)) now.add(i);
    for (const entity of inside) assert.ok(now.has(entity));
    assert.ok(Math.abs(now.size / 5000 - weight) < 0.02);
    inside = now;
  }
  assert.equal(inside.size, 5000);
});
