import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bothEnded } from './both-ended.ts';

test('both are waited for, however many came before, and nothing of them is kept', async () => {
  const works = Array.from({ length: 3 }, () => Promise.withResolvers<string>());
  let all: Promise<unknown> = Promise.resolve();
  for (const { promise } of works) all = bothEnded(all, promise);
  let isOver = false;
  const end = all.then((kept) => {
    isOver = true;
    return kept;
  });
  for (const { resolve } of works.toReversed()) {
    assert.equal(isOver, false);
    resolve('large');
    await new Promise((next) => setImmediate(next));
  }
  assert.equal(await end, undefined);
  await assert.rejects(bothEnded(all, Promise.reject(new Error('no'))), /no/);
});
