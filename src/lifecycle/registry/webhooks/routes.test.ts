import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { addRoutes, createHttpServer } from '../../../platform/http/index.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { Registry } from '../../../platform/metrics/index.ts';
import { tester } from '../../experiments/testing.ts';
import { webhookDeliveryDetailSchema, webhookDeliverySchema, webhookSchema } from './contract.ts';
import { webhookRoutes } from './routes.ts';
import { openWebhooks, receiver } from './testing.ts';

forEachDatabase((dialect, open) => {
  if (dialect !== 'sqlite') return;

  test('the REST resources of webhooks and their deliveries', async (t) => {
    const { registry, webhooks } = await openWebhooks(t, open);
    const { url, got } = await receiver(t, [200, 404]);
    const log = createLogger('test', 'silent');
    const metrics = new Registry('test');
    const app = createHttpServer({ log, metrics, bodyLimitBytes: 10_000, resolveActor: async () => tester });
    addRoutes(app, webhookRoutes(webhooks));
    t.after(() => app.close());
    const call = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, payload?: object) => {
      const answer = await app.inject({ method, url: `/api/v1/${path}`, ...(payload ? { payload } : {}) });
      return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() };
    };
    const events = ['registered_model.created'];
    const created = await call('POST', 'webhooks', { name: 'ci', url, events, secret: 'quiet' });
    assert.equal(created.status, 201);
    const webhook = webhookSchema.strict().parse(created.body);
    assert.deepEqual([webhook.isSigned, webhook.events, webhook.description], [true, events, '']);
    const at = `webhooks/${webhook.id}`;
    const tested = await call('POST', `${at}/test`, { event: 'prompt_tag.set' });
    const noted = { success: true, responseStatus: 200, responseBody: 'noted', errorMessage: null };
    assert.deepEqual(tested.body, noted);
    assert.equal(JSON.parse(got[0]?.body ?? '').entity, 'prompt_tag');
    const patched = await call('PATCH', at, { description: 'told of names' });
    assert.deepEqual([patched.body.description, patched.body.name], ['told of names', 'ci']);

    await registry.createModel(tester, { name: 'late', tags: [] });
    const listed = await call('GET', `webhook-deliveries?webhook=${webhook.id}&status=pending`);
    const delivery = webhookDeliverySchema.strict().parse(listed.body.items[0]);
    assert.deepEqual([delivery.event, delivery.attempts], ['registered_model.created', 0]);
    assert.equal((await call('GET', at)).body.pendingCount, 1);
    const one = `webhook-deliveries/${delivery.id}`;
    assert.equal((await call('POST', `${one}/redeliver`)).body.code, 'delivery_pending');
    await webhooks.attempt(delivery.id, 1, new AbortController().signal);
    const detail = webhookDeliveryDetailSchema.strict().parse((await call('GET', one)).body);
    assert.deepEqual(
      [detail.status, detail.responseStatus, JSON.parse(detail.body).data.name],
      ['failed', 404, 'late'],
    );
    const again = await call('POST', `${one}/redeliver`);
    assert.deepEqual([again.status, again.body.status], [202, 'pending']);

    const refusals = [
      [await call('POST', 'webhooks', { name: 'ci', url, events: [] }), 400, 'invalid_input'],
      [await call('POST', 'webhooks', { name: 'ci', url, events: ['x.y'] }), 400, 'invalid_input'],
      [await call('POST', 'webhooks', { name: '-', url, events }), 400, 'tracking_invalid'],
      [await call('PATCH', at, { id: 'x' }), 400, 'invalid_input'],
      [await call('GET', 'webhooks/none'), 404, 'webhook_unknown'],
      [await call('GET', 'webhook-deliveries/none'), 404, 'delivery_unknown'],
      [await call('GET', 'webhook-deliveries?after=x'), 400, 'invalid_page_token'],
    ] as const;
    for (const [answer, status, code] of refusals)
      assert.deepEqual([answer.status, answer.body.code], [status, code]);
    assert.equal((await call('DELETE', at)).status, 204);
    assert.equal((await call('GET', 'webhooks')).body.items.length, 0);
    assert.equal((await call('GET', one)).body.status, 'cancelled');
  });
});
