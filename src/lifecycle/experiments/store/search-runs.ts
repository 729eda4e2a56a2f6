import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName, Tx } from '../../../platform/db/index.ts';
import {
  afterCondition,
  type Expression,
  filterSql,
  type OrderKey,
  orderBySql,
  type SortColumn,
} from '../../../platform/search/index.ts';
import type { LifecycleStage } from '../contract.ts';
import {
  attributeColumn,
  type ExperimentScope,
  inExperiments,
  runConditionSql,
  statColumn,
} from './run-conditions.ts';
import type { RunRow } from './runs.ts';

export interface RunSearch {
  readonly experimentIds: ExperimentScope;
  readonly stages: readonly LifecycleStage[];
  readonly filter: Expression | null;
  readonly order: readonly OrderKey[];
  readonly limit: number;
  /** The sort columns of the last row of the page before. */
  readonly after: readonly (string | number)[] | null;
}

/** These columns of a run, and what it is ordered by. */
type FoundRun<K extends keyof RunRow> = Pick<RunRow, K> & {
  readonly sort: readonly (string | number)[];
};

/** Where a query takes its runs from, in which order, and which of them. */
interface Source {
  readonly from: RawBuilder<unknown>;
  readonly where: readonly RawBuilder<SqlBool>[];
  readonly columns: readonly SortColumn[];
}

/**
 * Runs that fulfil the filter, in order: missing values last in both directions, then newest first, id.
 *
 * @param wanted the columns that are read of them; `*` for all
 */
export async function searchRunRows<K extends keyof RunRow>(
  tx: Tx,
  dialect: DialectName,
  search: RunSearch,
  wanted: readonly K[] | '*',
): Promise<readonly FoundRun<K>[]> {
  if (search.experimentIds?.length === 0) return [];
  const [first] = search.order;
  if (first?.entity === 'metric' && (first.stat ?? 'last') === 'last') {
    return searchByMetric(tx, dialect, search, wanted, first.key);
  }
  const joins: RawBuilder<unknown>[] = [];
  const columns = runSortColumns(search.order, joins);
  const from = sql`runs r ${sql.join(joins, sql` `)}`;
  const where = search.after ? [sql<SqlBool>`${afterCondition(columns, search.after)}`] : [];
  return found(tx, dialect, search, wanted, { from, where, columns }, search.limit);
}

/** How many runs fulfil the filter. */
export async function countRunRows(
  tx: Tx,
  dialect: DialectName,
  search: Pick<RunSearch, 'experimentIds' | 'stages' | 'filter'>,
): Promise<number> {
  if (search.experimentIds?.length === 0) return 0;
  const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM runs r
    WHERE ${sql.join(conditionsSql(dialect, search), sql` AND `)}`.execute(tx);
  return rows[0]?.n ?? 0;
}

/**
 * Ordered by a metric: the index of its values gives the runs in that order, so only those of the page are
 * read. Three searches in turn, each started only when the one before did not fill the page: runs with a
 * number, with NaN, without the metric. The first two sort columns are as in any other order.
 */
async function searchByMetric<K extends keyof RunRow>(
  tx: Tx,
  dialect: DialectName,
  search: RunSearch,
  wanted: readonly K[] | '*',
  key: string,
): Promise<readonly FoundRun<K>[]> {
  const rows: FoundRun<K>[] = [];
  for (let phase = Number(search.after?.[0] ?? 0); phase <= 2 && rows.length < search.limit; phase++) {
    const joins: RawBuilder<unknown>[] = [];
    const [, value, ...others] = runSortColumns(search.order, joins);
    const constant = (n: number): SortColumn => ({
      expression: sql`${sql.lit(n)}`,
      descending: false,
      type: 'integer',
    });
    const head = phase === 0 && value ? { ...value, expression: sql`o0.last_value` } : constant(0);
    const columns = [constant(phase), head, ...others];
    const isResumed = search.after && search.after[0] === phase;
    const significant = phase === 0 ? 1 : 2;
    const where = [
      ...seriesCondition(search.experimentIds, key, phase),
      ...(isResumed && search.after
        ? [sql<SqlBool>`${afterCondition(columns.slice(significant), search.after.slice(significant))}`]
        : []),
    ];
    const rest = sql.join(joins.slice(1), sql` `);
    const from = phase === 2 ? sql`runs r ${rest}` : sql`metric_series o0 CROSS JOIN runs r ${rest}`;
    const source = { from, where, columns };
    const limit = search.limit - rows.length;
    rows.push(...(await found(tx, dialect, search, wanted, source, limit, significant)));
  }
  return rows;
}

function seriesCondition(scope: ExperimentScope, key: string, phase: number): readonly RawBuilder<SqlBool>[] {
  if (phase === 2) {
    return [
      sql<SqlBool>`r.seq NOT IN (SELECT x.run_seq FROM metric_series x
        WHERE ${inExperiments(sql`x.experiment_id`, scope)} AND x.key = ${key} AND x.count > 0)`,
    ];
  }
  return [
    sql<SqlBool>`r.seq = o0.run_seq AND o0.key = ${key} AND o0.count > 0 AND o0.last_is_nan = ${sql.lit(phase)}`,
    inExperiments(sql`o0.experiment_id`, scope),
  ];
}

/** @param significant the columns before are the same in all rows, and not ordered by */
async function found<K extends keyof RunRow>(
  tx: Tx,
  dialect: DialectName,
  search: RunSearch,
  wanted: readonly K[] | '*',
  { from, where, columns }: Source,
  limit: number,
  significant = 0,
): Promise<readonly FoundRun<K>[]> {
  const list = wanted === '*' ? sql`r.*` : sql.join(wanted.map((name) => sql.ref(`r.${name}`)));
  const sortList = columns.map((c, i) => sql`${c.expression} AS ${sql.ref(`sort_${i}`)}`);
  const { rows } = await sql<Pick<RunRow, K> & Record<string, string | number>>`
    SELECT ${list}, ${sql.join(sortList)} FROM ${from}
    WHERE ${sql.join([...conditionsSql(dialect, search), ...where], sql` AND `)}
    ORDER BY ${orderBySql(columns.slice(significant))} LIMIT ${limit}`.execute(tx);
  // The rows are ours alone, and copying a thousand of them costs as much as a query.
  return rows.map((row) => Object.assign(row, { sort: columns.map((_, i) => row[`sort_${i}`] ?? 0) }));
}

function conditionsSql(
  dialect: DialectName,
  { experimentIds, stages, filter }: Pick<RunSearch, 'experimentIds' | 'stages' | 'filter'>,
): readonly RawBuilder<SqlBool>[] {
  return [
    ...(experimentIds ? [sql<SqlBool>`r.experiment_id IN (${sql.join(experimentIds)})`] : []),
    sql<SqlBool>`r.lifecycle_stage IN (${sql.join(stages)})`,
    ...(filter ? [filterSql(filter, (c) => runConditionSql(dialect, c, experimentIds))] : []),
  ];
}

/** The columns of an order, and the joins that they need: one per key that is no attribute. */
export function runSortColumns(
  order: readonly OrderKey[],
  joins: RawBuilder<unknown>[] = [],
): readonly SortColumn[] {
  const columns: SortColumn[] = [];
  order.forEach((key, i) => {
    const { value, missing, type } = sortValue(key, sql.ref(`o${i}`), joins);
    const empty = type === 'text' ? sql`''` : sql`0`;
    columns.push({ expression: missing, descending: false, type: 'integer' });
    columns.push({ expression: sql`coalesce(${value}, ${empty})`, descending: key.descending, type });
  });
  if (!order.some((k) => k.entity === 'attribute' && k.key === 'start_time')) {
    columns.push({ expression: sql`r.start_time_ms`, descending: true, type: 'integer' });
  }
  columns.push({ expression: sql`r.id`, descending: false, type: 'text' });
  return columns;
}

function sortValue(key: OrderKey, alias: RawBuilder<unknown>, joins: RawBuilder<unknown>[]) {
  if (key.entity === 'attribute') {
    const { sql: value, isNumber } = attributeColumn(key.key);
    const type = isNumber ? ('integer' as const) : ('text' as const);
    return { value, missing: sql`CASE WHEN ${value} IS NULL THEN 1 ELSE 0 END`, type };
  }
  if (key.entity === 'metric') {
    joins.push(
      sql`LEFT JOIN metric_series ${alias} ON ${alias}.run_seq = r.seq AND ${alias}.key = ${key.key} AND ${alias}.count > 0`,
    );
    const value = statColumn(alias, key.key, key.stat ?? 'last');
    const missing = sql`CASE WHEN ${alias}.id IS NULL THEN 2 WHEN (${value}) IS NULL THEN 1 ELSE 0 END`;
    return { value, missing, type: 'real' as const };
  }
  const table = key.entity === 'tag' ? sql`run_tags` : sql`run_params`;
  joins.push(sql`LEFT JOIN ${table} ${alias} ON ${alias}.run_seq = r.seq AND ${alias}.key = ${key.key}`);
  return {
    value: sql`${alias}.value`,
    missing: sql`CASE WHEN ${alias}.key IS NULL THEN 1 ELSE 0 END`,
    type: 'text' as const,
  };
}
