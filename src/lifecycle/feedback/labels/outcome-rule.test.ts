import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { feedbackSettingsSchema } from '../contract.ts';
import { ada, openFeedbackService } from '../testing.ts';

const hour = 3_600_000;
const endpoint = 'flights';

forEachDatabase((name, open) => {
  test(`a rule with a shorter window decides anew, and once (${name})`, async (t) => {
    const { service, send } = await openFeedbackService(t, open);
    const now = Date.now() - 25 * hour;
    await send(['a', 'b'].map((id) => ({ id, eventTimeMs: now })));
    const putRule = async (withinMs: number) => {
      const rule = { signals: [{ signal: 'click', weight: 1, withinMs }], threshold: 1, silence: 'negative' };
      await service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ rule }));
    };
    const outcomes = async () => {
      const found = ['a', 'b'].map((id) => service.prediction(ada, id, endpoint));
      return (await Promise.all(found)).map(({ label }) => label?.value);
    };
    await putRule(24 * hour);
    const clicks = [{ predictionId: 'a', signal: 'click', value: 1, eventTime: now + 2 * hour }];
    await service.labels.postSignals(ada, { endpoint, signals: clicks });
    assert.equal(await service.labels.applyRules(), 2);
    assert.deepEqual(await outcomes(), [1, 0]);
    await putRule(hour);
    assert.equal(await service.labels.applyRules(), 1);
    assert.deepEqual(await outcomes(), [0, 0]);
    assert.equal(await service.labels.applyRules(), 0, 'nothing is left to decide');
  });

  test(`weights that add up to the threshold reach it, whatever doubles make of them (${name})`, async (t) => {
    const { service, send } = await openFeedbackService(t, open);
    const now = Date.now() - 25 * hour;
    await send([{ id: 'a', eventTimeMs: now }]);
    const rule = {
      signals: [{ signal: 'click', weight: 0.1, withinMs: hour }],
      threshold: 1,
      silence: 'negative',
    };
    await service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ rule }));
    const given = Array.from({ length: 10 }, (_, i) => {
      return { predictionId: 'a', signal: 'click', value: 1, eventTime: now + i };
    });
    await service.labels.postSignals(ada, { endpoint, signals: given });
    await service.labels.applyRules();
    assert.equal((await service.prediction(ada, 'a', endpoint)).label?.value, 1);
  });
});
