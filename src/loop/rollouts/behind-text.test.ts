import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { anna, openRollouts } from './testing.ts';

forEachDatabase((name, open) => {
  test(`a rollout tells of replicas that cannot take its route: ${name}`, async (t) => {
    const { serving, engine, create, present } = await openRollouts(t, open);
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    const followed = serving.attachReplica(anna, 'edge', () => {}, closed);
    const begun = await create({ kind: 'canary', version: 2, shadow: null, steps: [50] });
    const { routeVersion } = begun.step;
    const report = (version: number, error?: string) =>
      serving.reportReplica(anna, 'edge', {
        routesVersion: routeVersion,
        endpoints: [{ endpoint: 'flights', routeVersion: version, ...(error ? { error } : {}) }],
        models: [],
      });
    await report(routeVersion - 1, 'version 2 has no wheel');
    await engine.lookNow();
    const { summary } = await present(begun);
    assert.match(
      summary.waitsFor ?? '',
      /^waits for 20 more requests, .*; no rows of it come from replicas that cannot take its route \(edge: version 2 has no wheel\)$/,
    );
    await report(routeVersion);
    await engine.lookNow();
    assert.doesNotMatch((await present(begun)).reason, /no rows of it/);
    close();
    await followed;
  });
});
