import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uuidv7 } from '../../core/ids.ts';
import { digestOf } from '../../core/json.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { rolloutListQuerySchema, rolloutSpecSchema } from '../contract.ts';
import { anna, FakeWorld, loopTestMigrations, loopText, openLoop } from '../testing.ts';
import { listAllRollouts } from './list-rollouts.ts';
import { insertRollout, type RolloutRecord } from './store.ts';

const time = '2001-02-01T00:00:00.000Z';

function rollout(createdAtMs: number, model: string, state: RolloutRecord['state']): RolloutRecord {
  const digest = digestOf(model);
  return {
    id: uuidv7(createdAtMs),
    endpoint: `${model}-live`,
    state,
    revision: 0,
    createdAtMs,
    updatedAtMs: createdAtMs,
    data: {
      model,
      championVersion: '1',
      championDigest: digest,
      bandit: null,
      look: null,
      looks: [],
      targets: [{ arm: 'challenger', version: '2', digest }],
      firstRouteVersion: 1,
      earlier: [],
      spec: rolloutSpecSchema.parse({ kind: 'canary', version: 2 }),
      step: {
        stage: 'canary',
        index: 0,
        percent: 1,
        routeVersion: 2,
        since: time,
        sinceEventTime: time,
        isProved: false,
      },
      decisions: [],
      reason: `${model} waits for 20 more Requests`,
      beganEventMs: 0,
      weighedAtMs: null,
      movedAlias: null,
      endedAtMs: null,
      countsUntilMs: null,
      coolUntilMs: null,
      clock: null,
      intent: null,
    },
  };
}

forEachDatabase((name, open) => {
  test(`${name}: rollouts of people and of loops are one list, in order, by pages and filters`, async (t) => {
    const db = await open(t, loopTestMigrations);
    const world = new FakeWorld();
    const loop = await openLoop(t, db, world);
    await loop.loops.apply(anna, { text: loopText.replace('cooldown: 3d', 'cooldown: 0s') });
    await loop.settle();
    const beforeMs = Date.now() - 60_000;
    world.seeOutcomes(2, 1, 60, 60, -0.01);
    const { shadows } = world.outcomes;
    world.outcomes = { ...world.outcomes, shadows: shadows.map((s) => ({ ...s, routeVersion: 99 })) };
    await loop.loops.trigger(anna, 'flights', { reason: 'try' });
    assert.equal((await loop.settle()).activeTurn?.state, 'canary');
    const records = [
      rollout(beforeMs, 'churn', 'running'),
      rollout(beforeMs + 1, 'fraud', 'aborted'),
      rollout(Date.now() + 60_000, 'churn', 'paused'),
    ];
    await db.write(async (tx) => {
      for (const record of records) await insertRollout(tx, record);
    });
    const list = async (query: object = {}, limit = 10, afterId?: string) =>
      listAllRollouts(db.read, rolloutListQuerySchema.parse(query), { limit, afterId });
    const names = async (query: object = {}) =>
      (await list(query)).map((r) => (r.turn ? `${r.turn.loop}/${r.turn.number}` : r.model));

    assert.deepEqual(await names(), ['churn', 'flights/2', 'churn']);
    assert.deepEqual(await names({ state: 'all' }), ['churn', 'flights/2', 'fraud', 'churn']);
    assert.deepEqual(await names({ state: 'all', order: 'oldest' }), [
      'churn',
      'fraud',
      'flights/2',
      'churn',
    ]);
    assert.deepEqual(await names({ state: 'aborted' }), ['fraud']);
    assert.deepEqual(await names({ state: 'running' }), ['flights/2', 'churn']);
    assert.deepEqual(await names({ state: 'all', model: 'fraud' }), ['fraud']);
    assert.deepEqual(await names({ model: 'flights' }), ['flights/2']);
    assert.deepEqual(await names({ state: 'all', text: 'FRAUD waits for 20 more r' }), ['fraud']);
    assert.deepEqual(await names({ endpoint: 'flights' }), ['flights/2']);
    assert.deepEqual(await names({ text: 'nothing of this' }), []);

    // One by one, also where a filter leaves out what is between.
    const walked: string[] = [];
    for (let afterId: string | undefined; ; ) {
      const [next] = await list({ state: 'all', text: 'churn' }, 1, afterId);
      if (!next) break;
      walked.push(next.id);
      afterId = next.id;
    }
    assert.deepEqual(walked, [records[2]?.id, records[0]?.id]);

    const [turn] = await list({ endpoint: 'flights' });
    assert.equal(turn?.id, (await loop.turn(2)).id);
    assert.deepEqual([turn?.championVersion, turn?.plan.version, turn?.step.percent], ['1', 2, 10]);
    assert.deepEqual([turn?.summary.leads, turn?.summary.isKnown], ['challenger', false]);
    assert.match(turn?.summary.verdict ?? '', /^log loss better by 0\.0100 so far, .* on 60 pairs$/);
    assert.deepEqual(turn?.summary.labels, { have: 60, need: 100 });
    assert.match(turn?.summary.waitsFor ?? '', /^waits for .*labelled pairs/);
    await loop.loops.pause(anna, 'flights', 'hold');
    assert.deepEqual(await names({ state: 'paused' }), ['churn', 'flights/2']);
    await loop.turns.abort(anna, turn?.id ?? '', 'enough');
    const [ended] = await list({ endpoint: 'flights', state: 'all' });
    assert.deepEqual(
      [ended?.state, ended?.turn?.state, ended?.reason, ended?.summary.waitsFor],
      ['aborted', 'rolled-back', 'aborted: enough', null],
    );
  });
});
