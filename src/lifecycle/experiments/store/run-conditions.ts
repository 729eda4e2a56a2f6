import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName } from '../../../platform/db/index.ts';
import {
  type Condition,
  comparisonSql,
  type MetricStat,
  textComparisonSql,
} from '../../../platform/search/index.ts';
import { guessDirection } from '../metric-direction.ts';

/** Which experiments a search looks at; null: all. */
export type ExperimentScope = readonly number[] | null;

const attributeColumns: Readonly<Record<string, RawBuilder<unknown>>> = {
  artifact_uri: sql`r.artifact_uri`,
  duration: sql`(r.end_time_ms - r.start_time_ms)`,
  end_time: sql`r.end_time_ms`,
  experiment_id: sql`CAST(r.experiment_id AS TEXT)`,
  run_id: sql`r.id`,
  run_name: sql`r.name`,
  start_time: sql`r.start_time_ms`,
  status: sql`r.status`,
  mlflow_status: sql`CASE r.status WHEN 'LOST' THEN 'FAILED' ELSE r.status END`,
  user_id: sql`r.user_id`,
};

/** The column of a run's own field, and whether it is a number. */
export function attributeColumn(key: string): {
  readonly sql: RawBuilder<unknown>;
  readonly isNumber: boolean;
} {
  const column = attributeColumns[key];
  if (column === undefined) throw new Error(`runs have no attribute ${key}`);
  return { sql: column, isNumber: key.endsWith('_time') || key === 'duration' };
}

/** The condition that something of `metric_series` belongs to these experiments. */
export function inExperiments(column: RawBuilder<unknown>, scope: ExperimentScope): RawBuilder<SqlBool> {
  return scope === null
    ? sql<SqlBool>`${column} IN (SELECT id FROM experiments)`
    : sql<SqlBool>`${column} IN (${sql.join(scope)})`;
}

/** A metric's statistic in a row `s` of `metric_series` of the run `r`; NULL where the metric has none. */
export function statColumn(series: RawBuilder<unknown>, key: string, stat: MetricStat): RawBuilder<unknown> {
  switch (stat) {
    case 'last':
      return sql`CASE WHEN ${series}.last_is_nan = 0 THEN ${series}.last_value END`;
    case 'first':
      return sql`CASE WHEN ${series}.first_is_nan = 0 THEN ${series}.first_value END`;
    case 'min':
      return sql`${series}.min_value`;
    case 'max':
      return sql`${series}.max_value`;
    case 'mean':
      return sql`${series}.mean_value`;
    case 'count':
      return sql`CAST(${series}.count AS DOUBLE PRECISION)`;
    case 'best':
      return sql`CASE coalesce(
        (SELECT d.direction FROM metric_directions d WHERE d.experiment_id = r.experiment_id AND d.key = ${key}),
        ${guessDirection(key)}) WHEN 'minimize' THEN ${series}.min_value ELSE ${series}.max_value END`;
  }
}

/** The SQL of a condition about the run `r`. */
export function runConditionSql(
  dialect: DialectName,
  condition: Condition,
  scope: ExperimentScope,
): RawBuilder<SqlBool> {
  switch (condition.entity) {
    case 'attribute':
      return comparisonSql(dialect, attributeColumn(condition.key).sql, condition);
    case 'metric':
      return metricCondition(dialect, condition, scope);
    case 'dataset':
      return datasetCondition(dialect, condition);
    default:
      return textCondition(dialect, condition);
  }
}

function metricCondition(
  dialect: DialectName,
  condition: Condition,
  scope: ExperimentScope,
): RawBuilder<SqlBool> {
  const { key, comparator, stat = 'last' } = condition;
  const s = sql.ref('s');
  const here = sql`SELECT 1 FROM metric_series s WHERE s.run_seq = r.seq AND s.key = ${key} AND s.count > 0`;
  if (stat !== 'last') {
    const value = statColumn(s, key, stat);
    if (comparator === 'IS NULL') {
      return sql<SqlBool>`NOT EXISTS (${here} AND ${value} IS NOT NULL)`;
    }
    return sql<SqlBool>`EXISTS (${here} AND ${comparisonSql(dialect, value, condition)})`;
  }
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (${here})`;
  if (comparator === 'IS NOT NULL') return sql<SqlBool>`EXISTS (${here})`;
  const compared = comparisonSql(dialect, sql`s.last_value`, condition);
  // NaN is stored as 0 with a flag; it differs from every number and is otherwise incomparable.
  const differs = comparator === '!=' || comparator === 'NOT IN';
  const value = differs ? sql`(s.last_is_nan = 1 OR ${compared})` : sql`s.last_is_nan = 0 AND ${compared}`;
  // By the index of values: a run of which none fulfils the condition is not even looked at.
  return sql<SqlBool>`r.seq IN (SELECT s.run_seq FROM metric_series s
    WHERE ${inExperiments(sql`s.experiment_id`, scope)} AND s.key = ${key} AND s.count > 0 AND ${value})`;
}

function textCondition(dialect: DialectName, condition: Condition): RawBuilder<SqlBool> {
  const { entity, key, comparator } = condition;
  const table = entity === 'tag' ? sql`run_tags` : sql`run_params`;
  const here = sql`SELECT 1 FROM ${table} t WHERE t.run_seq = r.seq AND t.key = ${key}`;
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (${here})`;
  if (comparator === 'IS NOT NULL') return sql<SqlBool>`EXISTS (${here})`;
  return sql<SqlBool>`EXISTS (${here} AND ${textComparisonSql(dialect, sql`t.value`, condition)})`;
}

function datasetCondition(dialect: DialectName, condition: Condition): RawBuilder<SqlBool> {
  const { key, comparator } = condition;
  const [here, column] =
    key === 'context'
      ? [
          sql`SELECT 1 FROM run_dataset_tags t WHERE t.run_seq = r.seq AND t.key = 'mlflow.data.context'`,
          sql`t.value`,
        ]
      : [
          sql`SELECT 1 FROM run_datasets l JOIN input_datasets d ON d.id = l.dataset_id WHERE l.run_seq = r.seq`,
          sql`d.${sql.raw(key === 'name' ? 'name' : 'digest')}`,
        ];
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (${here})`;
  return sql<SqlBool>`EXISTS (${here} AND ${comparisonSql(dialect, column, condition)})`;
}
