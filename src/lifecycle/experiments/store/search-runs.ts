import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName, Tx } from '../../../platform/db/index.ts';
import {
  afterCondition,
  type Condition,
  comparisonSql,
  type OrderKey,
  orderBySql,
  type SortColumn,
} from '../../../platform/search/index.ts';
import type { LifecycleStage } from '../contract.ts';
import type { RunRow } from './runs.ts';

export interface RunSearch {
  /** Null: all experiments. */
  readonly experimentIds: readonly number[] | null;
  readonly stages: readonly LifecycleStage[];
  readonly conditions: readonly Condition[];
  readonly order: readonly OrderKey[];
  readonly limit: number;
  /** The sort columns of the last row of the page before. */
  readonly after: readonly (string | number)[] | null;
}

type FoundRun = RunRow & { readonly sort: readonly (string | number)[] };

const attributeColumns: Readonly<Record<string, string>> = {
  artifact_uri: 'artifact_uri',
  end_time: 'end_time_ms',
  run_id: 'id',
  run_name: 'name',
  start_time: 'start_time_ms',
  status: 'status',
  user_id: 'user_id',
};

/** Runs that fulfil all conditions, in order: missing values last in both directions, then newest first, id. */
export async function searchRunRows(
  tx: Tx,
  dialect: DialectName,
  search: RunSearch,
): Promise<readonly FoundRun[]> {
  if (search.experimentIds?.length === 0) return [];
  const joins: RawBuilder<unknown>[] = [];
  const columns = runSortColumns(search.order, joins);
  const where = [
    ...(search.experimentIds ? [sql<SqlBool>`r.experiment_id IN (${sql.join(search.experimentIds)})`] : []),
    sql<SqlBool>`r.lifecycle_stage IN (${sql.join(search.stages)})`,
    ...search.conditions.map((c) => conditionSql(dialect, c)),
    ...(search.after ? [afterCondition(columns, search.after)] : []),
  ];
  const sortList = columns.map((c, i) => sql`${c.expression} AS ${sql.ref(`sort_${i}`)}`);
  const { rows } = await sql<RunRow & Record<string, string | number>>`
    SELECT r.*, ${sql.join(sortList)} FROM runs r ${sql.join(joins, sql` `)}
    WHERE ${sql.join(where, sql` AND `)}
    ORDER BY ${orderBySql(columns)} LIMIT ${search.limit}`.execute(tx);
  return rows.map((row) => ({ ...row, sort: columns.map((_, i) => row[`sort_${i}`] ?? 0) }));
}

/** How many sort columns an order has, which is what its page tokens hold. */
export function runSortWidth(order: readonly OrderKey[]): number {
  return runSortColumns(order, []).length;
}

function runSortColumns(order: readonly OrderKey[], joins: RawBuilder<unknown>[]): readonly SortColumn[] {
  const columns: SortColumn[] = [];
  order.forEach((key, i) => {
    const { value, missing, empty } = sortValue(key, sql.ref(`o${i}`), joins);
    columns.push({ expression: missing, descending: false });
    columns.push({ expression: sql`coalesce(${value}, ${empty})`, descending: key.descending });
  });
  if (!order.some((k) => k.entity === 'attribute' && k.key === 'start_time')) {
    columns.push({ expression: sql`r.start_time_ms`, descending: true });
  }
  columns.push({ expression: sql`r.id`, descending: false });
  return columns;
}

function sortValue(key: OrderKey, alias: RawBuilder<unknown>, joins: RawBuilder<unknown>[]) {
  if (key.entity === 'attribute') {
    const value = sql`${sql.ref(`r.${attributeColumns[key.key]}`)}`;
    const empty = key.key.endsWith('_time') ? sql`0` : sql`''`;
    return { value, missing: sql`CASE WHEN ${value} IS NULL THEN 1 ELSE 0 END`, empty };
  }
  if (key.entity === 'metric') {
    joins.push(
      sql`LEFT JOIN metric_series ${alias} ON ${alias}.run_seq = r.seq AND ${alias}.key = ${key.key} AND ${alias}.count > 0`,
    );
    const missing = sql`CASE WHEN ${alias}.id IS NULL THEN 2 WHEN ${alias}.last_is_nan = 1 THEN 1 ELSE 0 END`;
    return { value: sql`${alias}.last_value`, missing, empty: sql`0` };
  }
  const table = key.entity === 'tag' ? sql`run_tags` : sql`run_params`;
  joins.push(sql`LEFT JOIN ${table} ${alias} ON ${alias}.run_seq = r.seq AND ${alias}.key = ${key.key}`);
  return {
    value: sql`${alias}.value`,
    missing: sql`CASE WHEN ${alias}.key IS NULL THEN 1 ELSE 0 END`,
    empty: sql`''`,
  };
}

function conditionSql(dialect: DialectName, condition: Condition): RawBuilder<SqlBool> {
  const { entity, key, comparator } = condition;
  if (entity === 'attribute') {
    return comparisonSql(dialect, sql.ref(`r.${attributeColumns[key]}`), condition);
  }
  if (entity === 'metric') {
    const compared = comparisonSql(dialect, sql`s.last_value`, condition);
    // NaN is stored as 0 with a flag; it differs from every number and is otherwise incomparable.
    const value =
      comparator === '!=' ? sql`(${compared} OR s.last_is_nan = 1)` : sql`${compared} AND s.last_is_nan = 0`;
    return sql<SqlBool>`EXISTS (SELECT 1 FROM metric_series s
      WHERE s.run_seq = r.seq AND s.key = ${key} AND s.count > 0 AND ${value})`;
  }
  if (entity === 'dataset') return datasetCondition(dialect, condition);
  const table = entity === 'tag' ? sql`run_tags` : sql`run_params`;
  const here = sql`SELECT 1 FROM ${table} t WHERE t.run_seq = r.seq AND t.key = ${key}`;
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (${here})`;
  if (comparator === 'IS NOT NULL') return sql<SqlBool>`EXISTS (${here})`;
  return sql<SqlBool>`EXISTS (${here} AND ${comparisonSql(dialect, sql`t.value`, condition)})`;
}

function datasetCondition(dialect: DialectName, condition: Condition): RawBuilder<SqlBool> {
  if (condition.key === 'context') {
    return sql<SqlBool>`EXISTS (SELECT 1 FROM run_dataset_tags t WHERE t.run_seq = r.seq
      AND t.key = 'mlflow.data.context' AND ${comparisonSql(dialect, sql`t.value`, condition)})`;
  }
  const column = condition.key === 'name' ? sql`d.name` : sql`d.digest`;
  return sql<SqlBool>`EXISTS (SELECT 1 FROM run_datasets l JOIN input_datasets d ON d.id = l.dataset_id
    WHERE l.run_seq = r.seq AND ${comparisonSql(dialect, column, condition)})`;
}
