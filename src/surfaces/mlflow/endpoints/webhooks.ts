import type { Webhook, Webhooks } from '../../../lifecycle/registry/index.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { list, nextPage, optional } from '../wire.ts';

const entities = {
  ENTITY_UNSPECIFIED: 0,
  REGISTERED_MODEL: 1,
  MODEL_VERSION: 2,
  MODEL_VERSION_TAG: 3,
  MODEL_VERSION_ALIAS: 4,
  PROMPT: 5,
  PROMPT_VERSION: 6,
  PROMPT_TAG: 7,
  PROMPT_VERSION_TAG: 8,
  PROMPT_ALIAS: 9,
  BUDGET_POLICY: 10,
} as const;

const actions = {
  ACTION_UNSPECIFIED: 0,
  CREATED: 1,
  UPDATED: 2,
  DELETED: 3,
  SET: 4,
  EXCEEDED: 5,
} as const;

const eventFields = {
  entity: { kind: 'enum', names: entities },
  action: { kind: 'enum', names: actions },
} as const;

const facts = {
  description: { kind: 'string' },
  secret: { kind: 'string' },
  status: { kind: 'enum', names: { ACTIVE: 1, DISABLED: 2 } },
} as const;

const byId = { webhook_id: { kind: 'string', required: true } } as const;

interface EventInput {
  readonly entity?: string | undefined;
  readonly action?: string | undefined;
}

/** `MODEL_VERSION`, `CREATED` as `model_version.created`. */
function eventName({ entity = 'ENTITY_UNSPECIFIED', action = 'ACTION_UNSPECIFIED' }: EventInput): string {
  return `${entity}.${action}`.toLowerCase();
}

function statusOf(status: string | undefined): Webhook['status'] | undefined {
  return status === 'ACTIVE' || status === 'DISABLED' ? status : undefined;
}

function webhookJson(webhook: Webhook) {
  const events = webhook.events.map((event) => {
    const [entity, action] = event.toUpperCase().split('.', 2);
    return { entity, action };
  });
  return {
    webhook_id: webhook.id,
    name: webhook.name,
    ...optional('description', webhook.description || null),
    url: webhook.url,
    ...list('events', events),
    status: webhook.status,
    creation_timestamp: Date.parse(webhook.createdAt),
    last_updated_timestamp: Date.parse(webhook.updatedAt),
  };
}

/** Webhooks of the registry. */
export function webhookEndpoints(webhooks: Webhooks): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/mlflow/webhooks',
      fields: {
        name: { kind: 'string', required: true },
        url: { kind: 'string', required: true },
        events: { kind: 'objects', of: eventFields, required: true },
        ...facts,
      },
      async handle(input, { actor }) {
        const { name, url, description = '', secret = '' } = input;
        const events = input.events.map(eventName);
        const status = statusOf(input.status) ?? 'ACTIVE';
        const webhook = await webhooks.create(actor, { name, url, description, secret, events, status });
        return { webhook: webhookJson(webhook) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/webhooks',
      fields: { max_results: { kind: 'int' }, page_token: { kind: 'string' } },
      async handle({ max_results: limit, page_token: after }, { actor }) {
        const page = await webhooks.list(actor, { limit: limit || 100, after });
        return { ...list('webhooks', page.items.map(webhookJson)), ...nextPage(page.next) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/webhooks/:webhook_id',
      fields: byId,
      handle: async (input, { actor }) => ({
        webhook: webhookJson(await webhooks.get(actor, input.webhook_id)),
      }),
    }),
    endpoint({
      method: 'PATCH',
      path: '/mlflow/webhooks/:webhook_id',
      fields: {
        ...byId,
        name: { kind: 'string' },
        url: { kind: 'string' },
        events: { kind: 'objects', of: eventFields },
        ...facts,
      },
      async handle(input, { actor }) {
        const { name, url, description, secret } = input;
        const status = statusOf(input.status);
        // Empty names, addresses and lists of events count as left out.
        const change = {
          ...(name ? { name } : {}),
          ...(url ? { url } : {}),
          ...(input.events.length > 0 ? { events: input.events.map(eventName) } : {}),
          ...(description === undefined ? {} : { description }),
          ...(secret === undefined ? {} : { secret }),
          ...(status === undefined ? {} : { status }),
        };
        return { webhook: webhookJson(await webhooks.update(actor, input.webhook_id, change)) };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/mlflow/webhooks/:webhook_id',
      fields: byId,
      async handle(input, { actor }) {
        await webhooks.delete(actor, input.webhook_id);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/webhooks/:webhook_id/test',
      fields: { ...byId, event: { kind: 'object', of: eventFields } },
      async handle(input, { actor }) {
        const event = input.event === undefined ? undefined : eventName(input.event as EventInput);
        const result = await webhooks.test(actor, input.webhook_id, event);
        return {
          result: {
            success: result.success,
            ...optional('response_status', result.responseStatus),
            ...optional('response_body', result.responseBody),
            ...optional('error_message', result.errorMessage),
          },
        };
      },
    }),
  ];
}
