import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { createRolloutSchema, type EndpointRollout } from '../contract.ts';
import type { RolloutService } from './rollout-service.ts';
import { anna, hourMs, openRollouts } from './testing.ts';

const plan = { kind: 'canary', version: 2, shadow: null, steps: [10, 50, 100], cooldown: '0s' };

/** What the one that was done gave, and what the other was told. */
function winnerOf<T>(both: readonly PromiseSettledResult<T>[]): { readonly won: T; readonly lost: string } {
  const won = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const lost = both.flatMap((each) => (each.status === 'rejected' ? [String(each.reason.message)] : []));
  assert.deepEqual([won.length, lost.length], [1, 1]);
  return { won: won[0] as T, lost: lost[0] ?? '' };
}

forEachDatabase((name, open) => {
  test(`what people decide is done wholly or not at all, wherever control is killed amid it: ${name}`, async (t) => {
    const { serving, service, journal, registry, alerts, killedAfter, wait } = await openRollouts(t, open);

    const [endpoint, reason] = ['flights', 'because'];

    /** The newest rollout; fails unless traffic, alias, decisions and audit trail all agree with its state. */
    const whole = async (): Promise<EndpointRollout | undefined> => {
      const [rollout] = await service.list(anna, 'flights', { limit: 1 });
      const { arms } = await serving.endpoint(anna, 'flights');
      const shares = arms.map((a) => [a.arm, a.modelVersion, a.weight]);
      const share = (rollout?.step.percent ?? 0) / 100;
      const expected = {
        running: [
          ['champion', '1', 1 - share],
          ['challenger', '2', share],
        ],
        promoted: [
          ['champion', '2', 1],
          ['standby', '1', 0],
        ],
      };
      const state = rollout?.state === 'running' || rollout?.state === 'promoted' ? rollout.state : null;
      // After a way back by a switch the version stays warm.
      if (state === 'running')
        assert.deepEqual(
          shares.filter(([arm]) => arm !== 'standby'),
          expected[state],
        );
      else if (state) assert.deepEqual(shares, expected[state]);
      else assert.deepEqual(shares[0], ['champion', '1', 1]);
      assert.deepEqual(registry.aliases, { champion: state === 'promoted' ? 2 : 1 });
      const last = rollout?.decisions.at(-1);
      const audit = await journal.auditEntries({ subjectKind: 'endpoint', subjectId: 'flights', limit: 100 });
      const newest = audit.find((entry) => entry.action.startsWith('rollout:'));
      assert.deepEqual(
        [newest?.action, newest?.reason, newest && `${newest.actor.kind}:${newest.actor.id}`],
        last ? [`rollout:${last.action}`, last.reason, 'user:anna'] : [undefined, undefined, undefined],
      );
      assert.deepEqual(alerts, []);
      return rollout;
    };

    /** Kills control after 0, 1, 2 … changes of an action, until it is not killed any more. Returns how often it was done. */
    const killAmid = async (
      action: string,
      prepare: () => Promise<EndpointRollout | undefined>,
      ask: (rollouts: RolloutService, id: string) => Promise<unknown>,
    ) => {
      const times = async () => {
        const audit = await journal.auditEntries({
          subjectKind: 'endpoint',
          subjectId: 'flights',
          limit: 500,
        });
        return audit.filter((entry) => entry.action === `rollout:${action}` && entry.reason === reason)
          .length;
      };
      let done = 0;
      for (let writes = 0, isDone = false; !isDone; writes++) {
        const before = await prepare();
        const timesBefore = await times();
        isDone = await killedAfter(writes, (rollouts) => ask(rollouts, before?.id ?? ''));
        const after = await whole();
        const made = (await times()) - timesBefore;
        // What was written down is done, and stays so however much later it is cut off.
        assert.equal(made, done > 0 || isDone ? 1 : made, `${action} after ${writes} changes`);
        done += made;
        if (after?.state === 'running') await service.abort(anna, 'flights', after.id, 'next');
        if (after?.state === 'promoted') await service.rollback(anna, 'flights', after.id, 'next');
      }
      return done;
    };

    const begin = (rollouts: RolloutService) => {
      wait(1);
      const wanted = createRolloutSchema.parse({ plan, reason });
      return rollouts.create(anna, 'flights', wanted);
    };
    const promoted = async () => service.promote(anna, 'flights', (await begin(service)).id, 'it is good');
    assert.ok((await killAmid('start', async () => undefined, begin)) >= 2);
    const canary = () => begin(service);
    assert.ok((await killAmid('advance', canary, (r, id) => r.advance(anna, endpoint, id, reason))) >= 2);
    assert.ok((await killAmid('promote', canary, (r, id) => r.promote(anna, endpoint, id, reason))) >= 4);
    assert.ok((await killAmid('rollback', promoted, (r, id) => r.rollback(anna, endpoint, id, reason))) >= 3);
    assert.ok((await killAmid('abort', canary, (r, id) => r.abort(anna, endpoint, id, reason))) >= 2);
  });

  test(`a bandit's shares change with their decision, or not, wherever control is killed amid it: ${name}`, async (t) => {
    const { serving, journal, traffic, create, present, wait, killedAfter } = await openRollouts(t, open);
    const bandit = { kind: 'bandit', arms: [{ arm: 'b', version: 2 }], every: '6h', maxChange: 0.05 };
    const begun = await create({ ...bandit, metric: 'accuracy', cooldown: '0s' });
    let changed = 0;
    for (let writes = 0; writes < 4; writes++) {
      await traffic(100, { 1: 0.8 });
      const before = await present(begun);
      await killedAfter(writes, async (_, ended) => {
        wait(6 * hourMs);
        await ended.lookNow();
      });
      const { state, step, decisions } = await present(begun);
      const { arms, routeVersion } = await serving.endpoint(anna, 'flights');
      const share = arms.find(({ arm }) => arm === 'b')?.weight;
      assert.deepEqual([state, step.routeVersion], ['running', routeVersion]);
      assert.equal((step.percent / 100).toFixed(9), share?.toFixed(9));
      const audit = await journal.auditEntries({
        subjectKind: 'endpoint',
        subjectId: 'flights',
        limit: 100,
      });
      const times = (action: string) => audit.filter((entry) => entry.action === action).length;
      const decided = decisions.filter(({ action }) => action === 'weights').length;
      assert.deepEqual([times('serving:weight'), times('rollout:weights')], [decided, decided]);
      changed += decided - before.decisions.filter(({ action }) => action === 'weights').length;
    }
    assert.equal(changed, 4);
  });

  test(`what cannot be finished holds up no other endpoint, and an abort, by a person or by a look, does away with it: ${name}`, async (t) => {
    const { serving, service, engine, breakPackages, wait } = await openRollouts(t, open);
    await serving.declare(anna, { name: 'other', model: 'delay' });
    const [champion] = (await serving.endpoint(anna, 'flights')).arms;
    assert.ok(champion);
    await serving.deploy(anna, 'other', champion, 'first');
    const wanted = createRolloutSchema.parse({ plan, reason: 'try it' });
    const stuck = await service.create(anna, 'flights', wanted);
    const free = await service.create(anna, 'other', wanted);
    await breakPackages(async () => {
      await assert.rejects(service.advance(anna, 'flights', stuck.id, 'on'), /blobs are away/);
      await serving.withdraw(anna, 'other', 'it is odd');
      await engine.lookNow();
      assert.equal((await service.get(anna, 'other', free.id)).state, 'aborted');
      await assert.rejects(service.pause(anna, 'flights', stuck.id, 'wait'), /blobs are away/);
      assert.equal((await service.abort(anna, 'flights', stuck.id, 'enough')).state, 'aborted');
    });
    assert.equal((await serving.endpoint(anna, 'flights')).arms.length, 1);
    const judged = await service.create(anna, 'flights', wanted);
    await breakPackages(async () => {
      await assert.rejects(service.advance(anna, 'flights', judged.id, 'on'), /blobs are away/);
      wait(15 * 24 * 3_600_000);
      await engine.lookNow();
      const { state, reason } = await service.get(anna, 'flights', judged.id);
      assert.equal(state, 'aborted', 'nobody waits for it: it is ended by what is known');
      assert.match(reason, /undecided after 14 d/);
    });
    assert.equal((await serving.endpoint(anna, 'flights')).arms.length, 1);
  });

  test(`an arm that has just lost its traffic gets none by a decision: ${name}`, async (t) => {
    const { serving, service, engine } = await openRollouts(t, open);
    for (const action of ['advance', 'promote'] as const) {
      const wanted = createRolloutSchema.parse({ plan, reason: 'try it' });
      const { id } = await service.create(anna, 'flights', wanted);
      await serving.withdraw(anna, 'flights', 'its scores are NaN');
      await assert.rejects(
        service[action](anna, 'flights', id, 'on'),
        /version 2 has lost its traffic on "flights".*its scores are NaN|is aborted; /,
      );
      await engine.lookNow();
      const { state, reason } = await service.get(anna, 'flights', id);
      assert.deepEqual([state, reason], ['aborted', 'its scores are NaN']);
      const { arms } = await serving.endpoint(anna, 'flights');
      assert.deepEqual(
        arms.map((a) => a.modelVersion),
        ['1'],
      );
    }
  });

  test(`of two who decide at once one does, and the other is told what is so now: ${name}`, async (t) => {
    const { serving, service } = await openRollouts(t, open);
    const begin = (version: number) => {
      const wanted = createRolloutSchema.parse({ plan: { ...plan, version }, reason: 'try it' });
      return service.create(anna, 'flights', wanted);
    };
    const begun = await Promise.allSettled([begin(2), begin(3)]);
    const { won: first, lost: second } = winnerOf(begun);
    assert.match(second, /by rollout [0-9a-f-]+/);
    const version = begun[0]?.status === 'fulfilled' ? '2' : '3';
    const decided = await Promise.allSettled([
      service.promote(anna, 'flights', first.id, 'good'),
      service.abort(anna, 'flights', first.id, 'bad'),
    ]);
    const { won, lost } = winnerOf(decided);
    const { arms } = await serving.endpoint(anna, 'flights');
    const served = arms.map((a) => [a.arm, a.modelVersion]);
    if (won.state === 'promoted') {
      assert.match(lost, /is promoted; abort needs one that is running or paused or ready$/);
      assert.deepEqual(served, [
        ['champion', version],
        ['standby', '1'],
      ]);
    } else {
      assert.match(lost, /is aborted; promote needs one that is/);
      assert.deepEqual(served, [['champion', '1']]);
    }
  });
});
