import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName } from '../db/index.ts';
import type { Condition } from './grammar.ts';

/**
 * The SQL of comparing a column with a condition's value, the same on both databases: LIKE is case-sensitive
 * and has no escape character, ILIKE folds ASCII case at least, text compares byte by byte.
 */
export function comparisonSql(
  dialect: DialectName,
  column: RawBuilder<unknown>,
  condition: Pick<Condition, 'comparator' | 'value'>,
): RawBuilder<SqlBool> {
  const { comparator, value } = condition;
  if (Array.isArray(value)) {
    return sql<SqlBool>`${column} ${sql.raw(comparator)} (${sql.join(value)})`;
  }
  if (comparator === 'LIKE') {
    return dialect === 'postgres'
      ? sql<SqlBool>`${column} LIKE ${value} ESCAPE ''`
      : sql<SqlBool>`${column} LIKE ${value}`;
  }
  if (comparator === 'ILIKE') {
    return dialect === 'postgres'
      ? sql<SqlBool>`${column} ILIKE ${value} ESCAPE ''`
      : sql<SqlBool>`lower(${column}) LIKE lower(${value})`;
  }
  const operand = typeof value === 'number' ? sql`CAST(${value} AS DOUBLE PRECISION)` : sql`${value}`;
  return sql<SqlBool>`${column} ${sql.raw(comparator)} ${operand}`;
}

/** Text in byte order, whatever the collation of the database. */
export function byteOrder(dialect: DialectName, column: RawBuilder<unknown>): RawBuilder<unknown> {
  return dialect === 'postgres' ? sql`${column} COLLATE "C"` : column;
}
