import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName, Tx } from '../../../../platform/db/index.ts';
import {
  afterCondition,
  comparisonSql,
  orderBySql,
  type SortColumn,
} from '../../../../platform/search/index.ts';
import type { TraceCondition, TraceOrder } from '../filter.ts';
import { traceKeys } from '../records.ts';
import type { TraceRow } from './tables.ts';

interface TraceSearch {
  readonly experimentIds: readonly number[] | null;
  readonly conditions: readonly TraceCondition[];
  readonly order: readonly TraceOrder[];
  readonly limit: number;
  readonly after: readonly (string | number)[] | null;
}

const columns: Readonly<Record<string, RawBuilder<unknown>>> = {
  request_id: sql`t.id`,
  experiment_id: sql`t.experiment_id`,
  timestamp_ms: sql`t.start_time_ms`,
  execution_time_ms: sql`t.duration_ms`,
  end_time_ms: sql`(t.start_time_ms + coalesce(t.duration_ms, 0))`,
  status: sql`t.state`,
  client_request_id: sql`t.client_request_id`,
};
const columnOf = (key: string): RawBuilder<unknown> => columns[key] ?? sql`t.id`;

/** Traces that fulfil all conditions, each with its sort columns; newest first unless told otherwise. */
export async function searchTraceRows(
  tx: Tx,
  dialect: DialectName,
  search: TraceSearch,
): Promise<readonly (TraceRow & { readonly sort: readonly (string | number)[] })[]> {
  const joins: RawBuilder<unknown>[] = [];
  const sortColumns = traceSortColumns(search.order, joins);
  const where = [
    ...(search.experimentIds
      ? [sql<SqlBool>`t.experiment_id IN (${sql.join([...search.experimentIds, -1])})`]
      : []),
    ...search.conditions.map((c) => conditionSql(dialect, c)),
    ...(search.after ? [afterCondition(sortColumns, search.after)] : []),
    sql<SqlBool>`1 = 1`,
  ];
  const sortList = sortColumns.map((c, i) => sql`${c.expression} AS ${sql.ref(`sort_${i}`)}`);
  const { rows } = await sql<TraceRow & Record<string, string | number>>`
    SELECT t.*, ${sql.join(sortList)} FROM traces t ${sql.join(joins, sql` `)}
    WHERE ${sql.join(where, sql` AND `)}
    ORDER BY ${orderBySql(sortColumns)} LIMIT ${search.limit}`.execute(tx);
  return rows.map((row) => ({ ...row, sort: sortColumns.map((_, i) => row[`sort_${i}`] ?? 0) }));
}

/** The columns of an order, which are what its page tokens hold, and the joins that they need. */
export function traceSortColumns(
  order: readonly TraceOrder[],
  joins: RawBuilder<unknown>[] = [],
): readonly SortColumn[] {
  const found: SortColumn[] = order.flatMap(({ entity, key, descending }, i): SortColumn[] => {
    const type = entity === 'attribute' && key !== 'status' && key !== 'request_id' ? 'integer' : 'text';
    if (entity === 'attribute' && key !== 'execution_time_ms')
      return [{ expression: columnOf(key), descending, type }];
    let value: RawBuilder<unknown> = sql`t.duration_ms`;
    if (entity !== 'attribute') {
      const alias = sql.ref(`o${i}`);
      const table = entity === 'tag' ? sql`trace_tags` : sql`trace_metadata`;
      joins.push(sql`LEFT JOIN ${table} ${alias} ON ${alias}.trace_id = t.id AND ${alias}.key = ${key}`);
      value = sql`${alias}.value`;
    }
    const empty = entity === 'attribute' ? sql`0` : sql`''`;
    const missing = sql`CASE WHEN ${value} IS NULL THEN 1 ELSE 0 END`;
    return [
      { expression: missing, descending: false, type: 'integer' },
      { expression: sql`coalesce(${value}, ${empty})`, descending, type },
    ];
  });
  const named = new Set(order.filter((k) => k.entity === 'attribute').map((k) => k.key));
  if (!named.has('timestamp_ms')) {
    found.push({ expression: sql`t.start_time_ms`, descending: true, type: 'integer' });
  }
  if (!named.has('request_id')) found.push({ expression: sql`t.id`, descending: false, type: 'text' });
  return found;
}

function conditionSql(dialect: DialectName, condition: TraceCondition): RawBuilder<SqlBool> {
  const { entity, key, comparator, value } = condition;
  switch (entity) {
    case 'attribute':
      return attributeSql(dialect, condition);
    case 'issue':
      return sql<SqlBool>`EXISTS (SELECT 1 FROM trace_assessments a
        WHERE a.trace_id = t.id AND a.kind = 'issue' AND a.name = ${value})`;
    case 'feedback':
    case 'expectation':
      return assessmentSql(dialect, condition);
    case 'span':
      return sql<SqlBool>`EXISTS (SELECT 1 FROM trace_spans s WHERE s.trace_id = t.id AND ${spanSql(dialect, condition)})`;
    default:
      break;
  }
  if (key === traceKeys.sourceRun && entity === 'metadata' && comparator === '=') {
    return sql<SqlBool>`EXISTS (SELECT 1 FROM trace_runs r WHERE r.run_id = ${value} AND r.trace_id = t.id)`;
  }
  if (key === traceKeys.linkedPrompts && entity === 'tag') {
    return sql<SqlBool>`EXISTS (SELECT 1 FROM trace_prompts p WHERE p.prompt = ${value} AND p.trace_id = t.id)`;
  }
  const table = entity === 'tag' ? sql`trace_tags` : sql`trace_metadata`;
  const here = sql`SELECT 1 FROM ${table} p WHERE p.trace_id = t.id AND p.key = ${key}`;
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (${here})`;
  if (comparator === 'IS NOT NULL') return sql<SqlBool>`EXISTS (${here})`;
  return sql<SqlBool>`EXISTS (${here} AND ${compared(dialect, sql`p.value`, condition)})`;
}

function attributeSql(dialect: DialectName, condition: TraceCondition): RawBuilder<SqlBool> {
  const { key, value } = condition;
  const isNumeric = key.endsWith('_ms');
  if (isNumeric && typeof value === 'string') {
    // As in SQLite, where every text is greater than every number.
    const number = Number(value);
    if (value === '' || Number.isNaN(number)) {
      return ['<', '<=', '!='].includes(condition.comparator) ? sql<SqlBool>`1 = 1` : sql<SqlBool>`1 = 0`;
    }
    return compared(dialect, columnOf(key), { ...condition, value: number });
  }
  return compared(dialect, columnOf(key), condition);
}

function spanSql(dialect: DialectName, condition: TraceCondition): RawBuilder<SqlBool> {
  const { key, comparator, value } = condition;
  if (!key.startsWith('attributes.')) return compared(dialect, sql.ref(`s.${key}`), condition);
  const attribute = JSON.stringify(key.slice('attributes.'.length).replace(/^`(.*)`$/, '$1'));
  const texts = Array.isArray(value) ? (value as readonly string[]) : [String(value)];
  if (comparator === 'LIKE' || comparator === 'ILIKE') {
    return compared(dialect, sql`s.content`, { ...condition, value: `%${attribute}${texts[0]}%` });
  }
  if (comparator === 'RLIKE') {
    return regularSql(dialect, sql`s.content`, `${attribute}: ${attributePattern(texts[0] ?? '')}`);
  }
  // The value stands as JSON inside a JSON string.
  const position = dialect === 'postgres' ? sql`strpos` : sql`instr`;
  const found = texts.map((text) => {
    const needle = `${attribute}: ${JSON.stringify(JSON.stringify(text))}`;
    return sql<SqlBool>`${position}(s.content, ${needle}) > 0`;
  });
  const any = sql<SqlBool>`(${sql.join(found, sql` OR `)})`;
  return comparator === '!=' || comparator === 'NOT IN' ? sql<SqlBool>`NOT ${any}` : any;
}

function attributePattern(pattern: string): string {
  const start = pattern.startsWith('^') ? `"\\\\"${pattern.slice(1)}` : `"\\\\".*${pattern}`;
  return start.endsWith('$') ? `${start.slice(0, -1)}\\\\"` : start;
}

function assessmentSql(dialect: DialectName, condition: TraceCondition): RawBuilder<SqlBool> {
  const { entity, key, comparator, value } = condition;
  const here = sql`SELECT 1 FROM trace_assessments a
    WHERE a.trace_id = t.id AND a.kind = ${entity} AND a.name = ${key} AND a.is_valid = 1`;
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (${here})`;
  if (comparator === 'IS NOT NULL') return sql<SqlBool>`EXISTS (${here})`;
  if (typeof value === 'number') {
    return sql<SqlBool>`EXISTS (${here} AND ${compared(dialect, sql`a.number`, condition)})`;
  }
  if (comparator === '=' || comparator === '!=') {
    const not = comparator === '=' ? sql`` : sql`NOT `;
    return sql<SqlBool>`EXISTS (${here} AND a.value ${not}IN (${value}, ${JSON.stringify(value)}))`;
  }
  return sql<SqlBool>`EXISTS (${here} AND ${compared(dialect, sql`a.value`, condition)})`;
}

function compared(
  dialect: DialectName,
  column: RawBuilder<unknown>,
  condition: Pick<TraceCondition, 'comparator' | 'value'>,
): RawBuilder<SqlBool> {
  if (condition.comparator === 'RLIKE') return regularSql(dialect, column, String(condition.value));
  return comparisonSql(dialect, column, condition as Parameters<typeof comparisonSql>[2]);
}

function regularSql(dialect: DialectName, column: RawBuilder<unknown>, pattern: string): RawBuilder<SqlBool> {
  return comparisonSql(dialect, column, { comparator: 'MATCHES', value: pattern });
}
