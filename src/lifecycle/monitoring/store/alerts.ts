import { type Tx, tables } from '../../../platform/db/index.ts';
import type { AlertKind } from '../contract.ts';
import type { AlertRow, DeliveryRow, MonitoringTables } from './tables.ts';

const db = (tx: Tx) => tables<MonitoringTables>(tx);

export interface AlertFilter {
  readonly endpoint?: string | undefined;
  readonly state?: 'open' | 'acknowledged' | 'resolved' | 'unresolved' | undefined;
  /** Alerts older than this id. */
  readonly afterId?: string | undefined;
  readonly limit: number;
}

/** Alerts, newest first. */
export function listAlerts(tx: Tx, filter: AlertFilter): Promise<AlertRow[]> {
  let query = db(tx).selectFrom('alerts').selectAll();
  if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint);
  if (filter.state === 'unresolved') query = query.where('state', '!=', 'resolved');
  else if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.afterId !== undefined) query = query.where('id', '<', filter.afterId);
  return query.orderBy('id', 'desc').limit(filter.limit).execute();
}

export function unresolvedAlerts(tx: Tx, endpoint: string): Promise<AlertRow[]> {
  return db(tx)
    .selectFrom('alerts')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('state', '!=', 'resolved')
    .orderBy('id')
    .execute();
}

/** Unresolved alerts of a kind, of all endpoints. */
export function unresolvedOfKind(tx: Tx, kind: AlertKind): Promise<AlertRow[]> {
  return db(tx)
    .selectFrom('alerts')
    .selectAll()
    .where('kind', '=', kind)
    .where('state', '!=', 'resolved')
    .orderBy('id')
    .execute();
}

export function findAlert(tx: Tx, id: string): Promise<AlertRow | undefined> {
  return db(tx).selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function insertAlert(tx: Tx, row: AlertRow): Promise<void> {
  await db(tx).insertInto('alerts').values(row).execute();
}

export async function updateAlert(tx: Tx, id: string, change: Partial<AlertRow>): Promise<void> {
  await db(tx).updateTable('alerts').set(change).where('id', '=', id).execute();
}

/** Deliveries of these alerts, in the order in which they were due. */
export async function deliveriesOf(tx: Tx, alertIds: readonly string[]): Promise<DeliveryRow[]> {
  if (alertIds.length === 0) return [];
  return db(tx)
    .selectFrom('alert_deliveries')
    .selectAll()
    .where('alert_id', 'in', alertIds)
    .orderBy('id')
    .execute();
}

export function findDelivery(tx: Tx, id: string): Promise<DeliveryRow | undefined> {
  return db(tx).selectFrom('alert_deliveries').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function insertDelivery(tx: Tx, row: DeliveryRow): Promise<void> {
  await db(tx).insertInto('alert_deliveries').values(row).execute();
}

export async function updateDelivery(tx: Tx, id: string, change: Partial<DeliveryRow>): Promise<void> {
  await db(tx).updateTable('alert_deliveries').set(change).where('id', '=', id).execute();
}

/** Seals the targets of deliveries of before targets were sealed. */
export async function sealDeliveries(tx: Tx, seal: (sealed: string) => string): Promise<void> {
  const rows = await db(tx)
    .selectFrom('alert_deliveries')
    .select(['id', 'sealed_target'])
    .where('sealed_target', 'like', '{%')
    .execute();
  for (const { id, sealed_target } of rows)
    await updateDelivery(tx, id, { sealed_target: seal(sealed_target) });
}
