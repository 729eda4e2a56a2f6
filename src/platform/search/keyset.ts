import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';
import { fail } from '../../core/errors.ts';

/** A column that a list is ordered by. It must never be NULL (coalesce, with a flag column before it). */
export interface SortColumn {
  readonly expression: RawBuilder<unknown>;
  readonly descending: boolean;
}

type TokenValue = string | number;

/** Makes the token of the page that starts after a row: its sort columns, opaque to callers. */
export function pageToken(values: readonly TokenValue[]): string {
  return Buffer.from(JSON.stringify({ after: values })).toString('base64');
}

/** Reads a page token of a list with so many sort columns. Throws `invalid_page_token`. */
export function readPageToken(token: string, columns: number): readonly TokenValue[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
    const values = (parsed as { after?: unknown } | null)?.after;
    const isValue = (v: unknown): boolean => typeof v === 'string' || typeof v === 'number';
    if (Array.isArray(values) && values.length === columns && values.every(isValue))
      return values as TokenValue[];
  } catch {
    // Falls through to the error below.
  }
  throw fail('invalid_page_token', { value: token });
}

/** The condition that a row comes after the given values in this order. */
export function afterCondition(
  columns: readonly SortColumn[],
  values: readonly TokenValue[],
): Expression<SqlBool> {
  const alternatives = columns.map((column, i) => {
    const equal = columns.slice(0, i).map((c, j) => sql`${c.expression} = ${values[j]}`);
    const beyond = column.descending
      ? sql`${column.expression} < ${values[i]}`
      : sql`${column.expression} > ${values[i]}`;
    return sql`(${sql.join([...equal, beyond], sql` AND `)})`;
  });
  return sql<SqlBool>`(${sql.join(alternatives, sql` OR `)})`;
}

/** The ORDER BY list of these columns. */
export function orderBySql(columns: readonly SortColumn[]): RawBuilder<unknown> {
  return sql.join(columns.map((c) => (c.descending ? sql`${c.expression} DESC` : sql`${c.expression} ASC`)));
}
