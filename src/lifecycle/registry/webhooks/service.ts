import { errorMessage } from '../../../core/error-message.ts';
import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { parseInput } from '../../../core/schema.ts';
import { shownAddress } from '../../../core/shown-address.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { pageToken, readPageToken } from '../../../platform/search/index.ts';
import { invalidParameter, type Page } from '../../experiments/index.ts';
import {
  type CreateWebhookInput,
  createWebhookInputSchema,
  type DeliveryListQuery,
  type UpdateWebhookInput,
  updateWebhookInputSchema,
  type Webhook,
  type WebhookDelivery,
  type WebhookDeliveryDetail,
  type WebhookTestResult,
  type webhookEventTypes,
} from './contract.ts';
import { attemptDelivery, type DeliveryDeps } from './deliver.ts';
import { enqueueAttempt } from './outbox.ts';
import { bodyOf, examplePayloads } from './payloads.ts';
import { send } from './send.ts';
import {
  cancelDeliveries,
  deleteWebhookRow,
  deliveryCounts,
  eventsByWebhook,
  findDelivery,
  findWebhook,
  insertWebhook,
  listDeliveries,
  listWebhookRows,
  moveDelivery,
  unsealedWebhooks,
  updateWebhookRow,
  type WebhookRow,
} from './store.ts';
import { checkWebhookEvents, checkWebhookName, checkWebhookUrl } from './validation.ts';
import { toDelivery, toDeliveryDetail, toWebhook } from './wire.ts';

const largestPage = 1000;

/** Webhooks and the record of their deliveries. Secrets and whole addresses go in and never come out. */
export function createWebhooks(deps: DeliveryDeps) {
  const { db, journal, clock, outbound, secrets } = deps;

  const detailed = async (rows: readonly WebhookRow[]): Promise<readonly Webhook[]> => {
    const ids = rows.map((row) => row.id);
    const events = await eventsByWebhook(db.read, ids);
    const counts = await deliveryCounts(db.read, ids);
    return rows.map((row) => toWebhook(row, events.get(row.id) ?? [], counts.get(row.id)));
  };
  const seal = (secret: string): string | null => (secret === '' ? null : secrets.seal(secret));
  const sealedAddress = (url: string) => ({ url: shownAddress(url), sealed_url: secrets.seal(url) });
  const record = async (
    tx: Tx,
    actor: Actor,
    type: (typeof webhookEventTypes)[number],
    id: string,
    facts: { readonly before?: object; readonly after?: object; readonly name: string },
  ): Promise<void> => {
    const { before, after, name } = facts;
    const subject = { kind: 'webhook', id };
    const action = `registry:${type.replace('.', '-')}`;
    await journal.appendAudit(tx, { actor, action, subject, before, after, reason: 'no reason given' });
    await journal.appendEvent(tx, { type, subject, data: { name } });
  };

  return {
    /** Throws `tracking_invalid` for a name, address or event that cannot be. */
    async create(actor: Actor, input: CreateWebhookInput): Promise<Webhook> {
      authorize(actor, 'webhooks:write');
      const { name, description, url, events, secret, status } = input;
      checkWebhookName(name);
      await checkWebhookUrl(outbound, url);
      checkWebhookEvents(events);
      const facts = parseInput(createWebhookInputSchema, {
        name,
        description,
        url,
        events,
        secret,
        status,
      });
      const nowMs = clock.nowMs();
      const row: WebhookRow = {
        id: uuidv7(nowMs),
        name,
        ...sealedAddress(url),
        description: facts.description,
        status: facts.status,
        sealed_secret: seal(facts.secret),
        created_at_ms: nowMs,
        updated_at_ms: nowMs,
      };
      await db.write(async (tx) => {
        await insertWebhook(tx, row, facts.events);
        const after = factsOf(row, facts.events);
        await record(tx, actor, 'webhook.created', row.id, { after, name });
      });
      return toWebhook(row, [...new Set(facts.events)].sort());
    },

    /** Throws `webhook_unknown`. */
    async get(actor: Actor, id: string): Promise<Webhook> {
      authorize(actor, 'read');
      const [webhook] = await detailed([await webhookById(db.read, id)]);
      if (!webhook) throw fail('webhook_unknown', { id });
      return webhook;
    },

    /** Newest first. Throws `tracking_invalid` for a limit outside 1..1000. */
    async list(
      actor: Actor,
      query: { readonly limit: number; readonly after?: string | undefined },
    ): Promise<Page<Webhook>> {
      authorize(actor, 'read');
      const { limit } = query;
      if (limit < 1 || limit > largestPage) {
        throw invalidParameter(`max_results must be between 1 and ${largestPage}.`);
      }
      const key = query.after ? readPageToken(query.after, 2) : null;
      const after = key ? ([Number(key[0]), String(key[1])] as const) : null;
      const rows = await listWebhookRows(db.read, limit + 1, after);
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const next = last && rows.length > limit ? pageToken([last.created_at_ms, last.id]) : null;
      return { items: await detailed(page), next };
    },

    /**
     * What is left out stays, and so does the address where it is given as it is shown; an empty secret ends signing.
     * Throws `webhook_unknown`, `tracking_invalid`.
     */
    async update(actor: Actor, id: string, input: UpdateWebhookInput): Promise<Webhook> {
      authorize(actor, 'webhooks:write');
      const { url: shown } = await webhookById(db.read, id);
      if (input.name !== undefined) checkWebhookName(input.name);
      const url = input.url === shown ? undefined : input.url;
      if (url !== undefined) await checkWebhookUrl(outbound, url);
      if (input.events !== undefined) checkWebhookEvents(input.events);
      const { secret, events, url: _, ...facts } = parseInput(updateWebhookInputSchema, input);
      await db.write(async (tx) => {
        const before = await webhookById(tx, id);
        const updatedMs = Math.max(clock.nowMs(), before.updated_at_ms + 1);
        const sealed = secret === undefined ? {} : { sealed_secret: seal(secret) };
        const address = url === undefined ? {} : sealedAddress(url);
        const change = { ...defined(facts), ...address, ...sealed, updated_at_ms: updatedMs };
        const had = (await eventsByWebhook(tx, [id])).get(id) ?? [];
        await updateWebhookRow(tx, id, change, events);
        const after = { ...before, ...change };
        await record(tx, actor, 'webhook.updated', id, {
          before: factsOf(before, had),
          after: factsOf(after, events ?? had),
          name: after.name,
        });
      });
      return this.get(actor, id);
    },

    /** Removes a webhook; what waits for it is cancelled. Throws `webhook_unknown`. */
    async delete(actor: Actor, id: string): Promise<void> {
      authorize(actor, 'webhooks:write');
      await db.write(async (tx) => {
        const row = await webhookById(tx, id);
        const events = (await eventsByWebhook(tx, [id])).get(id) ?? [];
        await deleteWebhookRow(tx, id);
        await cancelDeliveries(tx, id, 'the webhook was deleted', clock.nowMs());
        await record(tx, actor, 'webhook.deleted', id, { before: factsOf(row, events), name: row.name });
      });
    },

    /**
     * Sends an example of an event once, now, and tells how it went; nothing is recorded. A webhook that is
     * disabled is tested too.
     */
    async test(actor: Actor, id: string, event?: string): Promise<WebhookTestResult> {
      authorize(actor, 'webhooks:write');
      if (event !== undefined) checkWebhookEvents([event]);
      const row = await webhookById(db.read, id);
      const chosen = event ?? (await eventsByWebhook(db.read, [id])).get(id)?.[0] ?? '';
      const body = bodyOf({ event: chosen, data: examplePayloads[chosen] ?? {} }, clock.nowMs());
      try {
        const secret = row.sealed_secret === null ? null : secrets.open(row.sealed_secret);
        const message = { url: secrets.open(row.sealed_url), id: uuidv7(clock.nowMs()), body, secret };
        const answer = await send(outbound, message, clock.nowMs(), deps.timeoutMs);
        const { status, body: responseBody } = answer;
        return { success: status < 300, responseStatus: status, responseBody, errorMessage: null };
      } catch (error) {
        const told = `Failed to test webhook: ${errorMessage(error)}`;
        return { success: false, responseStatus: null, responseBody: null, errorMessage: told };
      }
    },

    /** Deliveries, newest first. */
    async deliveries(actor: Actor, query: DeliveryListQuery): Promise<Page<WebhookDelivery>> {
      authorize(actor, 'read');
      const { webhook: webhookId, status, limit } = query;
      const afterId = query.after ? String(readPageToken(query.after, 1)[0]) : undefined;
      const rows = await listDeliveries(db.read, { webhookId, status, afterId, limit: limit + 1 });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return {
        items: page.map(toDelivery),
        next: last && rows.length > limit ? pageToken([last.id]) : null,
      };
    },

    /** Throws `delivery_unknown`. */
    async delivery(actor: Actor, id: string): Promise<WebhookDeliveryDetail> {
      authorize(actor, 'read');
      const row = await findDelivery(db.read, id);
      if (!row) throw fail('delivery_unknown', { id });
      return toDeliveryDetail(row);
    },

    /** Sends a delivery that came to its end once more, under its own id. Throws `delivery_unknown`, `delivery_pending`. */
    async redeliver(actor: Actor, id: string): Promise<WebhookDeliveryDetail> {
      authorize(actor, 'webhooks:write');
      await db.write(async (tx) => {
        const row = await findDelivery(tx, id);
        if (!row) throw fail('delivery_unknown', { id });
        await webhookById(tx, row.webhook_id);
        const nowMs = clock.nowMs();
        const change = {
          status: 'pending',
          error: null,
          next_attempt_at_ms: nowMs,
          updated_at_ms: nowMs,
        } as const;
        if (row.status === 'pending' || !(await moveDelivery(tx, row, change))) {
          throw fail('delivery_pending', { id, attempts: row.attempts });
        }
        await enqueueAttempt(deps.jobs, tx, id, row.attempts + 1, nowMs);
        await journal.appendAudit(tx, {
          actor,
          action: 'registry:redeliver-webhook',
          subject: { kind: 'webhook-delivery', id },
          before: { status: row.status, attempts: row.attempts },
          after: { status: 'pending' },
          reason: 'no reason given',
        });
      });
      return this.delivery(actor, id);
    },

    /** Seals the addresses of webhooks that were made before addresses were. Once, at the start. */
    async sealAddresses(): Promise<void> {
      await db.write(async (tx) => {
        for (const { id, url } of await unsealedWebhooks(tx))
          await updateWebhookRow(tx, id, sealedAddress(url));
      });
    },

    /** Makes an attempt of a delivery; see `attemptDelivery`. For the worker. */
    attempt: (deliveryId: string, attempt: number, signal: AbortSignal): Promise<void> =>
      attemptDelivery(deps, deliveryId, attempt, signal),
  };
}

export type Webhooks = ReturnType<typeof createWebhooks>;

/** Throws `webhook_unknown`. */
async function webhookById(tx: Tx, id: string): Promise<WebhookRow> {
  const row = await findWebhook(tx, id);
  if (!row) throw fail('webhook_unknown', { id });
  return row;
}

/** What the audit trail keeps: everything but the secret, and the address as it is shown. */
function factsOf(row: WebhookRow, events: readonly string[]): object {
  const { name, description, url, status, sealed_secret } = row;
  return { name, description, url, status, events, isSigned: sealed_secret !== null };
}

function defined<T extends object>(facts: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
