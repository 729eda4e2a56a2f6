import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MovingSession } from './moving-session.ts';
import type { GraphSession } from './session.ts';

/** Computes for as long as it is told to, and counts what happens to it. */
function session(movesFeeds: boolean, busyMs: () => number) {
  const counts = { runs: 0, closed: 0 };
  const graph: GraphSession = {
    movesFeeds,
    run: () => {
      counts.runs++;
      const { user, system } = process.cpuUsage();
      const until = user + system + busyMs() * 1000;
      for (let now = process.cpuUsage(); now.user + now.system < until; now = process.cpuUsage());
      return {};
    },
    close: async () => void counts.closed++,
  };
  return { graph, counts };
}

test('a graph whose run takes long computes on a thread from then on', async () => {
  let busyMs = 0;
  const here = session(false, () => busyMs);
  const there = session(true, () => 0);
  const moved = Promise.withResolvers<number>();
  const moving = new MovingSession(here.graph, {
    toThread: async () => there.graph,
    onMove: moved.resolve,
  });
  for (let i = 0; i < 100; i++) moving.run({});
  assert.deepEqual([moving.place, moving.movesFeeds], ['inline', false]);
  busyMs = 80;
  moving.run({});
  assert.ok((await moved.promise) > 50);
  busyMs = 0;
  moving.run({});
  assert.deepEqual([moving.place, moving.movesFeeds], ['thread', true]);
  assert.deepEqual(
    [here.counts, there.counts],
    [
      { runs: 101, closed: 1 },
      { runs: 1, closed: 0 },
    ],
  );
  await moving.close();
  assert.equal(there.counts.closed, 1);
});

test('one that cannot move stays, and one that is closed meanwhile leaves no thread', async () => {
  const here = session(false, () => 80);
  const there = session(true, () => 0);
  const loads = [Promise.reject(new Error('no memory')), Promise.resolve(there.graph)];
  const moving = new MovingSession(here.graph, {
    toThread: async () => loads.shift() ?? there.graph,
    onMove: () => assert.fail('it moved'),
  });
  moving.run({});
  await new Promise(setImmediate);
  assert.equal(moving.place, 'inline');
  moving.run({});
  await moving.close();
  await new Promise(setImmediate);
  assert.deepEqual([here.counts.closed, there.counts.closed], [1, 1]);
});
