import type { Webhook, WebhookDelivery } from '../../../../src/lifecycle/registry/webhooks/contract.ts';
import type { State } from '../../charts/prepare/wheel.ts';

/** Events that happen here, in the words of a person; prompts are asked for with the models that they are. */
export const EVENTS: readonly (readonly [event: string, text: string])[] = [
  ['registered_model.created', 'a model is registered'],
  ['model_version.created', 'a version is registered'],
  ['model_version_alias.created', 'an alias moves'],
  ['model_version_alias.deleted', 'an alias is taken away'],
  ['model_version_tag.set', 'a version is tagged'],
  ['model_version_tag.deleted', 'a tag of a version goes'],
  ['prompt.created', 'a prompt is registered'],
  ['prompt_version.created', 'a version of a prompt is registered'],
  ['prompt_alias.created', 'an alias of a prompt moves'],
  ['prompt_alias.deleted', 'an alias of a prompt goes'],
  ['prompt_tag.set', 'a prompt is tagged'],
  ['prompt_tag.deleted', 'a tag of a prompt goes'],
  ['prompt_version_tag.set', 'a version of a prompt is tagged'],
  ['prompt_version_tag.deleted', 'a tag of a version of a prompt goes'],
];

const TEXTS: ReadonlyMap<string, string> = new Map(EVENTS);

/** `an alias moves, a version is registered`; an event without words of ours stands for itself. */
export const eventsText = (events: readonly string[]): string =>
  events.map((event) => TEXTS.get(event) ?? event).join(', ');

/** Disabled is none; given-up deliveries are to be seen. */
export function stateOfWebhook(webhook: Webhook): State {
  if (webhook.status === 'DISABLED') return 'none';
  return webhook.failedCount > 0 ? 'watch' : 'good';
}

export const DELIVERY_STATE: Readonly<Record<WebhookDelivery['status'], State>> = {
  pending: 'running',
  delivered: 'good',
  failed: 'bad',
  cancelled: 'none',
};

/** What came of a delivery: the answer, or why there was none. */
export function deliveryText(delivery: WebhookDelivery): string {
  const tries = delivery.attempts > 1 ? ` after ${delivery.attempts} tries` : '';
  if (delivery.status === 'delivered') return `answered ${delivery.responseStatus ?? 'it'}${tries}`;
  return `${delivery.error ?? (delivery.responseStatus ? `answered ${delivery.responseStatus}` : delivery.status)}${tries}`;
}
