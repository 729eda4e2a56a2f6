import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName } from '../db/index.ts';
import type { Comparator, Condition } from './expression.ts';
import { inPostgres } from './regex/index.ts';

/** Text that counts as a number; longer ones could be too great for one, which Postgres would refuse. */
export const numberPattern =
  '^ *[+-]?([0-9]{1,100}[.]?[0-9]{0,100}|[.][0-9]{1,100})([eE][+-]?[0-9]{1,2})? *$';

type Comparison = Pick<Condition, 'comparator' | 'value'>;

/**
 * The SQL of comparing a column with a condition's value, the same on both databases: LIKE is case-sensitive
 * and has no escape character, ILIKE folds ASCII case at least, text compares byte by byte, MATCHES knows the
 * documented subset of regular expressions.
 */
export function comparisonSql(
  dialect: DialectName,
  column: RawBuilder<unknown>,
  { comparator, value }: Comparison,
): RawBuilder<SqlBool> {
  if (comparator === 'IS NULL' || comparator === 'IS NOT NULL') {
    return sql<SqlBool>`${column} ${sql.raw(comparator)}`;
  }
  if (comparator.startsWith('NOT ') && comparator !== 'NOT IN') {
    const opposite = comparator.slice(4) as Comparator;
    return sql<SqlBool>`NOT ${comparisonSql(dialect, column, { comparator: opposite, value })}`;
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return sql<SqlBool>`${sql.raw(comparator === 'IN' ? '1 = 0' : '1 = 1')}`;
    return sql<SqlBool>`${column} ${sql.raw(comparator)} (${sql.join(value.map(operand))})`;
  }
  switch (comparator) {
    case 'LIKE':
      return dialect === 'postgres'
        ? sql<SqlBool>`(${column} LIKE ${value} ESCAPE '')`
        : sql<SqlBool>`(${column} LIKE ${value})`;
    case 'ILIKE':
      return dialect === 'postgres'
        ? sql<SqlBool>`(${column} ILIKE ${value} ESCAPE '')`
        : sql<SqlBool>`(lower(${column}) LIKE lower(${value}))`;
    case 'MATCHES':
      return dialect === 'postgres'
        ? sql<SqlBool>`(${column} ~ ${inPostgres(String(value))})`
        : sql<SqlBool>`(millrace_matches(${value}, ${column}) = 1)`;
    default:
      return sql<SqlBool>`${column} ${sql.raw(comparator)} ${operand(value as string | number)}`;
  }
}

/**
 * The same for a column of text that a condition may also take as a number or as true or false. Text that is no
 * number fulfils no comparison with one.
 */
export function textComparisonSql(
  dialect: DialectName,
  column: RawBuilder<unknown>,
  condition: Comparison,
): RawBuilder<SqlBool> {
  const { comparator, value } = condition;
  if (typeof value === 'boolean') {
    return sql<SqlBool>`lower(${column}) ${sql.raw(comparator)} ${String(value)}`;
  }
  const sample = Array.isArray(value) ? value[0] : value;
  return comparisonSql(dialect, typeof sample === 'number' ? numberOf(dialect, column) : column, condition);
}

function numberOf(dialect: DialectName, column: RawBuilder<unknown>): RawBuilder<unknown> {
  return dialect === 'postgres'
    ? sql`(CASE WHEN ${column} ~ ${sql.lit(numberPattern)} THEN CAST(${column} AS DOUBLE PRECISION) END)`
    : sql`millrace_number(${column})`;
}

const operand = (value: string | number) =>
  typeof value === 'number' ? sql`CAST(${value} AS DOUBLE PRECISION)` : sql`${value}`;
