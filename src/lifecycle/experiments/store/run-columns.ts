import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { sqliteStatements, statements, type Tx } from '../../../platform/db/index.ts';
import type { RunColumnKind } from '../contract/search.ts';
import type { ExperimentScope } from './run-conditions.ts';

interface RunColumnRow {
  readonly kind: RunColumnKind;
  readonly key: string;
}

/** How many of an experiment's latest runs are looked at to tell how common a key is. */
const latestRuns = 200;

/**
 * Keys that runs of an experiment have, by kind and key. The table is kept by triggers as keys come in, so a list
 * of 12,000 keys reads no run.
 */
export async function runColumnRows(
  tx: Tx,
  search: {
    readonly experimentId: number;
    readonly query?: string | undefined;
    readonly kind?: RunColumnKind | undefined;
    readonly limit: number;
    readonly after: readonly string[] | null;
  },
): Promise<readonly RunColumnRow[]> {
  const { experimentId, query, kind, limit, after } = search;
  const holds = sqliteStatements(tx)
    ? sql<SqlBool>`instr(lower(c.key), lower(${query ?? ''})) > 0`
    : sql<SqlBool>`strpos(lower(c.key), lower(${query ?? ''})) > 0`;
  const where: RawBuilder<SqlBool>[] = [
    sql<SqlBool>`c.experiment_id = ${experimentId}`,
    ...(kind ? [sql<SqlBool>`c.kind = ${kind}`] : []),
    ...(query ? [holds] : []),
    ...(after ? [sql<SqlBool>`(c.kind, c.key) > (${after[0]}, ${after[1]})`] : []),
  ];
  const { rows } = await sql<RunColumnRow>`SELECT c.kind, c.key FROM run_columns c
    WHERE ${sql.join(where, sql` AND `)} ORDER BY c.kind, c.key LIMIT ${limit}`.execute(tx);
  return rows;
}

/** Which of these are keys of metrics in the experiments. */
export async function existingMetricKeys(
  tx: Tx,
  scope: ExperimentScope,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  if (keys.length === 0 || scope?.length === 0) return new Set();
  const inScope = scope === null ? sql`SELECT id FROM experiments` : sql.join(scope);
  const { rows } = await sql<{ key: string }>`SELECT DISTINCT c.key FROM run_columns c
    WHERE c.experiment_id IN (${inScope}) AND c.kind = 'metric' AND c.key IN (${sql.join(keys)})`.execute(tx);
  return new Set(rows.map((row) => row.key));
}

const tables: Readonly<Record<RunColumnKind, string>> = {
  metric: 'metric_series',
  param: 'run_params',
  tag: 'run_tags',
};

/** How many of the experiment's latest active runs have each of these keys; by kind and key. */
export async function latestRunCounts(
  tx: Tx,
  experimentId: number,
  columns: readonly RunColumnRow[],
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const kind of new Set(columns.map((column) => column.kind))) {
    const keys = columns.filter((column) => column.kind === kind).map((column) => column.key);
    const ofKeys = sqliteStatements(tx)
      ? 'c.key IN (SELECT value FROM json_each(?))'
      : 'c.key IN (SELECT jsonb_array_elements_text(CAST(? AS JSONB)))';
    const rows = await statements(tx).all<{ readonly key: string; readonly n: number }>(
      `SELECT c.key, count(*) AS n FROM (
         SELECT seq FROM runs WHERE experiment_id = ? AND lifecycle_stage = 'active'
         ORDER BY start_time_ms DESC, id LIMIT ${latestRuns}) r
       JOIN ${tables[kind]} c ON c.run_seq = r.seq WHERE ${ofKeys} GROUP BY c.key`,
      [experimentId, JSON.stringify(keys)],
    );
    for (const { key, n } of rows) counts.set(`${kind} ${key}`, Number(n));
  }
  return counts;
}
