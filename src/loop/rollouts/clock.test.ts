import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { hourMs, openRollouts } from './testing.ts';

forEachDatabase((name, open) => {
  suite(`a clock that is set, on ${name}`, () => {
    test('a step lasts as long as was said, and nothing is given up before its time', async (t) => {
      const { engine, traffic, create, present, wait, setClock } = await openRollouts(t, open);
      const plan = {
        kind: 'canary',
        version: 2,
        shadow: null,
        steps: [40, 50],
        minRequests: 5,
        minLabels: 0,
      };
      const begun = await create({ ...plan, minTime: '3h', maxTime: '9h', metric: 'outcome', margin: 9 });
      // An hour passes with it.
      await traffic(60, {});
      const at = async () => {
        await engine.lookNow();
        const { state, step, look } = await present(begun);
        return [state, step.percent, Math.round((look?.timeMs.have ?? 0) / hourMs)];
      };
      setClock(24 * hourMs);
      assert.deepEqual(await at(), ['running', 40, 1]);
      setClock(-72 * hourMs);
      assert.deepEqual(await at(), ['running', 40, 1]);
      wait(2 * hourMs);
      assert.deepEqual((await at()).slice(0, 2), ['running', 50]);
      setClock(hourMs);
      wait(5 * hourMs);
      assert.equal((await at())[0], 'running');
      setClock(-hourMs);
      wait(2 * hourMs);
      assert.equal((await at())[0], 'aborted');
    });

    test('what waits lasts as long as was said where the clock is set while control is down', async (t) => {
      const { engine, service, traffic, create, present, wait, setClock, restarted } = await openRollouts(
        t,
        open,
      );
      const plan = { kind: 'canary', version: 2, shadow: null, steps: [40, 50], minLabels: 0, margin: 9 };
      const begun = await create({ ...plan, metric: 'outcome', minTime: '3h', maxTime: '9h' });
      await traffic(60, {});
      // Who decides below does so beside the restarted ones; this one, which saw no restart, looks no more.
      await engine.stop();
      const at = async (boot?: string) => {
        await restarted(boot).lookNow();
        const { state, step, look } = await present(begun);
        return [state, step.percent, Math.round((look?.timeMs.have ?? 0) / hourMs)];
      };
      for (const byMs of [24 * hourMs, -72 * hourMs]) {
        setClock(byMs);
        assert.deepEqual(await at(), ['running', 40, 1]);
        assert.deepEqual(await at(), ['running', 40, 1], 'once');
      }
      // What passes while the machine is off is not told from a clock that is set.
      wait(hourMs);
      assert.deepEqual(await at('another'), ['running', 40, 2]);
      setClock(-24 * hourMs);
      assert.deepEqual(await at('another'), ['running', 40, 2]);
      await service.abort({ kind: 'user', id: 'anna' }, 'flights', begun.id, 'no');
      setClock(24 * hourMs);
      await restarted().lookNow();
      await restarted().lookNow();
      await assert.rejects(create(plan), { code: 'rollout_cooling' });
      wait(hourMs + 1);
      await create(plan);
    });

    test('a cool-down is as long as it was', async (t) => {
      const { engine, service, create, wait, setClock } = await openRollouts(t, open);
      const plan = { kind: 'canary', version: 2, cooldown: '1h' };
      const anna = { kind: 'user', id: 'anna' } as const;
      const { id } = await create(plan);
      await service.abort(anna, 'flights', id, 'no');
      await engine.lookNow();
      setClock(2 * hourMs);
      await engine.lookNow();
      await assert.rejects(create(plan), { code: 'rollout_cooling' });
      setClock(-24 * hourMs);
      await engine.lookNow();
      wait(hourMs + 1);
      await create(plan);
    });

    test('shares of a bandit change as often as was said', async (t) => {
      const { engine, traffic, create, present, wait, setClock } = await openRollouts(t, open);
      const bandit = { kind: 'bandit', arms: [{ arm: 'b', version: 2 }], every: '6h', maxChange: 0.5 };
      const begun = await create({ ...bandit, metric: 'accuracy' });
      await traffic(100, {});
      const changes = async () => {
        await engine.lookNow();
        return (await present(begun)).decisions.filter((d) => d.action === 'weights').length;
      };
      setClock(24 * hourMs);
      assert.equal(await changes(), 0);
      setClock(-48 * hourMs);
      wait(5 * hourMs);
      assert.equal(await changes(), 1);
      setClock(-24 * hourMs);
      assert.equal(await changes(), 1);
      await traffic(100, { 1: 0.8 });
      wait(6 * hourMs);
      assert.equal(await changes(), 2);
    });
  });
});
