import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { LabelStore } from '../store/label-store.ts';
import { ada, openFeedbackService } from '../testing.ts';
import { Matching } from './matching.ts';

const day = 86_400_000;
const start = Date.UTC(2001, 1, 1);
const endpoint = 'flights';
const nothing = { append: async () => undefined };

forEachDatabase((name, open) => {
  describe(`labels by entity on ${name}`, () => {
    test('many are looked for day by day, in whatever order they came', async (t) => {
      const { options, service, frames } = await openFeedbackService(t, open, {
        nowMs: () => start + 10 * day,
      });
      const labels = Array.from({ length: 5000 }, (_, i) => ({
        entity: `e${i}`,
        at: start + (i % 2) * 5 * day + i,
        value: 1,
        eventTime: start + 6 * day,
      }));
      await service.postLabels(ada, { endpoint, labels });
      const looks: { readonly entities: number; readonly days: number }[] = [];
      const matching = new Matching({
        db: options.db,
        frames,
        store: new LabelStore(options.db),
        clock: { nowMs: () => start },
        nearEntities: async (_, wanted) => {
          const times = wanted.map(({ fromMs }) => fromMs);
          const days = Math.round((Math.max(...times) - Math.min(...times)) / day);
          looks.push({ entities: wanted.length, days });
          return null;
        },
        labels: nothing,
        signals: nothing,
        answered: async () => '',
      });
      assert.equal(await matching.match(endpoint), 0);
      assert.deepEqual(looks, [
        { entities: 2000, days: 0 },
        { entities: 2000, days: 5 },
        { entities: 1000, days: 0 },
      ]);
    });

    test('of two that were received at once the later one counts, whichever time they name', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      await send([{ id: 'a', entity: 'a', eventTimeMs: start }]);
      const label = (at: number, value: number) => ({ entity: 'a', at, value, eventTime: start + day });
      await service.postLabels(ada, { endpoint, labels: [label(start + 10, 1), label(start, 0)] });
      await service.flush(endpoint);
      assert.equal((await service.prediction(ada, 'a', endpoint)).label?.value, 0);
    });
  });
});
