import type { Tx } from '../../../platform/db/index.ts';
import { on, type RegistryTables } from './tables.ts';

export type ProtectionRow = RegistryTables['model_alias_protections'];

/** Adds a rule about who may move an alias. */
export async function insertProtection(tx: Tx, row: ProtectionRow): Promise<void> {
  await on(tx).insertInto('model_alias_protections').values(row).execute();
}

/** Undefined when there is no rule of this id. */
export async function findProtection(tx: Tx, id: string): Promise<ProtectionRow | undefined> {
  return on(tx).selectFrom('model_alias_protections').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Does nothing when there is no rule of this id. */
export async function deleteProtection(tx: Tx, id: string): Promise<void> {
  await on(tx).deleteFrom('model_alias_protections').where('id', '=', id).execute();
}

/** The rules that hold for a model, or all rules, oldest first. */
export async function protectionRows(tx: Tx, registeredId?: number): Promise<readonly ProtectionRow[]> {
  let query = on(tx).selectFrom('model_alias_protections').selectAll();
  if (registeredId !== undefined) {
    query = query.where((e) => e.or([e('registered_id', 'is', null), e('registered_id', '=', registeredId)]));
  }
  return query.orderBy('id').execute();
}
