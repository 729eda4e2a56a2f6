import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName, Tx } from '../../../platform/db/index.ts';
import {
  afterCondition,
  type Condition,
  comparisonSql,
  conditionsOf,
  type Expression,
  filterSql,
  type MetricStat,
  orderBySql,
  type SortColumn,
  textComparisonSql,
} from '../../../platform/search/index.ts';
import { guessDirection } from '../metric-direction.ts';
import type { LoggedModelRow } from './logged-models.ts';

export interface DatasetChoice {
  readonly name: string;
  readonly digest: string | null;
}

export interface LoggedModelOrder {
  /** An attribute's name, or `metrics.<key>`. */
  readonly field: string;
  readonly ascending: boolean;
  readonly dataset: Partial<DatasetChoice>;
}

interface LoggedModelSearch {
  /** Null: all experiments. */
  readonly experimentIds: readonly number[] | null;
  readonly filter: Expression | null;
  /** Metric conditions look only at values about one of these; without any, the model must have such a value. */
  readonly datasets: readonly DatasetChoice[];
  readonly order: readonly LoggedModelOrder[];
  readonly limit: number;
  readonly after: readonly (string | number)[] | null;
}

const columnsByAttribute: Readonly<Record<string, string>> = {
  name: 'm.name',
  model_id: 'm.id',
  model_type: 'm.model_type',
  status: 'm.status',
  source_run_id: 'm.source_run_id',
  experiment_id: 'm.experiment_id',
  creation_timestamp: 'm.created_at_ms',
  creation_time: 'm.created_at_ms',
  last_updated_timestamp: 'm.updated_at_ms',
  last_updated_time: 'm.updated_at_ms',
};

/** Whether logged models can be ordered by this attribute, in MLflow’s spelling. */
export function isLoggedModelAttribute(field: string): boolean {
  return Object.hasOwn(columnsByAttribute, field);
}

/**
 * Active logged models by filter and order, each with its sort key for the token of the next page. With
 * datasets named, metrics mean those measured on them, and models without any are left out.
 */
export async function searchLoggedModelRows(
  tx: Tx,
  dialect: DialectName,
  search: LoggedModelSearch,
): Promise<readonly (LoggedModelRow & { readonly sort: readonly (string | number)[] })[]> {
  if (search.experimentIds?.length === 0) return [];
  const joins: RawBuilder<unknown>[] = [];
  const columns = loggedModelSortColumns(search.order, joins);
  const hasMetricCondition = conditionsOf(search.filter).some((c) => c.entity === 'metric');
  const where = [
    sql<SqlBool>`m.lifecycle_stage = 'active'`,
    ...(search.experimentIds ? [sql<SqlBool>`m.experiment_id IN (${sql.join(search.experimentIds)})`] : []),
    ...(search.filter ? [filterSql(search.filter, (c) => conditionSql(dialect, c, search.datasets))] : []),
    ...(search.datasets.length > 0 && !hasMetricCondition
      ? [
          sql<SqlBool>`EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model_id = m.id${about(search.datasets)})`,
        ]
      : []),
    ...(search.after ? [afterCondition(columns, search.after)] : []),
  ];
  const sortList = columns.map((c, i) => sql`${c.expression} AS ${sql.ref(`sort_${i}`)}`);
  const { rows } = await sql<LoggedModelRow & Record<string, string | number>>`
    SELECT m.*, ${sql.join(sortList)} FROM logged_models m ${sql.join(joins, sql` `)}
    WHERE ${sql.join(where, sql` AND `)} ORDER BY ${orderBySql(columns)} LIMIT ${search.limit}`.execute(tx);
  return rows.map((row) => ({ ...row, sort: columns.map((_, i) => row[`sort_${i}`] ?? 0) }));
}

/** The columns of an order, and the joins that they need. */
export function loggedModelSortColumns(
  order: readonly LoggedModelOrder[],
  joins: RawBuilder<unknown>[] = [],
): readonly SortColumn[] {
  const columns: SortColumn[] = [];
  const named = new Set<string>();
  order.forEach((key, i) => {
    const column = columnsByAttribute[key.field];
    const alias = sql.ref(`o${i}`);
    if (!column) joins.push(latestMetric(key, alias));
    const value = column ? sql`${sql.ref(column)}` : sql`${alias}.value`;
    const isText = column !== undefined && !/_ms$|experiment_id$/.test(column);
    const missing = sql`CASE WHEN ${value} IS NULL THEN 1 ELSE 0 END`;
    columns.push({ expression: missing, descending: false, type: 'integer' });
    columns.push({
      expression: isText ? sql`coalesce(${value}, '')` : sql`coalesce(${value}, 0)`,
      descending: !key.ascending,
      type: isText ? 'text' : column ? 'integer' : 'real',
    });
    if (column) named.add(column);
  });
  if (!named.has('m.created_at_ms')) {
    columns.push({ expression: sql`m.created_at_ms`, descending: true, type: 'integer' });
  }
  if (!named.has('m.id')) columns.push({ expression: sql`m.id`, descending: false, type: 'text' });
  return columns;
}

/** The newest value of a metric per model. */
function latestMetric(key: LoggedModelOrder, alias: RawBuilder<unknown>): RawBuilder<unknown> {
  const { name, digest } = key.dataset;
  const dataset = [
    ...(name ? [sql` AND dataset_name = ${name}`] : []),
    ...(digest ? [sql` AND dataset_digest = ${digest}`] : []),
  ];
  return sql`LEFT JOIN (
    SELECT model_id, value, row_number() OVER (PARTITION BY model_id ORDER BY time_ms DESC, step DESC, run_id) AS place
    FROM logged_model_metrics WHERE key = ${key.field.replace(/^metrics\./, '')}${sql.join(dataset, sql``)}
  ) ${alias} ON ${alias}.model_id = m.id AND ${alias}.place = 1`;
}

function about(datasets: readonly DatasetChoice[]): RawBuilder<unknown> {
  if (datasets.length === 0) return sql``;
  const choices = datasets.map((d) =>
    d.digest === null
      ? sql`x.dataset_name = ${d.name}`
      : sql`(x.dataset_name = ${d.name} AND x.dataset_digest = ${d.digest})`,
  );
  return sql` AND (${sql.join(choices, sql` OR `)})`;
}

function conditionSql(
  dialect: DialectName,
  condition: Condition,
  datasets: readonly DatasetChoice[],
): RawBuilder<SqlBool> {
  const { entity, key, comparator, stat } = condition;
  if (entity === 'attribute') {
    const column = sql.ref(columnsByAttribute[key] ?? 'm.id');
    return comparisonSql(dialect, key === 'experiment_id' ? sql`CAST(${column} AS TEXT)` : column, condition);
  }
  const isMetric = entity === 'metric';
  const table = isMetric
    ? sql`logged_model_metrics`
    : entity === 'tag'
      ? sql`logged_model_tags`
      : sql`logged_model_params`;
  const here = sql`FROM ${table} x WHERE x.model_id = m.id AND x.key = ${key}${isMetric ? about(datasets) : sql``}`;
  if (stat) return comparisonSql(dialect, sql`(SELECT ${statSql(key, stat)} ${here})`, condition);
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (SELECT 1 ${here})`;
  if (comparator === 'IS NOT NULL') return sql<SqlBool>`EXISTS (SELECT 1 ${here})`;
  const compared = isMetric
    ? comparisonSql(dialect, sql`x.value`, condition)
    : textComparisonSql(dialect, sql`x.value`, condition);
  return sql<SqlBool>`EXISTS (SELECT 1 ${here} AND ${compared})`;
}

/** A statistic of all values of a metric of a model; its first and last value are those by time. */
function statSql(key: string, stat: MetricStat): RawBuilder<unknown> {
  switch (stat) {
    case 'count':
      return sql`CAST(count(*) AS DOUBLE PRECISION)`;
    case 'mean':
      return sql`avg(x.value)`;
    case 'min':
      return sql`min(x.value)`;
    case 'max':
      return sql`max(x.value)`;
    case 'best':
      return guessDirection(key) === 'minimize' ? sql`min(x.value)` : sql`max(x.value)`;
    default: {
      const edge = stat === 'first' ? sql`min(y.time_ms)` : sql`max(y.time_ms)`;
      return sql`max(CASE WHEN x.time_ms = (SELECT ${edge} FROM logged_model_metrics y
        WHERE y.model_id = m.id AND y.key = ${key}) THEN x.value END)`;
    }
  }
}
