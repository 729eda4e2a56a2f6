import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName, Tx } from '../../../platform/db/index.ts';
import {
  afterCondition,
  type Condition,
  comparisonSql,
  type Expression,
  filterSql,
  type OrderKey,
  orderBySql,
  type SortColumn,
  textComparisonSql,
} from '../../../platform/search/index.ts';
import type { LifecycleStage } from '../contract.ts';
import type { ExperimentRecord } from '../records.ts';
import { withTags } from './experiments.ts';

interface ExperimentSearch {
  readonly stages: readonly LifecycleStage[];
  readonly filter: Expression | null;
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
  const joins: RawBuilder<unknown>[] = [];
  const columns = experimentSortColumns(search.order, joins);
  const where = [
    ...conditionsSql(dialect, search),
    ...(search.after ? [afterCondition(columns, search.after)] : []),
  ];
  const sortList = columns.map((c, i) => sql`${c.expression} AS ${sql.ref(`sort_${i}`)}`);
  const { rows } = await sql<Parameters<typeof withTags>[1][number] & Record<string, string | number>>`
    SELECT e.*, ${sql.join(sortList)} FROM experiments e ${sql.join(joins, sql` `)}
    WHERE ${sql.join(where, sql` AND `)} ORDER BY ${orderBySql(columns)} LIMIT ${search.limit}`.execute(tx);
  const records = await withTags(tx, rows);
  return records.map((experiment, i) => ({
    experiment,
    sort: columns.map((_, j) => rows[i]?.[`sort_${j}`] ?? 0),
  }));
}

/** How many experiments fulfil the filter. */
export async function countExperimentRows(
  tx: Tx,
  dialect: DialectName,
  search: Pick<ExperimentSearch, 'stages' | 'filter'>,
): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM experiments e
    WHERE ${sql.join(conditionsSql(dialect, search), sql` AND `)}`.execute(tx);
  return rows[0]?.n ?? 0;
}

function conditionsSql(
  dialect: DialectName,
  { stages, filter }: Pick<ExperimentSearch, 'stages' | 'filter'>,
): readonly RawBuilder<SqlBool>[] {
  return [
    sql<SqlBool>`e.lifecycle_stage IN (${sql.join(stages)})`,
    ...(filter ? [filterSql(filter, (c) => conditionSql(dialect, c))] : []),
  ];
}

/** The columns of an order. An experiment that lacks a tag comes last in both directions. */
export function experimentSortColumns(
  order: readonly OrderKey[],
  joins: RawBuilder<unknown>[] = [],
): readonly SortColumn[] {
  const columns = order.flatMap((key, i): SortColumn[] => {
    const { descending } = key;
    if (key.entity === 'attribute') {
      const type = key.key === 'name' ? ('text' as const) : ('integer' as const);
      return [{ expression: sql`${sql.ref(columnsByAttribute[key.key] ?? 'e.id')}`, descending, type }];
    }
    const alias = sql.ref(`o${i}`);
    joins.push(
      sql`LEFT JOIN experiment_tags ${alias} ON ${alias}.experiment_id = e.id AND ${alias}.key = ${key.key}`,
    );
    const missing = sql`CASE WHEN ${alias}.key IS NULL THEN 1 ELSE 0 END`;
    return [
      { expression: missing, descending: false, type: 'integer' },
      { expression: sql`coalesce(${alias}.value, '')`, descending, type: 'text' },
    ];
  });
  if (order.some((key) => key.entity === 'attribute' && key.key === 'experiment_id')) return columns;
  return [...columns, { expression: sql`e.id`, descending: true, type: 'integer' }];
}

function conditionSql(dialect: DialectName, condition: Condition): RawBuilder<SqlBool> {
  const { entity, key, comparator } = condition;
  if (entity === 'attribute') {
    // Ids are numbers here, and text where they are searched as such.
    const isText = key === 'experiment_id' && typeof condition.value !== 'number' && !isNumberList(condition);
    const column = isText ? sql`CAST(e.id AS TEXT)` : sql.ref(columnsByAttribute[key] ?? 'e.id');
    return comparisonSql(dialect, column, condition);
  }
  const here = sql`SELECT 1 FROM experiment_tags t WHERE t.experiment_id = e.id AND t.key = ${key}`;
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (${here})`;
  if (comparator === 'IS NOT NULL') return sql<SqlBool>`EXISTS (${here})`;
  return sql<SqlBool>`EXISTS (${here} AND ${textComparisonSql(dialect, sql`t.value`, condition)})`;
}

function isNumberList({ value }: Condition): boolean {
  return Array.isArray(value) && typeof value[0] === 'number';
}
