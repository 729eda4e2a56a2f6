import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName, Tx } from '../../../platform/db/index.ts';
import {
  afterCondition,
  type Condition,
  comparisonSql,
  type OrderKey,
  orderBySql,
  type SortColumn,
} from '../../../platform/search/index.ts';
import type { ModelRow, VersionRow } from './tables.ts';

/** The tag that makes a registered model a prompt. */
export const promptTag = 'mlflow.prompt.is_prompt';

export interface RegistrySearch {
  readonly conditions: readonly Condition[];
  readonly order: readonly OrderKey[];
  readonly limit: number;
  readonly after: readonly (string | number)[] | null;
}

type Sorted<T> = T & { readonly sort: readonly (string | number)[] };

const modelColumns: Readonly<Record<string, string>> = {
  name: 'm.name',
  timestamp: 'm.updated_at_ms',
  last_updated_timestamp: 'm.updated_at_ms',
  creation_timestamp: 'm.created_at_ms',
};

const versionColumns: Readonly<Record<string, string>> = {
  name: 'm.name',
  version_number: 'v.version',
  run_id: 'v.run_id',
  source_path: 'v.source',
  last_updated_timestamp: 'v.updated_at_ms',
  creation_timestamp: 'v.created_at_ms',
};

/** Registered models by filter. Prompts only when the filter asks for prompts, and then nothing else. */
export async function searchModelRows(
  tx: Tx,
  dialect: DialectName,
  search: RegistrySearch,
): Promise<readonly Sorted<ModelRow>[]> {
  const columns = modelSortColumns(search.order);
  const tags = (condition: Condition): RawBuilder<SqlBool> =>
    sql<SqlBool>`EXISTS (SELECT 1 FROM registered_model_tags t WHERE t.registered_id = m.id
      AND t.key = ${condition.key} AND ${comparisonSql(dialect, sql`t.value`, condition)})`;
  const where = conditionsSql(dialect, search, columns, modelColumns, tags);
  return found<ModelRow>(tx, sql`m.*`, sql`registered_models m`, where, columns, search.limit);
}

/** Versions by filter; deleted ones never, prompts as above. */
export async function searchVersionRows(
  tx: Tx,
  dialect: DialectName,
  search: RegistrySearch,
): Promise<readonly Sorted<VersionRow>[]> {
  const columns = versionSortColumns(search.order);
  const tags = (condition: Condition): RawBuilder<SqlBool> =>
    sql<SqlBool>`EXISTS (SELECT 1 FROM model_version_tags t WHERE t.registered_id = v.registered_id
      AND t.version = v.version AND t.key = ${condition.key} AND ${comparisonSql(dialect, sql`t.value`, condition)})`;
  const where = [
    sql<SqlBool>`v.deleted = 0`,
    ...conditionsSql(dialect, search, columns, versionColumns, tags),
  ];
  const from = sql`model_versions v JOIN registered_models m ON m.id = v.registered_id`;
  return found<VersionRow>(tx, sql`v.*`, from, where, columns, search.limit);
}

async function found<T>(
  tx: Tx,
  fields: RawBuilder<unknown>,
  from: RawBuilder<unknown>,
  where: readonly RawBuilder<SqlBool>[],
  columns: readonly SortColumn[],
  limit: number,
): Promise<readonly Sorted<T>[]> {
  const sortList = columns.map((c, i) => sql`${c.expression} AS ${sql.ref(`sort_${i}`)}`);
  const { rows } = await sql<T & Record<string, string | number>>`
    SELECT ${fields}, ${sql.join(sortList)} FROM ${from} WHERE ${sql.join(where, sql` AND `)}
    ORDER BY ${orderBySql(columns)} LIMIT ${limit}`.execute(tx);
  return rows.map((row) => ({ ...row, sort: columns.map((_, i) => row[`sort_${i}`] ?? 0) }));
}

function conditionsSql(
  dialect: DialectName,
  search: RegistrySearch,
  columns: readonly SortColumn[],
  attributes: Readonly<Record<string, string>>,
  tag: (condition: Condition) => RawBuilder<SqlBool>,
): readonly RawBuilder<SqlBool>[] {
  const prompts = search.conditions.some(asksForPrompts);
  return [
    sql<SqlBool>`m.is_prompt = ${prompts ? 1 : 0}`,
    ...search.conditions
      .filter((c) => c.entity !== 'tag' || c.key !== promptTag)
      .map((c) =>
        c.entity === 'tag' ? tag(c) : comparisonSql(dialect, sql.ref(attributes[c.key] ?? 'm.name'), c),
      ),
    ...(search.after ? [sql<SqlBool>`${afterCondition(columns, search.after)}`] : []),
  ];
}

function asksForPrompts(condition: Condition): boolean {
  if (condition.entity !== 'tag' || condition.key !== promptTag) return false;
  const value = String(condition.value).toLowerCase();
  return (
    (condition.comparator === '=' && value === 'true') || (condition.comparator === '!=' && value === 'false')
  );
}

export function modelSortColumns(order: readonly OrderKey[]): readonly SortColumn[] {
  return withTieBreaks(order, modelColumns, [['name', false]]);
}

export function versionSortColumns(order: readonly OrderKey[]): readonly SortColumn[] {
  return withTieBreaks(order, versionColumns, [
    ['name', false],
    ['version_number', true],
  ]);
}

function withTieBreaks(
  order: readonly OrderKey[],
  columns: Readonly<Record<string, string>>,
  ties: readonly (readonly [string, boolean])[],
): readonly SortColumn[] {
  const missing = ties.filter(([key]) => !order.some((k) => k.key === key));
  const keys = [...order.map((k) => [k.key, k.descending] as const), ...missing];
  return keys.map(([key, descending]) => ({ expression: sql.ref(columns[key] ?? 'm.name'), descending }));
}
