import { sql } from 'kysely';
import { type Tx, tables } from '../../../platform/db/index.ts';
import type { ItemFacts, ItemKind, PlacedExperiment } from '../contract/transfer.ts';

/** The tables of imports (migrations.ts): each import, where its experiments went, and how far each item is. */
interface TransferTables {
  imports: {
    id: string;
    source: string;
    started_by: string;
    started_at_ms: number;
    finished_at_ms: number | null;
    agrees: number | null;
  };
  import_experiments: {
    source: string;
    source_id: string;
    experiment_id: number;
    outcome: PlacedExperiment['outcome'];
  };
  import_items: {
    kind: ItemKind;
    id: string;
    import_id: string;
    experiment_id: number;
    /** 1: made by an import. 0: it was here before, so imports leave it as it is. */
    owned: number;
    stamp: string;
    complete: number;
    /** What the source holds of it, as JSON; empty until it is complete. */
    source_facts: string;
  };
}

export type ImportRow = TransferTables['imports'];
export type ItemRow = TransferTables['import_items'];

const on = (tx: Tx) => tables<TransferTables>(tx);

/** The unfinished import of a source, if there is one. */
export async function findOpenImport(tx: Tx, source: string): Promise<ImportRow | undefined> {
  const query = on(tx).selectFrom('imports').selectAll().where('source', '=', source);
  return query.where('finished_at_ms', 'is', null).orderBy('id', 'desc').executeTakeFirst();
}

export async function insertImport(tx: Tx, row: ImportRow): Promise<void> {
  await on(tx).insertInto('imports').values(row).execute();
}

export async function findImport(tx: Tx, id: string): Promise<ImportRow | undefined> {
  return on(tx).selectFrom('imports').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Imports, newest first; `afterId` is the last of the page before. */
export async function listImports(
  tx: Tx,
  limit: number,
  afterId: string | null,
): Promise<readonly ImportRow[]> {
  let query = on(tx).selectFrom('imports').selectAll();
  if (afterId !== null) query = query.where('id', '<', afterId);
  return query.orderBy('id', 'desc').limit(limit).execute();
}

/** Ends an import, and notes whether source and target agreed in every count and digest. */
export async function finishImport(tx: Tx, id: string, agrees: boolean, nowMs: number): Promise<void> {
  const change = { finished_at_ms: nowMs, agrees: agrees ? 1 : 0 };
  await on(tx).updateTable('imports').set(change).where('id', '=', id).execute();
}

/** Where an experiment of a source went in an import before. */
export async function findPlace(
  tx: Tx,
  source: string,
  sourceId: string,
): Promise<TransferTables['import_experiments'] | undefined> {
  const query = on(tx).selectFrom('import_experiments').selectAll().where('source', '=', source);
  return query.where('source_id', '=', sourceId).executeTakeFirst();
}

/** Notes where an experiment of a source goes, in place of what was noted before. */
export async function setPlace(tx: Tx, row: TransferTables['import_experiments']): Promise<void> {
  const { experiment_id, outcome } = row;
  await on(tx)
    .insertInto('import_experiments')
    .values(row)
    .onConflict((c) => c.columns(['source', 'source_id']).doUpdateSet({ experiment_id, outcome }))
    .execute();
}

/** What imports brought before, by id; what they never brought is not in the map. */
export async function findItems(
  tx: Tx,
  kind: ItemKind,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ItemRow>> {
  if (ids.length === 0) return new Map();
  const query = on(tx).selectFrom('import_items').selectAll().where('kind', '=', kind);
  const rows = await query.where('id', 'in', ids).execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** Notes items that are on their way, in place of what was noted of them before. */
export async function putItems(tx: Tx, rows: readonly ItemRow[]): Promise<void> {
  if (rows.length === 0) return;
  await on(tx)
    .insertInto('import_items')
    .values(rows)
    .onConflict((c) =>
      c.columns(['kind', 'id']).doUpdateSet({
        import_id: sql`excluded.import_id`,
        experiment_id: sql`excluded.experiment_id`,
        owned: sql`excluded.owned`,
        stamp: sql`excluded.stamp`,
        complete: sql`excluded.complete`,
        source_facts: sql`excluded.source_facts`,
      }),
    )
    .execute();
}

/** Marks an item as wholly brought over, with what the source holds of it. */
export async function completeItem(tx: Tx, kind: ItemKind, id: string, facts: ItemFacts): Promise<void> {
  await on(tx)
    .updateTable('import_items')
    .set({ complete: 1, source_facts: JSON.stringify(facts) })
    .where('kind', '=', kind)
    .where('id', '=', id)
    .execute();
}

/** Items of an experiment that an import brought, by id, after `afterId`. */
export async function itemsOf(
  tx: Tx,
  of: { readonly importId: string; readonly experimentId: number; readonly kind: ItemKind },
  afterId: string,
  limit: number,
): Promise<readonly ItemRow[]> {
  return on(tx)
    .selectFrom('import_items')
    .selectAll()
    .where('import_id', '=', of.importId)
    .where('experiment_id', '=', of.experimentId)
    .where('kind', '=', of.kind)
    .where('id', '>', afterId)
    .orderBy('id')
    .limit(limit)
    .execute();
}
