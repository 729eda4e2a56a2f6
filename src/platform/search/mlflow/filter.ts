import type { Comparator, Condition, EntityType } from '../expression.ts';
import { invalidFilter } from '../problem.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { type FilterToken, filterTokens, listStrings } from './tokens.ts';

const numberComparators: readonly string[] = ['>', '>=', '!=', '=', '<', '<='];
const textComparators: readonly string[] = ['!=', '=', 'LIKE', 'ILIKE'];

/**
 * Reads a filter in MLflow's grammar: comparisons joined by AND, `entity.key op value`.
 *
 * Keys with special characters stand in backticks or double quotes, strings in single or double quotes;
 * keywords are case-insensitive, names are not. Throws `filter_invalid` with MLflow's message text
 * (mlflow/utils/search_utils.py). An empty filter has no conditions.
 */
export function parseMlflowFilter(text: string, vocabulary: Vocabulary): readonly Condition[] {
  const tokens = filterTokens(text);
  const end = tokens.findIndex((token) => token.text.startsWith(';'));
  if (end >= 0 && end < tokens.length - 1) {
    const quoted = text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text}'`;
    throw invalidFilter(
      `Search filter contained multiple expression ${quoted}. Provide AND-ed expression list.`,
    );
  }
  const conditions: Condition[] = [];
  const invalid: string[] = [];
  let needsAnd = false;
  for (let i = 0; i < tokens.length; ) {
    const [left, operator, right] = [tokens[i], tokens[i + 1], tokens[i + 2]];
    if (!left) break;
    if (left.kind === 'keyword' && left.text.toUpperCase() === 'AND') {
      needsAnd = false;
      i += 1;
      continue;
    }
    const comparator = operator && comparatorOf(operator);
    const unary = comparator === 'IS NULL' || comparator === 'IS NOT NULL';
    const complete = comparator !== undefined && (unary || (right !== undefined && isValue(right)));
    if (!complete || needsAnd || left.kind === 'other') {
      invalid.push(left.text);
      if (left.kind === 'keyword') needsAnd = false;
      i += 1;
      continue;
    }
    if (left.kind !== 'identifier') {
      throw invalidFilter(`Invalid comparison clause. Expected 'Identifier' found '${left.text}'`);
    }
    conditions.push(condition(left.text, comparator, unary ? undefined : right, vocabulary));
    needsAnd = true;
    i += unary ? 2 : 3;
  }
  if (invalid.length > 0) {
    throw invalidFilter(`Invalid clause(s) in filter string: ${invalid.map((t) => `'${t}'`).join(', ')}`);
  }
  return conditions;
}

function comparatorOf(token: FilterToken): string | undefined {
  if (token.kind === 'operator') return token.text;
  if (token.kind !== 'keyword') return undefined;
  const text = token.text.toUpperCase().replace(/\s+/g, ' ');
  return /^(AND|OR|NOT|IS|NULL)$/.test(text) ? undefined : text;
}

function isValue(token: FilterToken): boolean {
  return ['identifier', 'string', 'number', 'list'].includes(token.kind);
}

function condition(
  identifier: string,
  comparator: string,
  token: FilterToken | undefined,
  vocabulary: Vocabulary,
): Condition {
  const { entity, key } = resolveIdentifier(identifier, vocabulary, attributeNames(vocabulary));
  if (token === undefined) {
    if (!vocabulary.mlflow.nullable.includes(entity)) {
      const which = vocabulary.mlflow.nullable.length > 1 ? 'tags and params' : 'tags';
      throw invalidFilter(
        `IS NULL / IS NOT NULL is only supported for ${which}, not for '${entity}' '${key}'`,
      );
    }
    return { kind: 'condition', entity, key, comparator: comparator as Comparator, value: null };
  }
  const value = conditionValue(entity, key, token, vocabulary);
  checkComparator(entity, key, comparator, Array.isArray(value), vocabulary);
  return { kind: 'condition', entity, key, comparator: comparator as Comparator, value };
}

function checkComparator(
  entity: EntityType,
  key: string,
  comparator: string,
  isList: boolean,
  vocabulary: Vocabulary,
): void {
  const numeric = entity === 'metric' || (entity === 'attribute' && isNumeric(vocabulary, key));
  const lists = entity === 'dataset' || (entity === 'attribute' && !numeric);
  const nullable = vocabulary.mlflow.nullable.includes(entity) ? ['IS NULL', 'IS NOT NULL'] : [];
  const more = lists ? ['IN', 'NOT IN'] : nullable;
  const valid = numeric ? numberComparators : [...textComparators, ...more];
  const takesList = comparator === 'IN' || comparator === 'NOT IN';
  if (valid.includes(comparator) && takesList === isList) return;
  // MLflow names the string comparators for numeric attributes too, and forgets a quote at some of the ends.
  const shown = numeric && entity === 'attribute' ? [...textComparators, 'IN', 'NOT IN'] : valid;
  const end = entity === 'parameter' || (entity === 'attribute' && !numeric) ? "'" : '';
  throw invalidFilter(
    `Invalid comparator '${comparator}' not one of '{${shown.map((c) => `'${c}'`).join(', ')}}${end}`,
  );
}

function conditionValue(
  entity: EntityType,
  key: string,
  token: FilterToken,
  vocabulary: Vocabulary,
): string | number | readonly string[] {
  if (entity === 'metric') {
    if (token.kind === 'number') return Number(token.text);
    throw invalidFilter(`Expected numeric value type for metric. Found ${token.text}`);
  }
  if (entity === 'attribute' && isNumeric(vocabulary, key)) {
    if (token.kind === 'number') return Number(token.text);
    throw invalidFilter(`Expected numeric value type for numeric attribute: ${key}. Found ${token.text}`);
  }
  if (token.kind === 'string' || token.kind === 'identifier') return unquoted(token.text);
  if (token.kind === 'list' && entity === 'attribute') {
    if (!vocabulary.mlflow.listAttributes.includes(key)) {
      const names = vocabulary.mlflow.listAttributes.map((name) => `'${name}'`).join(', ');
      throw invalidFilter(
        `Only [${names}] attributes support comparison with a list of quoted string values.`,
      );
    }
    return listValue(token.text);
  }
  if (token.kind === 'list' && entity === 'dataset') return listValue(token.text);
  if (entity === 'attribute') {
    throw invalidFilter(`Expected a quoted string value for attributes. Got value ${token.text}`);
  }
  if (entity === 'dataset') {
    throw invalidFilter(`Expected a quoted string value for dataset attributes. Got value ${token.text}`);
  }
  throw invalidFilter(
    `Expected a quoted string value for ${entity} (e.g. 'my-value'). Got value ${token.text}`,
  );
}

function listValue(text: string): readonly string[] {
  const list = listStrings(text);
  const start = 'While parsing a list in the query, expected';
  if (!list) throw invalidFilter(`${start} a non-empty list of string values, but got ill-formed list.`);
  if (list.mixed) {
    throw invalidFilter(
      `${start} string value, punctuation, or whitespace, but got different type in list: ${text}`,
    );
  }
  if (list.strings.length === 0) {
    throw invalidFilter(`${start} a non-empty list of string values, but got empty list`);
  }
  return list.strings;
}

function unquoted(text: string): string {
  if (isQuoted(text, "'") || isQuoted(text, '"')) return text.slice(1, -1);
  throw invalidFilter(
    `Parameter value is either not quoted or unidentified quote types used for string value ${text}. Use either single or double quotes.`,
  );
}

function isQuoted(text: string, quote: string): boolean {
  return text.length >= 2 && text.startsWith(quote) && text.endsWith(quote);
}

/** Every spelling of every attribute. */
export function attributeNames(vocabulary: Vocabulary): readonly string[] {
  return [...Object.keys(vocabulary.attributes), ...Object.keys(vocabulary.aliases)];
}

/** Reads `entity.key` or `attribute`, with the quotes of the key taken off and aliases resolved. */
export function resolveIdentifier(
  identifier: string,
  vocabulary: Vocabulary,
  names: readonly string[],
): { readonly entity: EntityType; readonly key: string } {
  const dot = identifier.indexOf('.');
  const word = dot < 0 ? 'attribute' : trimmed(identifier.slice(0, dot).trim(), '`');
  const entity = dot < 0 ? 'attribute' : vocabulary.entities[word];
  if (entity === undefined) {
    throw invalidFilter(`Invalid entity type '${word}'. ${vocabulary.mlflow.entityList}`);
  }
  const written = identifier.slice(dot + 1).trim();
  const key = trimmed(isQuoted(written, '"') || isQuoted(written, "'") ? written.slice(1, -1) : written, '`');
  if (entity === 'attribute') {
    if (names.includes(key)) return { entity, key: vocabulary.aliases[key] ?? key };
    throw invalidFilter(
      `Invalid attribute key '${key}' specified. Valid keys are '{${names.map((n) => `'${n}'`).join(', ')}}'`,
    );
  }
  if (entity === 'dataset' && !vocabulary.datasetKeys.includes(key)) {
    const keys = vocabulary.datasetKeys.map((k) => `'${k}'`).join(', ');
    throw invalidFilter(`Invalid dataset key '${key}' specified. Valid keys are '{${keys}}'`);
  }
  return { entity, key };
}

function trimmed(text: string, quote: string): string {
  return isQuoted(text, quote) ? text.slice(1, -1) : text;
}

function isNumeric(vocabulary: Vocabulary, key: string): boolean {
  const type = vocabulary.attributes[key];
  return type === 'number' || type === 'time';
}
