import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DialectName, Tx } from '../../../platform/db/index.ts';
import {
  afterCondition,
  allOf,
  type Condition,
  comparisonSql,
  conditionsOf,
  type Expression,
  filterSql,
  type OrderKey,
  orderBySql,
  type SortColumn,
  textComparisonSql,
} from '../../../platform/search/index.ts';
import type { ModelRow, VersionRow } from './tables.ts';

/** The tag that makes a registered model a prompt. */
export const promptTag = 'mlflow.prompt.is_prompt';

interface RegistrySearch {
  readonly filter: Expression | null;
  readonly order: readonly OrderKey[];
  readonly limit: number;
  readonly after: readonly (string | number)[] | null;
}

type Sorted<T> = T & { readonly sort: readonly (string | number)[] };

const modelColumns: Readonly<Record<string, string>> = {
  name: 'm.name',
  description: 'm.description',
  last_updated_timestamp: 'm.updated_at_ms',
  creation_timestamp: 'm.created_at_ms',
};

const versionColumns: Readonly<Record<string, string>> = {
  name: 'm.name',
  version_number: 'v.version',
  run_id: 'v.run_id',
  source_path: 'v.source',
  description: 'v.description',
  status: 'v.status',
  stage: 'v.stage',
  model_id: 'v.model_id',
  created_by: 'v.created_by',
  last_updated_timestamp: 'v.updated_at_ms',
  creation_timestamp: 'v.created_at_ms',
};

const texts = new Set([
  'name',
  'description',
  'run_id',
  'source_path',
  'status',
  'stage',
  'model_id',
  'created_by',
]);
const nullable = new Set(['run_id', 'model_id']);

/** What is searched: the columns of its attributes, its tags, and its order where nothing else is said. */
interface Kind {
  readonly from: RawBuilder<unknown>;
  readonly attributes: Readonly<Record<string, string>>;
  /** Rows `t` of its tags with this key. */
  readonly tags: (key: string) => RawBuilder<unknown>;
  readonly ties: readonly (readonly [key: string, descending: boolean])[];
}

const models: Kind = {
  from: sql`registered_models m`,
  attributes: modelColumns,
  tags: (key) => sql`FROM registered_model_tags t WHERE t.registered_id = m.id AND t.key = ${key}`,
  ties: [['name', false]],
};

const versions: Kind = {
  from: sql`model_versions v JOIN registered_models m ON m.id = v.registered_id`,
  attributes: versionColumns,
  tags: (key) =>
    sql`FROM model_version_tags t WHERE t.registered_id = v.registered_id AND t.version = v.version AND t.key = ${key}`,
  ties: [
    ['name', false],
    ['version_number', true],
  ],
};

/** Registered models by filter. Prompts only when the filter asks for prompts. */
export async function searchModelRows(
  tx: Tx,
  dialect: DialectName,
  search: RegistrySearch,
): Promise<readonly Sorted<ModelRow>[]> {
  return found<ModelRow>(tx, dialect, sql`m.*`, models, search, []);
}

/** Versions by filter; deleted ones never, prompts as above. */
export async function searchVersionRows(
  tx: Tx,
  dialect: DialectName,
  search: RegistrySearch,
): Promise<readonly Sorted<VersionRow>[]> {
  return found<VersionRow>(tx, dialect, sql`v.*`, versions, search, [sql<SqlBool>`v.deleted = 0`]);
}

/** How many registered models fulfil the filter. */
export async function countModelRows(
  tx: Tx,
  dialect: DialectName,
  filter: Expression | null,
): Promise<number> {
  return counted(tx, models, conditionsSql(dialect, models, filter));
}

/** How many versions fulfil the filter. */
export async function countVersionRows(
  tx: Tx,
  dialect: DialectName,
  filter: Expression | null,
): Promise<number> {
  return counted(tx, versions, [sql<SqlBool>`v.deleted = 0`, ...conditionsSql(dialect, versions, filter)]);
}

async function counted(tx: Tx, kind: Kind, where: readonly RawBuilder<SqlBool>[]): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*) AS n FROM ${kind.from} WHERE ${sql.join(where, sql` AND `)}`.execute(tx);
  return rows[0]?.n ?? 0;
}

async function found<T>(
  tx: Tx,
  dialect: DialectName,
  fields: RawBuilder<unknown>,
  kind: Kind,
  search: RegistrySearch,
  own: readonly RawBuilder<SqlBool>[],
): Promise<readonly Sorted<T>[]> {
  const columns = sortColumns(search.order, kind);
  const where = [
    ...own,
    ...conditionsSql(dialect, kind, search.filter),
    ...(search.after ? [sql<SqlBool>`${afterCondition(columns, search.after)}`] : []),
  ];
  const sortList = columns.map((c, i) => sql`${c.expression} AS ${sql.ref(`sort_${i}`)}`);
  const { rows } = await sql<T & Record<string, string | number>>`
    SELECT ${fields}, ${sql.join(sortList)} FROM ${kind.from} WHERE ${sql.join(where, sql` AND `)}
    ORDER BY ${orderBySql(columns)} LIMIT ${search.limit}`.execute(tx);
  return rows.map((row) => ({ ...row, sort: columns.map((_, i) => row[`sort_${i}`] ?? 0) }));
}

function conditionsSql(
  dialect: DialectName,
  kind: Kind,
  filter: Expression | null,
): readonly RawBuilder<SqlBool>[] {
  const { isAboutPrompts, rest } = withoutPromptTag(filter);
  return [
    sql<SqlBool>`${isAboutPrompts ? sql`1 = 1` : sql`m.is_prompt = 0`}`,
    ...(rest ? [filterSql(rest, (c) => conditionSql(dialect, kind, c))] : []),
  ];
}

function conditionSql(dialect: DialectName, kind: Kind, condition: Condition): RawBuilder<SqlBool> {
  const { entity, key, comparator } = condition;
  if (entity === 'attribute') {
    return comparisonSql(dialect, sql.ref(kind.attributes[key] ?? 'm.name'), condition);
  }
  if (comparator === 'IS NULL') return sql<SqlBool>`NOT EXISTS (SELECT 1 ${kind.tags(key)})`;
  if (comparator === 'IS NOT NULL') return sql<SqlBool>`EXISTS (SELECT 1 ${kind.tags(key)})`;
  return sql<SqlBool>`EXISTS (SELECT 1 ${kind.tags(key)} AND ${textComparisonSql(dialect, sql`t.value`, condition)})`;
}

/**
 * Models have no tag that says they are no prompts. So MLflow leaves prompts out and drops what a filter says
 * about the tag, unless its first word about it asks for prompts; a filter that is more than comparisons joined by
 * AND means what it says.
 */
function withoutPromptTag(filter: Expression | null): {
  readonly isAboutPrompts: boolean;
  readonly rest: Expression | null;
} {
  const isPromptTag = (c: Condition): boolean => c.entity === 'tag' && c.key === promptTag;
  const conditions = conditionsOf(filter);
  const first = conditions.find(isPromptTag);
  if (first === undefined) return { isAboutPrompts: false, rest: filter };
  const isPlain =
    filter?.kind === 'condition' ||
    (filter?.kind === 'and' && filter.parts.every((part) => part.kind === 'condition'));
  if (!isPlain || asksForPrompts(first)) return { isAboutPrompts: true, rest: filter };
  return { isAboutPrompts: false, rest: allOf(conditions.filter((c) => !isPromptTag(c))) };
}

function asksForPrompts({ comparator, value }: Condition): boolean {
  const text = String(value).toLowerCase();
  return (comparator === '=' && text === 'true') || (comparator === '!=' && text === 'false');
}

/** The columns that registered models are ordered by, with the name as the last tie. */
export function modelSortColumns(order: readonly OrderKey[]): readonly SortColumn[] {
  return sortColumns(order, models);
}

/** The columns that versions are ordered by, with name and number as the last ties. */
export function versionSortColumns(order: readonly OrderKey[]): readonly SortColumn[] {
  return sortColumns(order, versions);
}

/** The columns of an order; what lacks a tag or an attribute comes last in both directions. */
function sortColumns(order: readonly OrderKey[], kind: Kind): readonly SortColumn[] {
  const isNamed = (tie: string): boolean => order.some((k) => k.entity === 'attribute' && k.key === tie);
  const ties = kind.ties.filter(([key]) => !isNamed(key));
  return [
    ...order.flatMap((key) => sortValue(key, kind)),
    ...ties.flatMap(([key, descending]) => sortValue({ entity: 'attribute', key, descending }, kind)),
  ];
}

function sortValue({ entity, key, descending }: OrderKey, kind: Kind): readonly SortColumn[] {
  const isTag = entity !== 'attribute';
  const value = isTag
    ? sql`(SELECT t.value ${kind.tags(key)})`
    : sql`${sql.ref(kind.attributes[key] ?? 'm.name')}`;
  const type = isTag || texts.has(key) ? ('text' as const) : ('integer' as const);
  if (!isTag && !nullable.has(key)) return [{ expression: value, descending, type }];
  return [
    { expression: sql`CASE WHEN ${value} IS NULL THEN 1 ELSE 0 END`, descending: false, type: 'integer' },
    { expression: sql`coalesce(${value}, '')`, descending, type },
  ];
}
