import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Webhook,
  type WebhookDelivery,
  webhookEventNames,
} from '../../../../src/lifecycle/registry/webhooks/contract.ts';
import { deliveryText, EVENTS, eventsText, stateOfWebhook } from './webhook-text.ts';

test('every event that can happen here has its words', () => {
  const named = EVENTS.map(([event]) => event);
  assert.deepEqual(
    named.toSorted(),
    webhookEventNames.filter((name) => !name.startsWith('budget')).toSorted(),
  );
  assert.equal(eventsText(['model_version_alias.created', 'x.y']), 'an alias moves, x.y');
});

test('a webhook is seen when deliveries were given up, and a delivery says what came of it', () => {
  const webhook = { status: 'ACTIVE', failedCount: 0 } as Webhook;
  assert.deepEqual(
    [webhook, { ...webhook, failedCount: 2 }, { ...webhook, status: 'DISABLED' as const }].map(
      stateOfWebhook,
    ),
    ['good', 'watch', 'none'],
  );
  const delivery = { status: 'delivered', attempts: 1, responseStatus: 204, error: null } as WebhookDelivery;
  assert.equal(deliveryText(delivery), 'answered 204');
  const failed = { ...delivery, status: 'failed', attempts: 8, error: 'the host is not public' } as const;
  assert.equal(deliveryText(failed), 'the host is not public after 8 tries');
});
