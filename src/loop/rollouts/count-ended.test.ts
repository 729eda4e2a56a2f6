import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import type { EndpointRollout } from '../contract.ts';
import { anna, openRollouts } from './testing.ts';

/** The arms of a rollout with what they were asked. */
const asked = ({ look }: EndpointRollout) =>
  look?.arms.map(({ arm, version, requests }) => `${arm} v${version}: ${requests}`);

/** Puts rows of a version under a route into the log, whatever routes there are by then. */
function answering(send: Awaited<ReturnType<typeof openRollouts>>['send']) {
  let id = 0;
  return (count: number, version: string, arm: string, routeVersion: number) =>
    send(
      Array.from({ length: count }, (_, i) => ({
        ...{ id: `r${id++}`, entity: `e${id}`, eventTimeMs: Date.UTC(2020, 0, 1) + i, score: 0.5 },
        ...{ routeVersion, propensity: 0.5, arm, modelVersion: version, features: {} },
      })),
    );
}

forEachDatabase((name, open) => {
  suite(`rollouts that have ended on ${name}`, () => {
    test('what a rollout was answered before a person ended it is counted as it comes into the log', async (t) => {
      const { serving, service, engine, create, present, send, wait, journal } = await openRollouts(t, open);
      const answered = answering(send);
      const routeNow = async () => (await serving.endpoint(anna, 'flights')).routeVersion;
      const begun = await create({ kind: 'canary', version: 2, shadow: null, steps: [50, 100] });
      const route = await routeNow();
      await service.abort(anna, 'flights', begun.id, 'not now');
      await answered(30, '1', 'champion', route);
      await answered(20, '2', 'challenger', route);
      await answered(40, '1', 'champion', await routeNow());
      await engine.lookNow();
      const counted = await present(begun);
      assert.deepEqual(asked(counted), ['champion v1: 30', 'challenger v2: 20']);
      assert.deepEqual([counted.state, counted.reason], ['aborted', 'not now']);
      const events = await journal.eventsAfter(0, 1000, { kind: 'endpoint', id: 'flights' });
      assert.equal(events.at(-1)?.type, 'rollout.changed', 'screens hear of it');
      // As long as rows may come, under the rollout's own routes alone.
      await answered(5, '2', 'challenger', route);
      wait(61_000);
      await engine.lookNow();
      assert.deepEqual(asked(await present(begun)), ['champion v1: 30', 'challenger v2: 25']);
      await answered(5, '2', 'challenger', route);
      await engine.lookNow();
      assert.deepEqual(asked(await present(begun)), ['champion v1: 30', 'challenger v2: 25']);
    });

    test('what ended by a look keeps the numbers that ended it', async (t) => {
      const { engine, create, present, traffic, send } = await openRollouts(t, open);
      const begun = await create({ kind: 'canary', version: 2, shadow: null, steps: [20, 100] });
      while ((await present(begun)).state === 'running') await traffic(300, { 1: 0.05, 2: 0.6 });
      const { state, look } = await present(begun);
      assert.equal(state, 'aborted');
      await answering(send)(40, '2', 'challenger', begun.step.routeVersion);
      await engine.lookNow();
      assert.deepEqual((await present(begun)).look, look);
    });
  });
});
