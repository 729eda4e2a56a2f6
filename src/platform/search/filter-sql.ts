import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Condition, Expression } from './expression.ts';

/**
 * The SQL of a filter, given that of its conditions. A condition whose column is NULL is false, so that NOT
 * finds everything else.
 */
export function filterSql(
  filter: Expression,
  conditionSql: (condition: Condition) => RawBuilder<SqlBool>,
): RawBuilder<SqlBool> {
  switch (filter.kind) {
    case 'condition':
      return conditionSql(filter);
    case 'not':
      return sql<SqlBool>`NOT coalesce(${filterSql(filter.part, conditionSql)}, false)`;
    default: {
      const parts = filter.parts.map((part) => filterSql(part, conditionSql));
      return sql<SqlBool>`(${sql.join(parts, filter.kind === 'and' ? sql` AND ` : sql` OR `)})`;
    }
  }
}
