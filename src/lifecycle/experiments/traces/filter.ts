import { fail } from '../../../core/errors.ts';
import { checkPattern } from '../../../platform/search/regex/index.ts';
import { filterTokens, listStrings, type Token, unquoted } from './filter-tokens.ts';
import { traceKeys } from './records.ts';

type TraceEntity = 'attribute' | 'tag' | 'metadata' | 'span' | 'feedback' | 'expectation' | 'issue';

/** One comparison of a filter; all must hold. */
export interface TraceCondition {
  readonly entity: TraceEntity;
  readonly key: string;
  readonly comparator: string;
  readonly value: string | number | readonly string[] | null;
}

export interface TraceOrder {
  readonly entity: 'attribute' | 'tag' | 'metadata';
  readonly key: string;
  readonly descending: boolean;
}

const entities: Readonly<Record<string, TraceEntity>> = {
  tag: 'tag',
  tags: 'tag',
  attribute: 'attribute',
  attributes: 'attribute',
  trace: 'attribute',
  request_metadata: 'metadata',
  metadata: 'metadata',
  span: 'span',
  feedback: 'feedback',
  expectation: 'expectation',
  issue: 'issue',
};

/** Each looks through spans or tags; more would keep a database busy for long. */
const mostConditions = 200;

const times = ['timestamp', 'timestamp_ms', 'execution_time', 'execution_time_ms', 'end_time', 'end_time_ms'];
const searchable = [
  'request_id',
  ...times,
  'status',
  'client_request_id',
  'name',
  'run_id',
  'prompt',
  'text',
];
const orderable = ['experiment_id', ...times, 'status', 'request_id', 'name', 'run_id'];
const listable = ['name', 'status', 'request_id', 'run_id', 'client_request_id'];

const text = ['!=', '=', 'LIKE', 'ILIKE', 'RLIKE'];
const nullable = [...text, 'IS NULL', 'IS NOT NULL'];
const inList = [...text, 'IN', 'NOT IN'];
const numeric = ['>', '>=', '!=', '=', '<', '<='];
const comparatorsOf = (entity: TraceEntity, key: string): readonly string[] => {
  if (entity === 'attribute') return times.includes(key) ? numeric : inList;
  if (entity === 'span') return key === 'content' ? ['LIKE', 'ILIKE'] : inList;
  if (entity === 'issue') return ['='];
  return entity === 'tag' || entity === 'metadata' ? nullable : [...numeric, ...nullable.slice(2)];
};

const invalid = (problem: string): Error => fail('filter_invalid', { problem });
const setOf = (items: readonly string[]): string => `{${items.map((item) => `'${item}'`).join(', ')}}`;

/**
 * Reads a filter of traces in MLflow's grammar (`SearchTraceUtils` of mlflow/utils/search_utils.py): comparisons
 * joined by AND, of attributes (also after `trace.`), tags, metadata, `span.name|type|status|attributes.<key>`,
 * `feedback.<name>` and `expectation.<name>`. Throws `filter_invalid` with MLflow's text.
 */
export function parseTraceFilter(filter: string): readonly TraceCondition[] {
  const tokens = filterTokens(filter);
  const conditions: TraceCondition[] = [];
  const wrong: string[] = [];
  for (let i = 0; i < tokens.length; ) {
    const [left, operator, right] = [tokens[i], tokens[i + 1], tokens[i + 2]];
    if (!left) break;
    if (left.kind === 'and') {
      i += 1;
      continue;
    }
    const isUnary = operator?.text === 'IS NULL' || operator?.text === 'IS NOT NULL';
    const isValue = right && ['identifier', 'string', 'number', 'list'].includes(right.kind);
    if (left.kind === 'other' || operator?.kind !== 'comparator' || !(isUnary || isValue)) {
      wrong.push(left.text);
      i += 1;
      continue;
    }
    if (left.kind !== 'identifier') {
      throw invalid(`Invalid comparison clause. Expected 'Identifier' found '${left.text}'`);
    }
    if (conditions.length >= mostConditions) throw invalid(`More than ${mostConditions} comparisons`);
    conditions.push(condition(left.text, operator.text, isUnary ? undefined : right));
    i += isUnary ? 2 : 3;
  }
  if (wrong.length > 0) {
    throw invalid(`Invalid clause(s) in filter string: ${wrong.map((item) => `'${item}'`).join(', ')}`);
  }
  return conditions;
}

function condition(identifier: string, comparator: string, token: Token | undefined): TraceCondition {
  const named = resolve(identifier, searchable);
  const value = token === undefined ? null : readValue(named.entity, named.key, comparator, token);
  const { entity, key } = meaning(named);
  checkKey(entity, key);
  const allowed = comparatorsOf(entity, key);
  const takesList = comparator === 'IN' || comparator === 'NOT IN';
  if (!allowed.includes(comparator) || takesList !== Array.isArray(value)) {
    throw wrongComparator(entity, key, comparator, allowed);
  }
  if (comparator === 'RLIKE') refusePattern(String(value));
  if (key === traceKeys.linkedPrompts && entity === 'tag') checkPrompt(comparator, String(value));
  return { entity, key, comparator, value };
}

/** With MLflow's text, which forgets a quote at some of the ends. */
function wrongComparator(
  entity: TraceEntity,
  key: string,
  comparator: string,
  allowed: readonly string[],
): Error {
  if (entity === 'span' || entity === 'issue') {
    return invalid(`${entity}.${key} comparator '${comparator}' not one of '${setOf(allowed)}'`);
  }
  if (entity === 'feedback' || entity === 'expectation') {
    return invalid(`assessment.${key} comparator '${comparator}' not one of '${setOf(allowed)}'`);
  }
  const isTime = entity === 'attribute' && times.includes(key);
  const end = entity === 'tag' || isTime ? '' : "'";
  return invalid(`Invalid comparator '${comparator}' not one of '${setOf(isTime ? inList : allowed)}${end}`);
}

function resolve(identifier: string, names: readonly string[]) {
  const dot = identifier.indexOf('.');
  const word = dot < 0 ? 'attribute' : withoutTicks(identifier.slice(0, dot).trim());
  const entity = entities[word];
  if (!entity) {
    throw invalid(`Invalid entity type '${word}'. Valid values are ${setOf(Object.keys(entities))}`);
  }
  const written = identifier.slice(dot + 1).trim();
  const key = withoutTicks(unquoted(written) ?? written);
  if (entity === 'attribute' && !names.includes(key)) {
    throw invalid(`Invalid attribute key '${key}' specified. Valid keys are '${setOf(names)}'`);
  }
  return { entity, key };
}

/** Attributes that are another thing underneath, and other names of times. */
function meaning({ entity, key }: { readonly entity: TraceEntity; readonly key: string }) {
  if (entity !== 'attribute') return { entity, key };
  if (key === 'name') return { entity: 'tag' as const, key: traceKeys.name };
  if (key === 'prompt') return { entity: 'tag' as const, key: traceKeys.linkedPrompts };
  if (key === 'run_id') return { entity: 'metadata' as const, key: traceKeys.sourceRun };
  if (key === 'text') return { entity: 'span' as const, key: 'content' };
  return { entity, key: times.includes(key) && !key.endsWith('_ms') ? `${key}_ms` : key };
}

function checkKey(entity: TraceEntity, key: string): void {
  if (entity === 'issue' && key !== 'id') {
    throw invalid(`Invalid issue attribute '${key}'. Supported attributes: id`);
  }
  if (entity !== 'span' || ['name', 'type', 'status', 'content'].includes(key)) return;
  if (key === 'attributes.') throw invalid("Span attribute name cannot be empty after 'attributes.'");
  if (key.startsWith('attributes.')) return;
  throw invalid(
    `Invalid span attribute '${key}'. Supported attributes: name, status, type, attributes.<attribute_name>.`,
  );
}

function readValue(entity: TraceEntity, key: string, comparator: string, token: Token) {
  const isAssessment = entity === 'feedback' || entity === 'expectation';
  const shown = entity === 'metadata' ? 'request_metadata' : entity;
  if (isAssessment && ['>', '>=', '<', '<='].includes(comparator)) {
    if (token.kind === 'number') return Number(token.text);
    throw invalid(
      `Expected a numeric value for ${entity} when using comparator '${comparator}'. Got value ${token.text}`,
    );
  }
  if (token.kind === 'string' || token.kind === 'identifier') return stringOf(token.text);
  if (token.kind === 'number' && entity === 'attribute') {
    if (times.includes(key)) return Number(token.text);
    throw invalid(`Only the '${setOf(times)}' attributes support comparison with numeric values.`);
  }
  if (token.kind === 'list' && !isAssessment && entity !== 'metadata' && entity !== 'issue') {
    if (entity === 'attribute' && !listable.includes(key)) {
      throw invalid(
        `Only attributes in ${setOf(listable)} supports comparison with a list of quoted string values.`,
      );
    }
    const strings = listStrings(token.text);
    if (strings) return strings;
    throw invalid(
      'While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.',
    );
  }
  throw invalid(`Expected a quoted string value for ${shown} (e.g. 'my-value'). Got value ${token.text}`);
}

function stringOf(written: string): string {
  const value = unquoted(written);
  if (value !== null) return value;
  throw invalid(
    `Parameter value is either not quoted or unidentified quote types used for string value ${written}. Use either single or double quotes.`,
  );
}

function refusePattern(pattern: string): void {
  const wrong = checkPattern(pattern);
  if (wrong) throw invalid(`Invalid regular expression '${pattern}': ${wrong.problem}`);
}

function checkPrompt(comparator: string, value: string): void {
  if (comparator !== '=') {
    throw invalid(
      `Invalid comparator '${comparator}' for prompts filter. Only '=' is supported with format: prompt = "name/version"`,
    );
  }
  if (value.split('/').length === 2) return;
  throw invalid(`Invalid prompts filter value '${value}'. Expected format: prompt = "name/version"`);
}

function withoutTicks(name: string): string {
  return name.length >= 2 && name.startsWith('`') && name.endsWith('`') ? name.slice(1, -1) : name;
}

/** Reads order clauses such as `timestamp_ms DESC` or `` tags.`my key` ``. Throws `filter_invalid`. */
export function parseTraceOrder(clauses: readonly string[]): readonly TraceOrder[] {
  const keys = clauses.map((clause): TraceOrder => {
    const match = /^\s*(.+?)(?:\s+([a-z]+))?\s*$/i.exec(clause);
    const direction = (match?.[2] ?? 'asc').toLowerCase();
    if (!match?.[1] || (direction !== 'asc' && direction !== 'desc')) {
      throw invalid(`Invalid ordering key in order_by clause '${clause}'.`);
    }
    const { entity, key } = meaning(resolve(match[1], orderable));
    if (entity !== 'attribute' && entity !== 'tag' && entity !== 'metadata') {
      throw invalid(`Invalid identifier type '${entity}'`);
    }
    return { entity, key, descending: direction === 'desc' };
  });
  if (new Set(keys.map((k) => `${k.entity}.${k.key}`)).size < keys.length) {
    throw invalid(
      `\`order_by\` contains duplicate fields: [${clauses.map((clause) => `'${clause}'`).join(', ')}]`,
    );
  }
  return keys;
}
