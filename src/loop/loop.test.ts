import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../platform/db/testing.ts';
import { anna, FakeWorld, loopTestMigrations, loopText, openLoop, pathOf } from './testing.ts';
import { nothingObserved } from './verdict/observation.ts';

forEachDatabase((name, open) => {
  test(`${name}: the first turn trains on the source and promotes without a canary`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    const applied = await loop.apply();
    assert.equal(applied.championVersion, 1);
    assert.equal(applied.activeTurn, null);
    const turn = await loop.turn(1);
    assert.deepEqual(pathOf(turn), [
      'preparing',
      'training',
      'packaging',
      'evaluating',
      'gating',
      'promoting',
      'promoted',
    ]);
    assert.deepEqual(world.calls, ['deploy 1']);
    assert.equal(turn.trigger.cause, 'first');
    assert.equal(turn.datasetVersionId, 'dataset-2');
    assert.deepEqual(
      turn.steps.map((step) => [step.kind, step.status]),
      ['prepare-data', 'train', 'package', 'evaluate', 'deploy'].map((kind) => [kind, 'succeeded']),
    );
    const audit = await loop.journal.auditEntries({ subjectKind: 'turn', limit: 20 });
    assert.equal(audit.length, turn.transitions.length);
    assert.deepEqual(audit[0]?.before, { state: 'promoting' });
  });

  test(`${name}: applying the same file again changes nothing; another is a new version`, async (t) => {
    const loop = await openLoop(t, await open(t, loopTestMigrations), new FakeWorld());
    await loop.apply();
    assert.equal((await loop.loops.apply(anna, { text: loopText })).outcome, 'unchanged');
    const changed = await loop.loops.apply(anna, { text: `${loopText}# a remark\n` });
    assert.equal(changed.outcome, 'changed');
    assert.equal(changed.loop.version, 2);
    const versions = await loop.loops.versions(anna, 'flights', 10);
    assert.deepEqual(
      versions.map((v) => v.version),
      [2, 1],
    );
    assert.equal((await loop.settle()).lastTurn?.number, 1);
  });

  test(`${name}: drift leads to a turn that joins the log, and through shadow and canary to promotion`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    await loop.advance('2001-02-08');
    world.alerts = [loop.drift('2001-02-10')];
    const shadow = await loop.advance('2001-02-10');
    assert.equal(shadow.activeTurn?.state, 'shadow');
    assert.equal(shadow.activeTurn?.trigger.cause, 'drift');
    assert.equal(world.challenger, 2);
    assert.deepEqual(world.calls.slice(1), ['mirror 2']);

    world.seeOutcomes(2, 1, 40, 0, 0);
    const waits = await loop.advance('2001-02-10T06:00');
    assert.equal(waits.activeTurn?.state, 'shadow');
    assert.equal(waits.waitsFor, 'waits for 10 more copies');

    world.seeOutcomes(2, 1, 60, 60, 0);
    const canary = await loop.advance('2001-02-10T12:00');
    assert.equal(canary.activeTurn?.state, 'canary');
    assert.deepEqual(world.calls.slice(2), ['split 2 0.1']);

    world.seeOutcomes(2, 1, 500, 400, -0.01);
    await loop.advance('2001-02-11');
    assert.deepEqual(world.calls.slice(3), ['split 2 1']);
    world.seeOutcomes(2, 1, 900, 800, -0.01);
    const done = await loop.advance('2001-02-12');
    assert.equal(done.activeTurn, null);
    assert.equal(done.championVersion, 2);
    assert.deepEqual(world.calls.slice(4), ['promote 2']);
    const turn = await loop.turn(2);
    assert.deepEqual(pathOf(turn).slice(-4), ['shadow', 'canary', 'promoting', 'promoted']);
    assert.equal(turn.steps[0]?.kind, 'label-join');
    assert.deepEqual(
      turn.rolloutHistory.map((r) => [r.percent, r.verdict]),
      [
        [0, 'pass'],
        [10, 'pass'],
        [100, 'pass'],
      ],
    );
  });

  test(`${name}: a challenger that is worse loses its traffic at the next look`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'try', overrides: { params: { bad: true } } });
    assert.equal((await loop.settle()).activeTurn?.state, 'shadow');
    world.seeOutcomes(2, 1, 60, 60, 0.1);
    await loop.advance('2001-02-08T12:00');
    // It looks worse, but neighbours in time resemble each other: no verdict yet, and no more traffic.
    world.seeOutcomes(2, 1, 300, 250, 0.1);
    const held = await loop.advance('2001-02-08T18:00');
    assert.match(held.waitsFor, /^waits for a verdict, as it looks worse so far \(log loss worse by 0\.1000/);
    assert.equal(world.calls.at(-1), 'split 2 0.1');
    world.seeOutcomes(2, 1, 500, 450, 0.1);
    const back = await loop.advance('2001-02-09');
    assert.equal(back.championVersion, 1);
    assert.equal(world.challenger, null);
    assert.equal(world.calls.at(-1), 'withdraw');
    const turn = await loop.turn(2);
    assert.equal(turn.state, 'rolled-back');
    assert.match(
      turn.reason,
      /^version 2 rolled back: version 2 is worse: log loss worse by 0\.1000, proved .* on 450 pairs; seen over .*: other (hours of the day|days of the week) may differ$/,
    );
    assert.equal(turn.rolloutHistory.at(-1)?.comparisons[0]?.verdict, 'worse');
    const [told] = world.aborted;
    assert.deepEqual([told?.endpoint, told?.modelVersion, told?.subject], ['flights', '2', 'turn/flights/2']);
    assert.match(told?.reason ?? '', /^version 2 is worse: log loss worse by 0\.1000/);
  });

  test(`${name}: a bandit moves the traffic by rewards, and ends by the verdict on them`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    const bandit = '{ start: 10, every: 1h, maxChange: 0.2, minLabels: 100, minTime: 12h, maxTime: 20d }';
    await loop.apply(
      loopText.replace(/ {2}canary: .*\n/, `  bandit: ${bandit}\n  verdict: { prove: better }\n`),
    );
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    await loop.settle();
    world.seeOutcomes(2, 1, 60, 60, 0);
    await loop.advance('2001-02-08T06:00');
    assert.equal(world.calls.at(-1), 'split 2 0.1');
    // Better by a little: more traffic, no verdict yet.
    world.seeOutcomes(2, 1, 500, 400, -0.05);
    const more = await loop.advance('2001-02-08T12:00');
    assert.match(more.waitsFor, /^waits for 6 h of event time$/);
    const share = () => Number(world.calls.at(-1)?.split(' ')[2]);
    assert.ok(Math.abs(share() - 0.3) < 1e-9, 'as much as it may change at a time');
    const turn = await loop.turn(2);
    const { rollout } = turn;
    assert.deepEqual([turn.state, rollout?.stage, rollout?.percent], ['canary', 'bandit', 30]);
    assert.ok((rollout?.bandit?.arms.find((a) => a.arm === 'challenger')?.wanted ?? 0) > 0.8);
    assert.equal(rollout?.comparisons[0]?.metric, 'accuracy');
    await loop.restart();
    world.seeOutcomes(2, 1, 900, 800, -0.05);
    const unproved = await loop.advance('2001-02-08T20:00');
    assert.match(unproved.waitsFor, /^waits for proof \(accuracy better by 0\.0500 /);
    assert.notEqual((await loop.turn(2)).rollout?.bandit?.changedAt ?? null, null);
    assert.ok(Math.abs(share() - 0.5) < 1e-9);
    world.seeOutcomes(2, 1, 9000, 8000, -0.05);
    const done = await loop.advance('2001-02-09');
    assert.deepEqual([done.championVersion, world.calls.at(-1)], [2, 'promote 2']);
    assert.match((await loop.turn(2)).reason, /^version 2 is champion: accuracy better by 0\.0500/);

    await loop.loops.trigger(anna, 'flights', { reason: 'another' });
    await loop.settle();
    world.seeOutcomes(3, 2, 60, 60, 0);
    await loop.advance('2001-02-09T06:00');
    world.seeOutcomes(3, 2, 3000, 2500, 0.2);
    const back = await loop.advance('2001-02-09T12:00');
    assert.equal(back.lastTurn?.state, 'rolled-back');
    assert.match(back.lastTurn?.reason ?? '', /version 3 is worse: accuracy worse by 0\.2000/);
  });

  test(`${name}: a change of a bandit's shares that a kill cuts off is done as it was decided`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    const bandit = '{ start: 10, every: 1h, maxChange: 0.2, minLabels: 100, minTime: 12h, maxTime: 20d }';
    await loop.apply(loopText.replace(/ {2}canary: .*\n/, `  bandit: ${bandit}\n`));
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    await loop.settle();
    world.seeOutcomes(2, 1, 60, 60, 0);
    await loop.advance('2001-02-08T06:00');
    world.seeOutcomes(2, 1, 500, 400, -0.05);
    const killed = new Promise<void>((resolve) => {
      world.killedAfterSplit = resolve;
    });
    const moved = loop.advance('2001-02-08T12:00');
    await killed;
    // What comes in meanwhile says the opposite.
    world.seeOutcomes(2, 1, 600, 500, 0.03);
    await loop.restart();
    await moved;
    const { rollout } = await loop.turn(2);
    assert.deepEqual(
      [rollout?.percent, rollout?.weighing, world.calls.filter((call) => call.startsWith('split 2'))],
      [30, null, ['split 2 0.1', 'split 2 0.3']],
    );
    assert.equal(rollout?.routeVersion, world.routeVersion);
  });

  test(`${name}: a failed gate rejects; an unsure one asks a person, whose refusal is kept`, async (t) => {
    const world = new FakeWorld();
    world.verdict = 'fail';
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    const applied = await loop.apply();
    assert.equal(applied.championVersion, null);
    assert.equal(applied.lastTurn?.state, 'rejected');
    assert.equal(applied.lastTurn?.reason, 'failed auc ≥ 0.6 (AUC 0.55 is less than 0.6)');

    world.verdict = 'unsure';
    await loop.loops.trigger(anna, 'flights', { reason: 'again' });
    const asks = await loop.settle();
    assert.equal(asks.activeTurn?.state, 'awaiting-approval');
    assert.match(asks.waitsFor, /^a person to decide\. The rows do not decide auc/);
    await assert.rejects(loop.turns.retry(anna, asks.activeTurn?.id ?? '', 'no'), { code: 'turn_state' });
    await loop.turns.reject(anna, asks.activeTurn?.id ?? '', 'not good enough');
    const turn = await loop.turn((await loop.settle()).lastTurn?.number ?? 0);
    assert.equal(turn.state, 'rejected');
    assert.deepEqual([turn.approvals[0]?.decision, turn.approvals[0]?.by], ['rejected', 'user:anna']);

    await loop.loops.trigger(anna, 'flights', { reason: 'once more' });
    const third = await loop.settle();
    await loop.turns.approve(anna, third.activeTurn?.id ?? '', 'good enough for a start');
    assert.equal((await loop.settle()).championVersion, 3);
  });

  test(`${name}: a failed script fails the turn with its message; a retry goes on there`, async (t) => {
    const world = new FakeWorld();
    world.trainError = 'KeyError: delay';
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    const failed = await loop.apply();
    assert.equal(failed.lastTurn?.state, 'failed');
    const turn = await loop.turn(1);
    assert.equal(turn.failure?.state, 'training');
    assert.equal(turn.failure?.code, 'train_script_failed');
    assert.match(turn.failure?.message ?? '', /KeyError: delay/);
    await loop.loops.pause(anna, 'flights', 'no new turn meanwhile');
    await loop.loops.apply(anna, { text: `${loopText}# corrected\n` });
    world.trainError = undefined;
    await loop.turns.retry(anna, turn.id, 'fixed');
    await loop.loops.resume(anna, 'flights', 'go on');
    await loop.settle();
    const again = await loop.turn(1);
    assert.deepEqual([again.state, again.failure, again.loopVersion], ['promoted', null, 2]);
  });

  test(`${name}: a script that logs no model says what to do`, async (t) => {
    const world = new FakeWorld();
    world.logsModel = false;
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    const turn = await loop.turn(1);
    assert.equal(turn.failure?.code, 'train_no_model');
    assert.match(turn.failure?.message ?? '', /logged no model \(runs: run-1\)\. Call mlflow/);
  });

  test(`${name}: triggers wait for the cool-down in event time, and for a turn under way`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'one' });
    const turn = (await loop.settle()).activeTurn;
    assert.equal(turn?.state, 'shadow');
    const queued = await loop.loops.trigger(anna, 'flights', {
      reason: 'two',
      overrides: { params: { x: 1 } },
    });
    assert.equal(queued.waitingTriggers[0]?.waitsFor, 'turn 2 is under way');
    await loop.loops.pause(anna, 'flights', 'lunch');
    await loop.turns.abort(anna, turn?.id ?? '', 'not now');
    assert.equal((await loop.turn(2)).state, 'rolled-back');
    assert.equal(world.calls.at(-1), 'withdraw');
    assert.equal((await loop.settle()).waitingTriggers[0]?.waitsFor, 'the loop is paused');
    await loop.loops.resume(anna, 'flights', 'back');
    const third = (await loop.settle()).activeTurn;
    assert.deepEqual([third?.number, third?.trigger.reason], [3, 'two']);
    await loop.turns.abort(anna, third?.id ?? '', 'enough');

    world.alerts = [loop.drift('2001-02-09')];
    const cooling = await loop.advance('2001-02-09');
    assert.equal(cooling.activeTurn, null);
    assert.equal(cooling.waitingTriggers[0]?.waitsFor, 'cool-down until 2001-02-11T00:00:00.000Z');
    assert.equal((await loop.advance('2001-02-11')).activeTurn?.trigger.cause, 'drift');
  });

  test(`${name}: an experiment of a person does not delay the loop, unless it makes a champion`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    await loop.advance('2001-02-08');
    world.alerts = [loop.drift('2001-02-08')];
    assert.equal((await loop.advance('2001-02-09')).activeTurn?.trigger.cause, 'drift');
    await loop.turns.abort(anna, (await loop.turn(2)).id, 'not now');
    await loop.advance('2001-02-11');
    const overrides = { params: { x: 1 } };
    await loop.loops.trigger(anna, 'flights', { reason: 'what if', overrides });
    await loop.settle();
    world.alerts = [loop.drift('2001-02-11')];
    await loop.turns.abort(anna, (await loop.turn(3)).id, 'seen enough');
    const waits = await loop.settle();
    assert.deepEqual(
      waits.waitingTriggers.map((trigger) => trigger.waitsFor),
      ['cool-down until 2001-02-12T00:00:00.000Z'],
    );
    // Two turns of the same alert, with an experiment between them.
    assert.equal((await loop.advance('2001-02-12')).activeTurn?.number, 4);
    await loop.turns.abort(anna, (await loop.turn(4)).id, 'not now either');

    await loop.advance('2001-02-13');
    await loop.loops.trigger(anna, 'flights', { reason: 'this is it', overrides });
    await loop.settle();
    const { challengerVersion } = await loop.turn(5);
    for (const day of ['14', '15', '16']) {
      world.seeOutcomes(challengerVersion ?? 0, 1, 900, 900, -0.01);
      await loop.advance(`2001-02-${day}`);
    }
    const done = await loop.settle();
    assert.equal(done.championVersion, challengerVersion);
    assert.equal(done.cooldownUntil, '2001-02-16T00:00:00.000Z');
  });

  test(`${name}: a version that was rolled back is begun again only for a person who asks for it`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    await loop.advance('2001-02-08');
    world.model = 'the same each time';
    world.alerts = [loop.drift('2001-02-08')];
    await loop.advance('2001-02-09');
    await loop.turns.abort(anna, (await loop.turn(2)).id, 'wrong units');
    assert.equal((await loop.turn(2)).state, 'rolled-back');
    world.alerts = [loop.drift('2001-02-13')];
    await loop.advance('2001-02-14');
    const refused = await loop.turn(3);
    assert.deepEqual(
      [refused.state, refused.reason],
      ['rejected', 'the script made version 2 again, which turn 2 began: aborted: wrong units'],
    );
    await loop.loops.trigger(anna, 'flights', { reason: 'the units were right' });
    assert.equal((await loop.settle()).activeTurn?.state, 'shadow');
    const told = (await loop.turn(4)).transitions.find((step) => step.to === 'evaluating')?.reason;
    assert.match(told ?? '', /2 again, which turn 2 began: aborted: wrong units\. It is begun once more/);
    assert.match(told ?? '', /because user:anna asked for it: the units were right$/);
  });

  test(`${name}: harm is acted on while the loop is paused; nothing else is`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    await loop.settle();
    await loop.loops.pause(anna, 'flights', 'holidays');
    world.seeOutcomes(2, 1, 60, 60, 0.1);
    const held = await loop.advance('2001-02-09');
    assert.deepEqual([held.activeTurn?.state, held.waitsFor], ['shadow', 'the loop to be resumed']);
    await loop.loops.resume(anna, 'flights', 'back');
    assert.equal((await loop.settle()).activeTurn?.state, 'canary');
    await loop.loops.pause(anna, 'flights', 'holidays again');
    world.seeOutcomes(2, 1, 500, 450, 0.1);
    const back = await loop.advance('2001-02-10');
    assert.equal(back.lastTurn?.state, 'rolled-back');
    assert.equal(world.calls.at(-1), 'withdraw');
  });

  test(`${name}: a person promotes where the loop file says so`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply(`${loopText}  promote: approval\n`);
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    await loop.settle();
    for (const [day, requests] of [
      [9, 60],
      [10, 500],
      [11, 900],
    ] as const) {
      world.seeOutcomes(2, 1, requests, requests, -0.01);
      await loop.advance(`2001-02-${String(day).padStart(2, '0')}`);
    }
    const asks = await loop.settle();
    assert.equal(asks.activeTurn?.state, 'awaiting-approval');
    assert.match(
      asks.waitsFor,
      /^a person to decide\. Promote version 2\? The canary passed: 900 requests at 100 %/,
    );
    assert.equal(world.champion, 1);
    await loop.turns.approve(anna, asks.activeTurn?.id ?? '', 'ship it');
    assert.equal((await loop.settle()).championVersion, 2);
    assert.match((await loop.turn(2)).reason, /^version 2 is champion: user:anna: ship it$/);
  });

  test(`${name}: harm that shows while a person is asked ends the rollout, paused or not`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply(`${loopText}  promote: approval\n`);
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    await loop.settle();
    for (const day of ['09', '10', '11']) {
      world.seeOutcomes(2, 1, 900, 900, -0.01);
      await loop.advance(`2001-02-${day}`);
    }
    assert.equal((await loop.settle()).activeTurn?.state, 'awaiting-approval');
    await loop.loops.pause(anna, 'flights', 'holidays');
    world.seeOutcomes(2, 1, 1200, 1200, 0.1);
    const back = await loop.advance('2001-02-12');
    assert.equal(back.lastTurn?.state, 'rolled-back');
    assert.equal(world.calls.at(-1), 'withdraw');
  });

  test(`${name}: a rollout that replicas do not follow fails without traffic; a retry begins it anew`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    await loop.settle();
    world.seeOutcomes(2, 1, 60, 60, 0);
    world.replicaProblem = 'the model cannot be loaded';
    const failed = await loop.advance('2001-02-09');
    assert.equal(failed.lastTurn?.state, 'failed');
    assert.equal(world.calls.at(-1), 'withdraw');
    assert.equal(world.challenger, null);
    const turn = await loop.turn(2);
    assert.deepEqual([turn.failure?.state, turn.failure?.message], ['canary', 'the model cannot be loaded']);
    world.replicaProblem = undefined;
    world.outcomes = nothingObserved;
    await loop.turns.retry(anna, turn.id, 'replica mended');
    const again = await loop.settle();
    assert.equal(again.activeTurn?.state, 'shadow');
    assert.equal(world.calls.at(-1), 'mirror 2');
    assert.equal(world.challenger, 2);
  });

  test(`${name}: a challenger that a guard took the traffic from is rolled back at the next look, with the reason`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    await loop.advance('2001-02-08');
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    await loop.settle();
    world.seeOutcomes(2, 1, 60, 60, 0);
    const canary = await loop.advance('2001-02-09');
    assert.equal(canary.activeTurn?.state, 'canary');
    world.behind = '; no rows of it come from replicas that cannot take its route (edge: no memory)';
    assert.match((await loop.advance('2001-02-09T06:00')).waitsFor, /^waits for .*\(edge: no memory\)$/);
    world.guarded = 'version 2 lost its traffic in the replica: 20 of 40 requests failed';
    const back = await loop.advance('2001-02-10');
    assert.equal(back.lastTurn?.state, 'rolled-back');
    assert.match(back.lastTurn?.reason ?? '', /20 of 40 requests failed$/);
    assert.equal(world.aborted.length, 1);
    world.guarded = null;
    await loop.loops.trigger(anna, 'flights', { reason: 'once more' });
    await loop.settle();
    world.seeOutcomes((await loop.turn(3)).challengerVersion ?? 0, 1, 60, 60, 0);
    assert.equal((await loop.advance('2001-02-11')).activeTurn?.state, 'canary');
    // Control was killed after the traffic was taken and before the turn said so.
    world.guarded = 'aborted by user:anna: enough';
    const aborted = await loop.advance('2001-02-12');
    assert.deepEqual([aborted.lastTurn?.number, aborted.lastTurn?.state], [3, 'rolled-back']);
    assert.match(aborted.lastTurn?.reason ?? '', /: aborted by user:anna: enough$/);
    assert.equal(world.aborted.length, 1, 'a person who aborts knows of it');
  });

  test(`${name}: a schedule fires in event time, once for what was missed`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    const text = loopText.replace('on: [drift, performance, manual]', 'on: [schedule], schedule: 0 0 * * 1');
    await loop.apply(text);
    assert.equal((await loop.advance('2001-02-01')).activeTurn, null);
    const due = await loop.advance('2001-02-20');
    assert.equal(due.activeTurn?.trigger.reason, 'schedule 0 0 * * 1 was due at 2001-02-19T00:00:00.000Z');
    await assert.rejects(loop.loops.trigger(anna, 'flights', { reason: 'now' }), {
      code: 'loop_trigger_refused',
    });
  });

  test(`${name}: the endpoint follows the registry between turns`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    await loop.apply();
    world.versions.push({ ...world.versions[0]!, version: 2, digest: 'sha256:other' });
    world.champion = 2;
    await loop.advance('2001-02-08');
    assert.equal(world.serving.champion, 2);
    assert.equal(world.calls.at(-1), 'deploy 2');
  });
});
