import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { type Clock, wallClock } from '../../core/time.ts';
import type { ArrivedLabel, ArrivedRow } from '../../lifecycle/feedback/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { ClockSteps, machineMs } from '../clock-steps.ts';
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
      predictionId,
      routeVersion,
      bucket: 1,
      entity: `e${i}`,
      latencyUs: 900,
      eventTimeMs: Date.now(),
      receivedAtMs: Date.now(),
      cells: null,
      arm,
      version,
      propensity,
      status: 'ok',
      score: score(miss),
    });
    rows.push(row('champion', '1', 0.9, 0), row('shadow', '2', 1, worse));
    labels.push({ predictionId, value: label, eventTimeMs: Date.now(), seq: i });
  }
  return { rows, labels };
}

forEachDatabase((name, open) => {
  /** A turn whose challenger has a tenth of the traffic, and a log that says nothing against it. */
  async function inCanary(
    t: Parameters<typeof openLoop>[0],
    db: Awaited<ReturnType<typeof open>>,
    clock: Clock = wallClock,
    file = text,
    clockSteps?: () => ClockSteps,
  ) {
    const world = new FakeWorld();
    const loop = await openLoop(t, db, world, clock, clockSteps);
    await loop.loops.apply(anna, { text: file });
    assert.equal((await loop.settle()).championVersion, 1);
    world.seeOutcomes(2, 1, 60, 60, 0);
    const { shadows } = world.outcomes;
    world.outcomes = { ...world.outcomes, shadows: shadows.map((s) => ({ ...s, routeVersion: 99 })) };
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    assert.equal((await loop.settle()).activeTurn?.state, 'canary');
    assert.equal(world.calls.at(-1), 'split 2 0.1');
    /** Has the loop looked at: something has happened somewhere. */
    const look = () =>
      db.write((tx) => {
        const subject = { kind: 'test', id: 'test' };
        return loop.journal.appendEvent(tx, { type: 'test.happened', subject, data: {} });
      });
    return { world, loop, look };
  }

  /** What comes in says that the challenger is worse. Resolves when it has lost its traffic. */
  async function doHarm({ world, loop }: Awaited<ReturnType<typeof inCanary>>, routeVersion: number) {
    const { rows, labels } = pairs(1500, routeVersion, 0.4);
    loop.arrive({ endpoint: 'flights', rows });
    for (let i = 0; i < labels.length; i += 50) {
      loop.arrive({ endpoint: 'flights', labels: labels.slice(i, i + 50) });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    while ((await loop.turn(2)).state === 'canary') await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(world.calls.at(-1), 'withdraw');
    const { state, reason } = await loop.turn(2);
    assert.equal(state, 'rolled-back');
    assert.match(
      reason,
      /^version 2 rolled back: version 2 is worse: log loss worse by .* on [\d,]+ pairs; seen over /,
    );
    assert.equal(world.aborted.length, 1);
  }

  /** Waits until something is asked for, and holds it until `release` or until it is called off. */
  function held() {
    const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const hold = async (signal?: AbortSignal) => {
      asked.resolve();
      signal?.addEventListener('abort', () => go.reject(signal.reason));
      await go.promise;
    };
    return { hold, asked: asked.promise, release: () => go.resolve() };
  }

  test(`${name}: a turn's challenger that does harm by what comes in loses its traffic while the log is being read`, async (t) => {
    let nowMs = Date.now();
    const turn = await inCanary(t, await open(t, loopTestMigrations), { nowMs: () => nowMs });
    const { world, loop, look } = turn;
    const { routeVersion } = world;
    const reading = held();
    world.readsLog = reading.hold;
    // When it is read, it says that all is well and more traffic may be given.
    world.seeOutcomes(2, 1, 5000, 5000, -0.2);
    nowMs += 60_000;
    await look();
    await reading.asked;
    await doHarm(turn, routeVersion);
    reading.release();
    await loop.settle();
    assert.equal((await loop.turn(2)).state, 'rolled-back');
    assert.equal(world.serving.challenger, null);
  });

  test(`${name}: a challenger that a guard took the traffic from is rolled back while the log is being read`, async (t) => {
    let nowMs = Date.now();
    const { world, loop, look } = await inCanary(t, await open(t, loopTestMigrations), {
      nowMs: () => nowMs,
    });
    const reading = held();
    world.readsLog = reading.hold;
    nowMs += 60_000;
    await look();
    await reading.asked;
    world.guarded = 'version 2 lost its traffic in the replica: 20 of 40 requests failed';
    await look();
    while ((await loop.turn(2)).state === 'canary') await new Promise((resolve) => setTimeout(resolve, 5));
    reading.release();
    const { reason } = await loop.turn(2);
    assert.match(reason, /^version 2 rolled back: .* 20 of 40 requests failed$/);
  });

  test(`${name}: a challenger that lost its traffic while a person is asked is rolled back`, async (t) => {
    let nowMs = Date.now();
    const asking = text.replace('improve:', 'improve:\n  promote: approval');
    const { world, loop, look } = await inCanary(
      t,
      await open(t, loopTestMigrations),
      { nowMs: () => nowMs },
      asking,
    );
    while ((await loop.turn(2)).state === 'canary') {
      world.seeOutcomes(2, 1, 5000, 5000, -0.2);
      nowMs += 60_000;
      await look();
      await loop.settle();
    }
    assert.equal((await loop.turn(2)).state, 'awaiting-approval');
    world.guarded = 'version 2 lost its traffic in the replica: 20 of 40 requests failed';
    await look();
    await loop.settle();
    assert.deepEqual([(await loop.turn(2)).state, world.serving.champion], ['rolled-back', 1]);
  });

  test(`${name}: a clock that is put back keeps no look waiting`, async (t) => {
    let nowMs = Date.now();
    const { world, loop, look } = await inCanary(t, await open(t, loopTestMigrations), {
      nowMs: () => nowMs,
    });
    nowMs -= 86_400_000;
    world.seeOutcomes(2, 1, 5000, 5000, 0.4);
    await look();
    await loop.settle();
    assert.equal((await loop.turn(2)).state, 'rolled-back');
  });

  test(`${name}: a clock that is set by a year, also while control is down, ends no turn before its time`, async (t) => {
    let setByMs = 0;
    const clock = { nowMs: () => Date.now() + setByMs };
    const db = await open(t, loopTestMigrations);
    const clockSteps = () => new ClockSteps(clock, machineMs, 'boot');
    const { loop, look } = await inCanary(t, db, clock, text, clockSteps);
    const began = async () => (await loop.turn(2)).rollout?.beganEventTime ?? '';
    const before = Date.parse(await began());
    for (const [days, isDown] of [366, -10].flatMap((by) => [
      [by, false] as const,
      [2 * by, true] as const,
    ])) {
      setByMs = days * 86_400_000;
      if (isDown) await loop.restart();
      else await look();
      await loop.settle();
      assert.equal((await loop.turn(2)).state, 'canary');
      assert.ok(Math.abs(Date.parse(await began()) - before - setByMs) < 60_000, `${days}, ${isDown}`);
    }
  });

  test(`${name}: harm that shows while a step gives more traffic calls the step off`, async (t) => {
    let nowMs = Date.now();
    const turn = await inCanary(t, await open(t, loopTestMigrations), { nowMs: () => nowMs });
    const { world, loop, look } = turn;
    const { routeVersion } = world;
    const following = held();
    world.followsRoute = following.hold;
    world.seeOutcomes(2, 1, 5000, 5000, -0.2);
    nowMs += 60_000;
    await look();
    await following.asked;
    assert.equal(world.calls.at(-1), 'split 2 1');
    await doHarm(turn, routeVersion);
    await loop.settle();
    assert.equal(world.serving.challenger, null);
    assert.equal((await loop.turn(2)).steps.at(-1)?.status, 'cancelled');
  });

  test(`${name}: a step that was called off, by a control that died before it wrote why the turn ends, ends it`, async (t) => {
    let nowMs = Date.now();
    const db = await open(t, loopTestMigrations);
    const { world, loop, look } = await inCanary(t, db, { nowMs: () => nowMs });
    const following = held();
    world.followsRoute = following.hold;
    world.seeOutcomes(2, 1, 5000, 5000, -0.2);
    nowMs += 60_000;
    await look();
    await following.asked;
    const { stepRunId = '' } = (await loop.turn(2)).steps.at(-1) ?? {};
    await db.write((tx) => loop.pipelines.cancelIn(tx, stepRunId, 'version 2 is worse'));
    await loop.restart();
    await loop.settle();
    const { state, reason } = await loop.turn(2);
    assert.equal(state, 'rolled-back');
    assert.equal(reason, `version 2 rolled back: version 2 is worse`);
    assert.equal(world.serving.challenger, null);
    assert.equal(world.aborted.length, 1);
  });

  test(`${name}: who ends a turn that is being promoted gives the champion everything back`, async (t) => {
    let nowMs = Date.now();
    const { world, loop, look } = await inCanary(t, await open(t, loopTestMigrations), {
      nowMs: () => nowMs,
    });
    const following = held();
    world.followsRoute = async (signal) => {
      if (world.calls.at(-1) === 'promote 2') await following.hold(signal);
    };
    for (const next of ['split 2 1', 'promote 2']) {
      world.seeOutcomes(2, 1, 5000, 5000, -0.2);
      nowMs += 60_000;
      await look();
      while (world.calls.at(-1) !== next) await new Promise((resolve) => setTimeout(resolve, 5));
      if (next !== 'promote 2') await loop.settle();
    }
    await following.asked;
    assert.deepEqual(world.serving, { champion: 2, challenger: null });
    const { id } = await loop.turn(2);
    await loop.turns.abort(anna, id, 'not this one');
    assert.equal((await loop.turn(2)).state, 'rolled-back');
    assert.deepEqual(world.serving, { champion: 1, challenger: null });
    assert.equal(world.champion, 1);
  });

  test(`${name}: what is as good goes on`, async (t) => {
    const { world, loop } = await inCanary(t, await open(t, loopTestMigrations));
    loop.arrive({ endpoint: 'flights', ...pairs(1500, world.routeVersion, 0) });
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal((await loop.settle()).activeTurn?.state, 'canary');
    assert.equal(world.calls.at(-1), 'split 2 0.1');
  });
});
