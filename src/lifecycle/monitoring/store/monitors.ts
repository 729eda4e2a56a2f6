import { z } from 'zod';
import { type Tx, tables } from '../../../platform/db/index.ts';
import { keptTargetSchema } from '../alerts/targets.ts';
import { monitorSpecSchema } from '../contract.ts';
import type { MonitoringTables, MonitorRow, ReferenceRow } from './tables.ts';

const db = (tx: Tx) => tables<MonitoringTables>(tx);

export function findMonitor(tx: Tx, endpoint: string): Promise<MonitorRow | undefined> {
  return db(tx).selectFrom('monitors').selectAll().where('endpoint', '=', endpoint).executeTakeFirst();
}

export function listMonitors(tx: Tx): Promise<MonitorRow[]> {
  return db(tx).selectFrom('monitors').selectAll().orderBy('endpoint').execute();
}

export async function putMonitor(tx: Tx, row: MonitorRow): Promise<void> {
  await db(tx)
    .insertInto('monitors')
    .values(row)
    .onConflict((c) =>
      c.column('endpoint').doUpdateSet({ spec_json: row.spec_json, updated_at_ms: row.updated_at_ms }),
    )
    .execute();
}

/** Records how far an endpoint's log has been looked at. */
export async function moveMonitor(
  tx: Tx,
  endpoint: string,
  change: Partial<Pick<MonitorRow, 'open_window_start_ms' | 'seen_label_segment' | 'seen_predictions_ms'>>,
): Promise<void> {
  await db(tx).updateTable('monitors').set(change).where('endpoint', '=', endpoint).execute();
}

export function listReferences(tx: Tx, endpoint: string): Promise<ReferenceRow[]> {
  return db(tx)
    .selectFrom('monitor_references')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .orderBy('added_at_ms')
    .orderBy('model_version')
    .execute();
}

export async function putReference(tx: Tx, row: ReferenceRow): Promise<void> {
  const { endpoint: _, model_version: __, added_at_ms: ___, ...change } = row;
  await db(tx)
    .insertInto('monitor_references')
    .values(row)
    .onConflict((c) => c.columns(['endpoint', 'model_version']).doUpdateSet(change))
    .execute();
}

/** How an endpoint is watched, as it is kept: who is told of alerts is sealed. */
export const keptSpecSchema = monitorSpecSchema.extend({ alerts: z.array(keptTargetSchema).default([]) });
export type KeptSpec = z.infer<typeof keptSpecSchema>;

/** How an endpoint is watched. */
export function specOf(monitor: Pick<MonitorRow, 'spec_json'>): KeptSpec {
  return keptSpecSchema.parse(JSON.parse(monitor.spec_json));
}

/** Seals what rows of before targets were sealed hold in the open. */
export async function sealMonitors(tx: Tx, seal: (sealed: string) => string): Promise<void> {
  for (const row of await listMonitors(tx)) {
    const spec = specOf(row);
    const alerts = spec.alerts.map((target) => ({ ...target, sealed: seal(target.sealed) }));
    const specJson = JSON.stringify({ ...spec, alerts });
    if (specJson !== JSON.stringify(spec))
      await db(tx)
        .updateTable('monitors')
        .set({ spec_json: specJson })
        .where('endpoint', '=', row.endpoint)
        .execute();
  }
}
