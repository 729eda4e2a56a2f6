import type { Comparator, Condition, EntityType } from '../expression.ts';
import { invalidFilter } from '../problem.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { type Clause, clausesOf, repr } from './clauses.ts';
import { listStrings } from './list-value.ts';
import { loggedModelCondition } from './logged-models.ts';
import type { SqlNode } from './sql-tokens.ts';

const order: readonly string[] = ['>', '>=', '!=', '=', '<', '<='];
const text: readonly string[] = ['!=', '=', 'LIKE', 'ILIKE'];
const lists: readonly string[] = ['IN', 'NOT IN'];
const nulls: readonly string[] = ['IS NULL', 'IS NOT NULL'];

/** A comparison whose words are understood, before its comparator is judged. */
interface Read {
  readonly entity: EntityType;
  /** As it is written; aliases are not resolved. */
  readonly key: string;
  readonly comparator: string;
  readonly value: string | number | readonly string[] | null;
}

/**
 * Reads a filter as MLflow's server does: comparisons joined by AND, `entity.key op value`.
 *
 * It takes a filter for SQL and looks at what an SQL parser makes of it; so do we (sql-groups.ts), to accept and
 * refuse the same. All comparisons are read before the first comparator is judged. Throws `filter_invalid` with its
 * messages (mlflow/utils/search_utils.py, search_logged_model_utils.py). An empty filter has no conditions.
 */
export function parseMlflowFilter(filter: string, vocabulary: Vocabulary): readonly Condition[] {
  if (filter === '') return [];
  const { parser } = vocabulary.mlflow;
  if (parser === 'logged-models' && filter.trim() === '') {
    throw invalidFilter(`Invalid filter string: ${repr(filter)}. Expected a single SQL expression.`);
  }
  const { clauses, invalid } = clausesOf(filter);
  if (invalid.length > 0) {
    if (parser === 'logged-models') {
      throw invalidFilter(
        `Invalid filter string: ${repr(filter)}. Expected a list of comparisons separated by 'AND' (e.g. 'metrics.loss > 0.1 AND params.lr = 0.01').`,
      );
    }
    const shown = parser === 'runs' ? invalid.map((clause) => `'${clause}'`) : invalid;
    throw invalidFilter(`Invalid clause(s) in filter string: ${shown.join(', ')}`);
  }
  if (parser === 'logged-models') return clauses.map((clause) => loggedModelCondition(clause, vocabulary));
  return clauses.map((clause) => readClause(clause, vocabulary)).map((read) => judged(read, vocabulary));
}

function readClause({ left, comparator, right }: Clause, vocabulary: Vocabulary): Read {
  if (left.kind !== 'Identifier') {
    throw invalidFilter(`Invalid comparison clause. Expected 'Identifier' found '${left.text}'`);
  }
  const { entity, key } = identifier(left.text, vocabulary);
  if (right === null) {
    checkNullable(entity, key, vocabulary);
    return { entity, key, comparator, value: null };
  }
  // Keywords may be in any case, but not for experiments.
  const isAsWritten = vocabulary.mlflow.parser === 'experiments';
  const written = isAsWritten ? comparator : comparator.toUpperCase();
  return {
    entity,
    key,
    comparator: written,
    value: readValue(entity, key, right, vocabulary),
  };
}

function checkNullable(entity: EntityType, key: string, { mlflow }: Vocabulary): void {
  if (mlflow.nullable.includes(entity)) return;
  if (mlflow.parser === 'runs') {
    throw invalidFilter(
      `IS NULL / IS NOT NULL is only supported for tags and params, not for '${entity}' '${key}'`,
    );
  }
  throw invalidFilter(`IS NULL / IS NOT NULL is only supported for tags, not for attribute '${key}'`);
}

/** Every spelling of every attribute. */
function attributeNames(vocabulary: Vocabulary): readonly string[] {
  return [...Object.keys(vocabulary.attributes), ...Object.keys(vocabulary.aliases)];
}

function identifier(written: string, vocabulary: Vocabulary) {
  return resolveIdentifier(written, vocabulary, attributeNames(vocabulary));
}

/**
 * Reads `entity.key` or `attribute`, cut at the first dot, blanks and all; quotes are taken off the key.
 *
 * @param names the attributes that may stand here
 */
export function resolveIdentifier(
  written: string,
  vocabulary: Vocabulary,
  names: readonly string[],
): { readonly entity: EntityType; readonly key: string } {
  const { parser, entityList } = vocabulary.mlflow;
  const dot = written.indexOf('.');
  const word = parser === 'runs' ? trimmed(written.slice(0, dot), '`') : written.slice(0, dot);
  const entity =
    dot < 0 ? 'attribute' : Object.hasOwn(vocabulary.entities, word) && vocabulary.entities[word];
  if (!entity) throw invalidFilter(`Invalid entity type '${word}'. ${entityList}`);
  const raw = written.slice(dot + 1);
  const key = trimmed(trimmed(trimmed(raw, "'"), '"'), '`');
  // The registry's parsers look at the name before they take its quotes off.
  const judgedKey = parser === 'models' || parser === 'versions' ? raw : key;
  if (entity === 'attribute' && !names.includes(judgedKey)) {
    throw invalidFilter(
      `Invalid attribute key '${judgedKey}' specified. Valid keys are '{${names.map((n) => `'${n}'`).join(', ')}}'`,
    );
  }
  if (entity === 'dataset' && !vocabulary.datasetKeys.includes(key)) {
    const keys = vocabulary.datasetKeys.map((k) => `'${k}'`).join(', ');
    throw invalidFilter(`Invalid dataset key '${key}' specified. Valid keys are '{${keys}}'`);
  }
  return { entity, key };
}

function isQuoted(value: string, quote: string): boolean {
  return value.length >= 2 && value.startsWith(quote) && value.endsWith(quote);
}

function trimmed(value: string, quote: string): string {
  return isQuoted(value, quote) ? value.slice(1, -1) : value;
}

function isNumberNode(node: SqlNode): boolean {
  return node.kind === 'integer' || node.kind === 'float';
}

function readValue(entity: EntityType, key: string, node: SqlNode, vocabulary: Vocabulary): Read['value'] {
  const { parser, numericAttributes } = vocabulary.mlflow;
  const isRegistry = parser === 'models' || parser === 'versions';
  if (entity === 'metric') {
    if (isNumberNode(node)) return Number(node.text);
    throw invalidFilter(`Expected numeric value type for metric. Found ${node.text}`);
  }
  const isNumeric = entity === 'attribute' && numericAttributes.includes(key);
  if (isNumeric && !isRegistry) {
    if (isNumberNode(node)) return numberOf(node, key, vocabulary);
    throw invalidFilter(`Expected numeric value type for numeric attribute: ${key}. Found ${node.text}`);
  }
  if (node.kind === 'string' || node.kind === 'Identifier') {
    const value = unquoted(node.text);
    return isNumeric ? integerOf(value, key) : value;
  }
  if (entity === 'attribute' && node.kind === 'Parenthesis') {
    if (!vocabulary.mlflow.listAttributes.includes(key)) {
      const names = [...vocabulary.mlflow.listAttributes].sort().map((name) => `'${name}'`);
      throw invalidFilter(
        `Only [${names.join(', ')}] attributes support comparison with a list of quoted string values.`,
      );
    }
    return listStrings(node.text);
  }
  if (entity === 'dataset' && node.kind === 'Parenthesis') return listStrings(node.text);
  if (parser === 'versions' && entity === 'attribute' && isNumberNode(node)) {
    if (isNumeric) return numberOf(node, key, vocabulary);
    throw invalidFilter(
      `Only the '{'version_number', 'creation_timestamp', 'last_updated_timestamp'}' attributes support comparison with numeric values.`,
    );
  }
  throw invalidFilter(wantedText(entity, node.text, isRegistry));
}

function wantedText(entity: EntityType, found: string, isRegistry: boolean): string {
  if (entity === 'attribute') {
    const wanted = isRegistry
      ? 'a quoted string value or a list of quoted string values'
      : 'a quoted string value';
    return `Expected ${wanted} for attributes. Got value ${found}`;
  }
  if (entity === 'dataset')
    return `Expected a quoted string value for dataset attributes. Got value ${found}`;
  return `Expected a quoted string value for ${entity} (e.g. 'my-value'). Got value ${found}`;
}

function unquoted(value: string): string {
  if (isQuoted(value, "'") || isQuoted(value, '"')) return value.slice(1, -1);
  throw invalidFilter(
    `Parameter value is either not quoted or unidentified quote types used for string value ${value}. Use either single or double quotes.`,
  );
}

/** Only runs are compared with fractions. */
function numberOf(node: SqlNode, key: string, { mlflow }: Vocabulary): number {
  const value = Number(node.text);
  if (mlflow.parser === 'runs' || node.kind === 'integer') return value;
  const shown = pythonFloat(value);
  throw invalidFilter(
    `Invalid value for numeric attribute '${key}': ${mlflow.parser === 'experiments' ? `'${shown}'` : shown}`,
  );
}

function pythonFloat(value: number): string {
  const shown = String(value);
  return /^-?\d+$/.test(shown) ? `${shown}.0` : shown;
}

function integerOf(value: string, key: string): number {
  if (/^\s*[+-]?\d+(?:_\d+)*\s*$/.test(value)) return Number(value.replaceAll('_', ''));
  throw invalidFilter(`Invalid value for numeric attribute '${key}': ${repr(value)}`);
}

function judged(read: Read, vocabulary: Vocabulary): Condition {
  const { entity, comparator, value } = read;
  const key = entity === 'attribute' ? (vocabulary.aliases[read.key] ?? read.key) : read.key;
  const problem =
    vocabulary.mlflow.parser === 'runs' ? runsProblem(read, key, vocabulary) : otherProblem(read, vocabulary);
  if (problem !== null) throw invalidFilter(problem);
  return { kind: 'condition', entity, key, comparator: comparator as Comparator, value };
}

function runsProblem(
  { entity, comparator, value }: Read,
  key: string,
  { mlflow }: Vocabulary,
): string | null {
  const isNumeric = entity === 'metric' || (entity === 'attribute' && mlflow.numericAttributes.includes(key));
  const takesLists = entity === 'dataset' || (entity === 'attribute' && !isNumeric);
  const valid = isNumeric ? order : [...text, ...(takesLists ? lists : nulls)];
  const isList = lists.includes(comparator);
  if (valid.includes(comparator) && isList === Array.isArray(value)) return null;
  // MLflow names the string comparators for numeric attributes too, and forgets a quote at some of the ends.
  const shown = isNumeric && entity === 'attribute' ? [...text, ...lists] : valid;
  const end = entity === 'parameter' || (entity === 'attribute' && !isNumeric) ? "'" : '';
  return `Invalid comparator '${comparator}' not one of '{${shown.map((c) => `'${c}'`).join(', ')}}${end}`;
}

function otherProblem({ entity, key, comparator, value }: Read, { mlflow }: Vocabulary): string | null {
  if (nulls.includes(comparator)) return null;
  const isList = lists.includes(comparator);
  const fits = (valid: readonly string[]): boolean =>
    valid.includes(comparator) && isList === Array.isArray(value);
  if (entity === 'tag') return fits(text) ? null : `Invalid comparator for tag: ${comparator}`;
  const isNumeric = mlflow.numericAttributes.includes(key);
  if (mlflow.parser === 'experiments') {
    if (key === 'experiment_id') {
      return fits(['=', '!=', ...lists]) ? null : `Invalid comparator for experiment_id: ${comparator}`;
    }
    if (isNumeric) {
      const shown = [...text, ...lists].map((c) => `'${c}'`).join(', ');
      return fits(order) ? null : `Invalid comparator '${comparator}' not one of '{${shown}}`;
    }
    if (lists.includes(comparator)) return `Invalid comparator for string attribute: ${comparator}`;
    const shown = [...text, ...lists].map((c) => `'${c}'`).join(', ');
    return fits(text) ? null : `Invalid comparator '${comparator}' not one of '{${shown}}'`;
  }
  if (isNumeric) return fits(order) ? null : `Invalid comparator for attribute ${key}: ${comparator}`;
  return fits([...text, ...lists]) ? null : `Invalid comparator for attribute: ${comparator}`;
}
