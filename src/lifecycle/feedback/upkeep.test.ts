import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createLogger } from '../../platform/log/index.ts';
import { Upkeep, type UpkeepOptions } from './upkeep.ts';

test('a label query that does not end holds up nothing else, and is not begun again', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const ended = Promise.withResolvers<void>();
  const done = { queries: 0, matches: 0, rules: 0 };
  const upkeep = new Upkeep({
    queries: {
      runDue: () => {
        done.queries++;
        return ended.promise;
      },
    },
    removal: { eraseFromNew: async () => undefined },
    index: { indexSome: async () => 0 },
    aside: { review: async () => undefined },
    matchAll: async () => void done.matches++,
    applyRules: async () => void done.rules++,
    log: createLogger('test', 'silent'),
  } as unknown as UpkeepOptions);
  upkeep.start();
  for (let tick = 0; tick < 7; tick++) {
    t.mock.timers.tick(5000);
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  }
  assert.deepEqual(done, { queries: 1, matches: 2, rules: 2 });
  ended.resolve();
  await upkeep.stop();
});
