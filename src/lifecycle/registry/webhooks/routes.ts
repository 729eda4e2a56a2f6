import { z } from 'zod';
import { defineRoute, pageOf, type Route } from '../../../platform/http/index.ts';
import {
  createWebhookInputSchema,
  deliveryListQuerySchema,
  testWebhookInputSchema,
  updateWebhookInputSchema,
  webhookDeliveryDetailSchema,
  webhookDeliverySchema,
  webhookListQuerySchema,
  webhookSchema,
  webhookTestResultSchema,
} from './contract.ts';
import type { Webhooks } from './service.ts';

const byId = z.object({ id: z.string() });

/** REST resources: webhooks and their deliveries. */
export function webhookRoutes(webhooks: Webhooks): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/webhooks',
      summary: 'List webhooks, newest first',
      permission: 'read',
      query: webhookListQuerySchema,
      response: pageOf(webhookSchema),
      async handle({ query }, { actor }) {
        const page = await webhooks.list(actor, query);
        return { items: [...page.items], next: page.next };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/webhooks',
      summary: 'Have an address told of changes in the registry',
      permission: 'webhooks:write',
      body: createWebhookInputSchema,
      response: webhookSchema,
      status: 201,
      handle: ({ body }, { actor }) => webhooks.create(actor, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/webhooks/:id',
      summary: 'Read a webhook with the counts of its deliveries',
      permission: 'read',
      params: byId,
      response: webhookSchema,
      stateOf: ({ pendingCount: _, failedCount: __, lastDeliveredAt: ___, ...webhook }) => webhook,
      handle: ({ params }, { actor }) => webhooks.get(actor, params.id),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/v1/webhooks/:id',
      summary: 'Change a webhook; what is left out stays',
      permission: 'webhooks:write',
      params: byId,
      body: updateWebhookInputSchema,
      response: webhookSchema,
      handle: ({ params, body }, { actor }) => webhooks.update(actor, params.id, body),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/webhooks/:id',
      summary: 'Remove a webhook; what waits for it is cancelled',
      permission: 'webhooks:write',
      params: byId,
      response: z.undefined(),
      status: 204,
      async handle({ params }, { actor }) {
        await webhooks.delete(actor, params.id);
        return undefined;
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/webhooks/:id/test',
      summary: 'Send an example of an event once, now',
      permission: 'webhooks:write',
      params: byId,
      body: testWebhookInputSchema,
      response: webhookTestResultSchema,
      handle: ({ params, body }, { actor }) => webhooks.test(actor, params.id, body.event),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/webhook-deliveries',
      summary: 'List deliveries to webhooks, newest first',
      permission: 'read',
      query: deliveryListQuerySchema,
      response: pageOf(webhookDeliverySchema),
      async handle({ query }, { actor }) {
        const page = await webhooks.deliveries(actor, query);
        return { items: [...page.items], next: page.next };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/webhook-deliveries/:id',
      summary: 'Read a delivery with what is sent and what was answered',
      permission: 'read',
      params: byId,
      response: webhookDeliveryDetailSchema,
      handle: ({ params }, { actor }) => webhooks.delivery(actor, params.id),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/webhook-deliveries/:id/redeliver',
      summary: 'Send a delivery that came to its end once more',
      permission: 'webhooks:write',
      params: byId,
      response: webhookDeliveryDetailSchema,
      status: 202,
      handle: ({ params }, { actor }) => webhooks.redeliver(actor, params.id),
    }),
  ];
}
