import { createHash } from 'node:crypto';
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';
import { fail } from '../../core/errors.ts';

/** A column that a list is ordered by. It must never be NULL (coalesce, with a flag column before it). */
export interface SortColumn {
  readonly expression: RawBuilder<unknown>;
  readonly descending: boolean;
  /** What its values in page tokens must be; any scalar when left out. */
  readonly type?: 'integer' | 'real' | 'text';
}

type TokenValue = string | number;

/**
 * Makes the token of the page that starts after a row: its sort columns, opaque to callers.
 *
 * @param list names the list and its order, so that the token is refused everywhere else
 */
export function pageToken(values: readonly TokenValue[], list = ''): string {
  return Buffer.from(JSON.stringify({ after: values, of: fingerprint(list) })).toString('base64');
}

/** A page of a list; `next` is the token of the next page, null on the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/**
 * Cuts a page out of rows that were asked for with one more than the limit.
 *
 * @param list what the page's token is good for (`pageToken`)
 */
export function cutPage<T extends { readonly sort: readonly TokenValue[] }>(
  rows: readonly T[],
  limit: number,
  list = '',
): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? pageToken(last.sort, list) : null };
}

/**
 * Reads a page token of a list with so many sort columns, or with these. Throws `invalid_page_token` for what is
 * no token, and for a token of another list or order.
 */
export function readPageToken(
  token: string,
  columns: number | readonly SortColumn[],
  list = '',
): readonly TokenValue[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
    const { after, of } = parsed as { readonly after?: unknown; readonly of?: unknown };
    const width = typeof columns === 'number' ? columns : columns.length;
    const fits = (value: unknown, i: number): boolean =>
      typeof columns === 'number'
        ? typeof value === 'string' || typeof value === 'number'
        : isOfType(value, columns[i]?.type);
    if (Array.isArray(after) && of === fingerprint(list) && after.length === width && after.every(fits))
      return after as TokenValue[];
  } catch {
    // Falls through to the error below.
  }
  throw fail('invalid_page_token', { value: token });
}

function isOfType(value: unknown, type: SortColumn['type']): boolean {
  if (type === 'text') return typeof value === 'string' && !value.includes('\0');
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === 'number' || (type === undefined && typeof value === 'string');
}

function fingerprint(list: string): string {
  return createHash('sha256').update(list).digest('hex').slice(0, 8);
}

/** The condition that a row comes after the given values in this order. */
export function afterCondition(
  columns: readonly SortColumn[],
  values: readonly TokenValue[],
): Expression<SqlBool> {
  const alternatives = columns.map((column, i) => {
    const equal = columns.slice(0, i).map((c, j) => sql`${c.expression} = ${bound(c, values[j])}`);
    const beyond = column.descending
      ? sql`${column.expression} < ${bound(column, values[i])}`
      : sql`${column.expression} > ${bound(column, values[i])}`;
    return sql`(${sql.join([...equal, beyond], sql` AND `)})`;
  });
  const [first] = columns;
  if (first === undefined || columns.length === 1)
    return sql<SqlBool>`(${sql.join(alternatives, sql` OR `)})`;
  // Follows from the rest, but from the rest alone no database sees where in an index to begin.
  const from = sql`${first.expression} ${sql.raw(first.descending ? '<=' : '>=')} ${bound(first, values[0])}`;
  return sql<SqlBool>`(${from} AND (${sql.join(alternatives, sql` OR `)}))`;
}

function bound(column: SortColumn, value: TokenValue | undefined): RawBuilder<unknown> {
  return column.type === 'real' ? sql`CAST(${value} AS DOUBLE PRECISION)` : sql`${value}`;
}

/** The ORDER BY list of these columns. */
export function orderBySql(columns: readonly SortColumn[]): RawBuilder<unknown> {
  return sql.join(columns.map((c) => (c.descending ? sql`${c.expression} DESC` : sql`${c.expression} ASC`)));
}
