import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../rng.ts';
import { RateRise } from './rate-rise.ts';

test('a rate at its limit is said to have risen in at most alpha of 2,000 histories', () => {
  const rng = createRng(11);
  const [alpha, runs] = [0.05, 2000];
  let wrong = 0;
  for (let run = 0; run < runs; run++) {
    const rise = new RateRise(0.02, alpha);
    for (let i = 0; i < 3000; i++) rise.add(rng.next() < 0.02);
    if (rise.risen) wrong++;
  }
  assert.ok(wrong <= runs * alpha + 2 * Math.sqrt(runs * alpha * (1 - alpha)), `${wrong} of ${runs}`);
  assert.ok(wrong > 0, 'the test can see a false alarm');
});

test('a rise is seen soon, however long all was well before', () => {
  const rng = createRng(12);
  const untilRisen = (before: number, rate: number) => {
    const rise = new RateRise(0.01, 1e-5);
    for (let i = 0; i < before; i++) rise.add(rng.next() < 0.002);
    assert.equal(rise.risen, false);
    let trials = 0;
    for (; !rise.risen; trials++) rise.add(rng.next() < rate);
    return trials;
  };
  const few = [0, 1000, 1_000_000].map((before) => untilRisen(before, 1));
  assert.ok(
    few.every((trials) => trials <= 9),
    `${few} trials, each with an event`,
  );
  const third = [0, 1000, 1_000_000].map((before) => untilRisen(before, 0.3));
  assert.ok(
    third.every((trials) => trials <= 80),
    `${third} trials, three of ten with an event`,
  );
});
