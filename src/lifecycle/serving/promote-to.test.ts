import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { promoteTo } from './promote-to.ts';
import { deployed } from './route-changes.ts';
import { RouteWriter } from './route-writer.ts';
import { ServingStore } from './store.ts';
import { actor, openServing } from './testing.ts';

forEachDatabase((name, open) => {
  suite(`promotion to another endpoint on ${name}`, () => {
    test('a champion that comes while another is promoted as challenger is not replaced', async (t) => {
      const { db, options, service, target } = await openServing(t, open);
      const [one, rival] = [await target('1'), await target('3')];
      for (const endpoint of ['staging', 'live'])
        await service.declare(actor, { name: endpoint, model: 'm' });
      await service.deploy(actor, 'staging', one, 'first');

      const writer = new RouteWriter(options, new ServingStore(db));
      const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const change = { actor, action: 'deploy', reason: 'at once' } as const;
      const arriving = writer.change('live', change, async (now) => {
        begun.resolve();
        await released.promise;
        return deployed(now, rival, 'salt');
      });
      await begun.promise;
      const to = { endpoint: 'live', as: 'challenger', weight: 0.1 } as const;
      const promoted = promoteTo(writer, actor, 'staging', to, 'passed');
      // Whoever looked before the rival stands has looked when these are answered.
      for (let looks = 0; looks < 5; looks++) assert.deepEqual((await writer.known('live')).route.arms, []);
      released.resolve();
      await Promise.all([arriving, promoted]);

      const { arms } = await service.endpoint(actor, 'live');
      assert.deepEqual(
        arms.map(({ arm, modelVersion, weight }) => [arm, modelVersion, weight]),
        [
          ['champion', '3', 0.9],
          ['challenger', '1', 0.1],
        ],
      );
    });
  });
});
