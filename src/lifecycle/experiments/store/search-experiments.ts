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
import type { ExperimentRecord } from '../records.ts';
import { withTags } from './experiments.ts';

export interface ExperimentSearch {
  readonly stages: readonly LifecycleStage[];
  readonly conditions: readonly Condition[];
  readonly order: readonly OrderKey[];
  readonly limit: number;
  readonly after: readonly (string | number)[] | null;
}

const columnsByAttribute: Readonly<Record<string, string>> = {
  name: 'e.name',
  experiment_id: 'e.id',
  creation_time: 'e.created_at_ms',
  last_update_time: 'e.updated_at_ms',
};

/** Experiments that fulfil all conditions, each with its sort columns. */
export async function searchExperimentRecords(
  tx: Tx,
  dialect: DialectName,
  search: ExperimentSearch,
): Promise<
  readonly { readonly experiment: ExperimentRecord; readonly sort: readonly (string | number)[] }[]
> {
  const columns = experimentSortColumns(search.order);
  const where = [
    sql<SqlBool>`e.lifecycle_stage IN (${sql.join(search.stages)})`,
    ...search.conditions.map((c) => conditionSql(dialect, c)),
    ...(search.after ? [afterCondition(columns, search.after)] : []),
  ];
  const sortList = columns.map((c, i) => sql`${c.expression} AS ${sql.ref(`sort_${i}`)}`);
  const { rows } = await sql<Parameters<typeof withTags>[1][number] & Record<string, string | number>>`
    SELECT e.*, ${sql.join(sortList)} FROM experiments e
    WHERE ${sql.join(where, sql` AND `)} ORDER BY ${orderBySql(columns)} LIMIT ${search.limit}`.execute(tx);
  const records = await withTags(tx, rows);
  return records.map((experiment, i) => ({
    experiment,
    sort: columns.map((_, j) => rows[i]?.[`sort_${j}`] ?? 0),
  }));
}

export function experimentSortWidth(order: readonly OrderKey[]): number {
  return experimentSortColumns(order).length;
}

function experimentSortColumns(order: readonly OrderKey[]): readonly SortColumn[] {
  const columns = order.map((key) => ({
    expression: sql`${sql.ref(columnsByAttribute[key.key] ?? 'e.id')}`,
    descending: key.descending,
  }));
  if (order.some((key) => key.key === 'experiment_id')) return columns;
  return [...columns, { expression: sql`e.id`, descending: true }];
}

function conditionSql(dialect: DialectName, condition: Condition): RawBuilder<SqlBool> {
  const { entity, key, comparator } = condition;
  if (entity === 'attribute') {
    return comparisonSql(dialect, sql.ref(columnsByAttribute[key] ?? 'e.id'), condition);
  }
  const here = sql`SELECT 1 FROM experiment_tags t WHERE t.experiment_id = e.id AND t.key = ${key}`;
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (${here})`;
  if (comparator === 'IS NOT NULL') return sql<SqlBool>`EXISTS (${here})`;
  return sql<SqlBool>`EXISTS (${here} AND ${comparisonSql(dialect, sql`t.value`, condition)})`;
}
