import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import type { ArrivedLabel, ArrivedRow } from '../../lifecycle/feedback/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { anna, FakeWorld, loopTestMigrations, loopText, openLoop } from '../testing.ts';

const text = loopText.replace('cooldown: 3d', 'cooldown: 0s');

/** Requests that the champion answered and the challenger got a copy of; `worse` is the challenger's miss. */
function pairs(count: number, routeVersion: number, worse: number) {
  const rng = createRng(7);
  const rows: ArrivedRow[] = [];
  const labels: ArrivedLabel[] = [];
  for (let i = 0; i < count; i++) {
    const predictionId = `p${i}`;
    const label = rng.int(2);
    const score = (miss: number) => Math.abs(label - 0.3 - miss - 0.05 * rng.next());
    const row = (arm: string, version: string, propensity: number, miss: number): ArrivedRow => ({
      ...{
        predictionId,
        routeVersion,
        bucket: 1,
        entity: `e${i}`,
        latencyUs: 900,
        eventTimeMs: Date.now(),
        cells: null,
      },
      ...{ arm, version, propensity, status: 'ok', score: score(miss) },
    });
    rows.push(row('champion', '1', 0.9, 0), row('shadow', '2', 1, worse));
    labels.push({ predictionId, value: label, eventTimeMs: Date.now() });
  }
  return { rows, labels };
}

forEachDatabase((name, open) => {
  /** A turn whose challenger has a tenth of the traffic, and a log that says nothing against it. */
  async function inCanary(t: Parameters<typeof openLoop>[0], db: Awaited<ReturnType<typeof open>>) {
    const world = new FakeWorld();
    const loop = await openLoop(t, db, world);
    await loop.loops.apply(anna, { text });
    assert.equal((await loop.settle()).championVersion, 1);
    world.seeOutcomes(2, 1, 60, 60, 0);
    const { shadows } = world.outcomes;
    world.outcomes = { ...world.outcomes, shadows: shadows.map((s) => ({ ...s, routeVersion: 99 })) };
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    assert.equal((await loop.settle()).activeTurn?.state, 'canary');
    assert.equal(world.calls.at(-1), 'split 2 0.1');
    return { world, loop };
  }

  test(`${name}: a turn's challenger that does harm by what comes in loses its traffic before the next look`, async (t) => {
    const { world, loop } = await inCanary(t, await open(t, loopTestMigrations));
    const { rows, labels } = pairs(1500, world.routeVersion, 0.4);
    loop.arrive({ endpoint: 'flights', rows });
    for (let i = 0; i < labels.length; i += 50) {
      loop.arrive({ endpoint: 'flights', labels: labels.slice(i, i + 50) });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    while (world.calls.at(-1) !== 'withdraw') await new Promise((resolve) => setTimeout(resolve, 5));
    await loop.settle();
    const turn = await loop.turn(2);
    assert.equal(turn.state, 'rolled-back');
    assert.match(
      turn.reason,
      /^version 2 rolled back: version 2 is worse: log loss worse by .* on [\d,]+ pairs; seen over /,
    );
    assert.equal(world.aborted.length, 1);
  });

  test(`${name}: what is as good goes on`, async (t) => {
    const { world, loop } = await inCanary(t, await open(t, loopTestMigrations));
    loop.arrive({ endpoint: 'flights', ...pairs(1500, world.routeVersion, 0) });
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal((await loop.settle()).activeTurn?.state, 'canary');
    assert.equal(world.calls.at(-1), 'split 2 0.1');
  });
});
