import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortFloat } from './short-float.ts';

test('what a caller wrote comes back: any six digits, and whole numbers', () => {
  for (const written of [0.1, -0.3, 123.456, 1e-7, 3e-9, 1e20, -1.5e-38, 16777216, 999999, 0.000123, 100.5]) {
    assert.equal(shortFloat(Math.fround(written)), written);
  }
});

test('zero keeps its sign; NaN and infinities stay', () => {
  for (const value of [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    assert.ok(Object.is(shortFloat(value), value));
});

test('whatever the single, the short double is the same single, with nine digits at most', () => {
  const bits = new Uint32Array(1);
  const single = new Float32Array(bits.buffer);
  let seed = 1;
  for (let i = 0; i < 200_000; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    bits[0] = seed;
    const value = single[0] as number;
    if (!Number.isFinite(value)) continue;
    const short = shortFloat(value);
    assert.ok(Object.is(Math.fround(short), value), `${value} became ${short}`);
    assert.equal(short, +short.toPrecision(9));
  }
});
