import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime } from '../../core/time.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { anna, FakeWorld, loopTestMigrations, loopText, openLoop } from '../testing.ts';

const hour = 3_600_000;

forEachDatabase((name, open) => {
  test(`${name}: a turn of a live loop takes what was predicted up to its start, less the delay of labels`, async (t) => {
    const nowMs = Date.UTC(2001, 1, 8);
    const loop = await openLoop(t, await open(t, loopTestMigrations), new FakeWorld(), {
      nowMs: () => nowMs,
    });
    await loop.loops.apply(anna, { text: loopText });
    await loop.settle();
    await loop.loops.trigger(anna, 'flights', { reason: 'labels are in' });
    await loop.settle();
    const join = (await loop.turn(2)).steps[0];
    assert.equal(join?.kind, 'label-join');
    assert.deepEqual(await loop.inputs(join, ['to']), [formatTime(nowMs - 6 * hour)]);
  });
});
