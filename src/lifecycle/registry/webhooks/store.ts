import { sql } from 'kysely';
import { type Tx, tables } from '../../../platform/db/index.ts';
import type { DeliveryStatus, WebhookStatus } from './contract.ts';

/** The tables of webhooks (../migrations.ts). Times are epoch milliseconds. */
interface WebhookTables {
  webhooks: {
    id: string;
    name: string;
    description: string;
    /** As it is shown: a path may be a token. */
    url: string;
    /** The address that is called; '' in a row of before addresses were sealed, until control starts. */
    sealed_url: string;
    status: WebhookStatus;
    /** Null: deliveries are not signed. */
    sealed_secret: string | null;
    created_at_ms: number;
    updated_at_ms: number;
  };
  webhook_events: { webhook_id: string; event: string };
  webhook_deliveries: {
    id: string;
    webhook_id: string;
    webhook_name: string;
    /** As it is shown. */
    url: string;
    event: string;
    body: string;
    status: DeliveryStatus;
    attempts: number;
    response_status: number | null;
    response_body: string | null;
    error: string | null;
    next_attempt_at_ms: number | null;
    created_at_ms: number;
    updated_at_ms: number;
  };
}

export type WebhookRow = WebhookTables['webhooks'];
export type DeliveryRow = WebhookTables['webhook_deliveries'];

const on = (tx: Tx) => tables<WebhookTables>(tx);

export async function insertWebhook(tx: Tx, row: WebhookRow, events: readonly string[]): Promise<void> {
  await on(tx).insertInto('webhooks').values(row).execute();
  await insertEvents(tx, row.id, events);
}

/** Changes a webhook, and where `events` is given, replaces all that it is told of. */
export async function updateWebhookRow(
  tx: Tx,
  id: string,
  change: Partial<Omit<WebhookRow, 'id'>>,
  events?: readonly string[],
): Promise<void> {
  await on(tx).updateTable('webhooks').set(change).where('id', '=', id).execute();
  if (!events) return;
  await on(tx).deleteFrom('webhook_events').where('webhook_id', '=', id).execute();
  await insertEvents(tx, id, events);
}

async function insertEvents(tx: Tx, id: string, events: readonly string[]): Promise<void> {
  const rows = [...new Set(events)].map((event) => ({ webhook_id: id, event }));
  await on(tx).insertInto('webhook_events').values(rows).execute();
}

/** Removes a webhook. Its deliveries stay: those that wait are cancelled when their turn comes. */
export async function deleteWebhookRow(tx: Tx, id: string): Promise<void> {
  await on(tx).deleteFrom('webhook_events').where('webhook_id', '=', id).execute();
  await on(tx).deleteFrom('webhooks').where('id', '=', id).execute();
}

export async function findWebhook(tx: Tx, id: string): Promise<WebhookRow | undefined> {
  return on(tx).selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Webhooks, newest first; `after` is the key of the last one of the page before. */
export async function listWebhookRows(
  tx: Tx,
  limit: number,
  after: readonly [createdAtMs: number, id: string] | null,
): Promise<readonly WebhookRow[]> {
  let query = on(tx).selectFrom('webhooks').selectAll();
  if (after) {
    const [createdAtMs, id] = after;
    query = query.where((e) =>
      e.or([
        e('created_at_ms', '<', createdAtMs),
        e.and([e('created_at_ms', '=', createdAtMs), e('id', '<', id)]),
      ]),
    );
  }
  return query.orderBy('created_at_ms', 'desc').orderBy('id', 'desc').limit(limit).execute();
}

/** Webhooks of before addresses were sealed. */
export async function unsealedWebhooks(tx: Tx): Promise<readonly Pick<WebhookRow, 'id' | 'url'>[]> {
  return on(tx).selectFrom('webhooks').select(['id', 'url']).where('sealed_url', '=', '').execute();
}

/** Active webhooks that ask for an event. */
export async function subscribers(tx: Tx, event: string): Promise<readonly WebhookRow[]> {
  return on(tx)
    .selectFrom('webhooks as w')
    .innerJoin('webhook_events as e', 'e.webhook_id', 'w.id')
    .selectAll('w')
    .where('e.event', '=', event)
    .where('w.status', '=', 'ACTIVE')
    .orderBy('w.created_at_ms')
    .execute();
}

/** Events by webhook, by name. */
export async function eventsByWebhook(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows =
    ids.length === 0
      ? []
      : await on(tx)
          .selectFrom('webhook_events')
          .selectAll()
          .where('webhook_id', 'in', ids)
          .orderBy('event')
          .execute();
  const of = (id: string) => rows.filter((row) => row.webhook_id === id).map((row) => row.event);
  return new Map(ids.map((id) => [id, of(id)]));
}

export interface DeliveryCounts {
  readonly pending: number;
  readonly failed: number;
  readonly lastDeliveredAtMs: number | null;
}

/** How the deliveries of webhooks stand. */
export async function deliveryCounts(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, DeliveryCounts>> {
  if (ids.length === 0) return new Map();
  const rows = await on(tx)
    .selectFrom('webhook_deliveries')
    .select((e) => [
      'webhook_id',
      'status',
      e.fn.countAll<number>().as('count'),
      e.fn.max('updated_at_ms').as('last_ms'),
    ])
    .where('webhook_id', 'in', ids)
    .groupBy(['webhook_id', 'status'])
    .execute();
  const of = (id: string, status: DeliveryStatus) =>
    rows.find((row) => row.webhook_id === id && row.status === status);
  return new Map(
    ids.map((id) => [
      id,
      {
        pending: Number(of(id, 'pending')?.count ?? 0),
        failed: Number(of(id, 'failed')?.count ?? 0),
        lastDeliveredAtMs: of(id, 'delivered')?.last_ms ?? null,
      },
    ]),
  );
}

export async function insertDelivery(tx: Tx, row: DeliveryRow): Promise<void> {
  await on(tx).insertInto('webhook_deliveries').values(row).execute();
}

export async function findDelivery(tx: Tx, id: string): Promise<DeliveryRow | undefined> {
  return on(tx).selectFrom('webhook_deliveries').selectAll().where('id', '=', id).executeTakeFirst();
}

/**
 * Changes a delivery that is still at this attempt. False when another has got ahead, so that what belongs to the
 * change is not done twice.
 */
export async function moveDelivery(
  tx: Tx,
  at: Pick<DeliveryRow, 'id' | 'attempts' | 'status'>,
  change: Partial<Omit<DeliveryRow, 'id'>>,
): Promise<boolean> {
  const { numUpdatedRows } = await on(tx)
    .updateTable('webhook_deliveries')
    .set(change)
    .where('id', '=', at.id)
    .where('attempts', '=', at.attempts)
    .where('status', '=', at.status)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Gives up everything that waits for a webhook. */
export async function cancelDeliveries(
  tx: Tx,
  webhookId: string,
  error: string,
  nowMs: number,
): Promise<void> {
  await on(tx)
    .updateTable('webhook_deliveries')
    .set({ status: 'cancelled', error, next_attempt_at_ms: null, updated_at_ms: nowMs })
    .where('webhook_id', '=', webhookId)
    .where('status', '=', 'pending')
    .execute();
}

interface DeliveryFilter {
  readonly webhookId?: string | undefined;
  readonly status?: DeliveryStatus | undefined;
  /** Deliveries older than this id (ids sort by time). */
  readonly afterId?: string | undefined;
  readonly limit: number;
}

/** Deliveries, newest first. */
export async function listDeliveries(tx: Tx, filter: DeliveryFilter): Promise<readonly DeliveryRow[]> {
  let query = on(tx).selectFrom('webhook_deliveries').selectAll();
  if (filter.webhookId !== undefined) query = query.where('webhook_id', '=', filter.webhookId);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  if (filter.afterId !== undefined) query = query.where('id', '<', filter.afterId);
  return query.orderBy('id', 'desc').limit(filter.limit).execute();
}

/** Forgets deliveries that came to an end before a time. */
export async function deleteOldDeliveries(tx: Tx, beforeMs: number): Promise<void> {
  await sql`DELETE FROM webhook_deliveries WHERE status IN ('delivered', 'failed', 'cancelled')
    AND updated_at_ms < ${beforeMs}`.execute(tx);
}
