import { isShownAddress } from '../../../core/shown-address.ts';
import { type Outbound, OutboundRefused } from '../../../platform/outbound/index.ts';
import { invalidParameter, pythonRepr } from '../../experiments/index.ts';
import { webhookActions, webhookEventNames } from './contract.ts';

/** Limits and message texts of MLflow 3.17's webhooks (mlflow/utils/validation.py, entities/webhook.py). */
const namePattern = /^(?=.{1,63}$)[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i;

/** Throws `tracking_invalid` for a name that MLflow’s server refuses, in its words. */
export function checkWebhookName(name: string): void {
  if (namePattern.test(name)) return;
  throw invalidParameter(
    `Webhook name ${pythonRepr(name)} is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).`,
  );
}

/** Checks that an address may be called; unless private addresses are allowed, its host is resolved for that. */
export async function checkWebhookUrl(outbound: Outbound, url: string): Promise<void> {
  if (url.trim() === '') {
    throw invalidParameter(`Webhook URL cannot be empty or just whitespace: ${pythonRepr(url)}`);
  }
  if (isShownAddress(url)) {
    throw invalidParameter(
      `Webhook URL ${pythonRepr(url)} is only what is shown of an address. Give the whole address.`,
    );
  }
  try {
    await outbound.check(url);
  } catch (error) {
    throw error instanceof OutboundRefused ? invalidParameter(refusalText(url, error)) : error;
  }
}

function refusalText(url: string, { kind, subject, found }: OutboundRefused): string {
  switch (kind) {
    case 'malformed':
      return `Invalid webhook URL ${pythonRepr(url)}: ValueError(${pythonRepr(subject)})`;
    case 'scheme':
      return `Invalid webhook URL scheme: ${pythonRepr(subject)}. Allowed schemes are: ${found}.`;
    case 'no-host':
      return `Webhook URL must include a hostname: ${pythonRepr(url)}`;
    case 'unresolvable':
      return `Cannot resolve Webhook URL hostname ${pythonRepr(subject)}: ${resolverText(found)}`;
    case 'not-public':
      return `Webhook URL must not resolve to a non-public IP address. ${pythonRepr(subject)} resolves to ${found}.`;
  }
}

/** What Python's resolver says where ours gives its code. */
function resolverText(found: string): string {
  if (found.includes('ENOTFOUND')) return '[Errno -2] Name or service not known';
  if (found.includes('EAI_AGAIN')) return '[Errno -3] Temporary failure in name resolution';
  return found;
}

/** Checks `entity.action` names. */
export function checkWebhookEvents(events: readonly string[]): void {
  if (events.length === 0) {
    throw invalidParameter('Webhook events must be a non-empty list of WebhookEvent objects: [].');
  }
  for (const event of events) {
    if (webhookEventNames.includes(event)) continue;
    const [entity = '', action = ''] = event.split('.', 2);
    const actions = Object.entries(webhookActions).find(([name]) => name === entity)?.[1] ?? [];
    const list = [...actions].sort().map((name) => `'${name}'`);
    throw invalidParameter(
      `Invalid action '${action}' for entity '${entity}'. Valid actions are: [${list.join(', ')}]`,
    );
  }
}
