import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Database } from '../platform/db/index.ts';
import { forEachDatabase } from '../platform/db/testing.ts';
import { anna, FakeWorld, loopTestMigrations, openLoop } from './testing.ts';

/** A turn whose challenger has all traffic; the next look promotes it. */
async function provedAtAll(t: TestContext, db: Database) {
  const world = new FakeWorld();
  const loop = await openLoop(t, db, world);
  await loop.apply();
  await loop.advance('2001-02-08');
  await loop.loops.trigger(anna, 'flights', { reason: 'try' });
  await loop.settle();
  for (const day of ['2001-02-10', '2001-02-11']) {
    world.seeOutcomes(2, 1, 900, 800, -0.05);
    await loop.advance(day);
  }
  assert.equal(world.calls.at(-1), 'split 2 1');
  world.seeOutcomes(2, 1, 900, 800, -0.05);
  return { world, loop };
}

forEachDatabase((name, open) => {
  test(`${name}: a promotion of a version that was deleted fails, and a deleted champion has its traffic back`, async (t) => {
    const { world, loop } = await provedAtAll(t, await open(t, loopTestMigrations));
    // Both are deleted while replicas change over to the new champion.
    world.followsRoute = async () => {
      if (!world.calls.at(-1)?.startsWith('promote')) return;
      for (const version of [1, 2]) world.deleted.add(version);
      world.champion = null;
    };
    const ended = await loop.advance('2001-02-12');
    assert.equal(ended.lastTurn?.state, 'failed');
    const { failure } = await loop.turn(2);
    assert.deepEqual([failure?.state, failure?.code], ['promoting', 'version_unknown']);
    assert.match(failure?.message ?? '', /version=2\) not found\. List the versions/);
    assert.deepEqual([world.calls.at(-1), world.serving.champion, world.challenger], ['back 1', 1, null]);
  });

  test(`${name}: who aborts a turn amid its promotion gives traffic and alias back, also to a deleted version`, async (t) => {
    const { world, loop } = await provedAtAll(t, await open(t, loopTestMigrations));
    const promoted = Promise.withResolvers<void>();
    world.followsRoute = async (signal) => {
      if (!world.calls.at(-1)?.startsWith('promote')) return;
      promoted.resolve();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const advanced = loop.advance('2001-02-12');
    await promoted.promise;
    world.deleted.add(1);
    // As after a crash between the alias and the turn's end.
    world.champion = 2;
    await loop.turns.abort(anna, (await loop.turn(2)).id, 'not this one');
    const ended = await advanced;
    assert.deepEqual([ended.lastTurn?.state, ended.championVersion], ['rolled-back', null]);
    assert.deepEqual([world.serving.champion, world.champion], [1, null]);
  });
});
