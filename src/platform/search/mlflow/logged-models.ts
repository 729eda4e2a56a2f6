import type { Comparator, Condition, EntityType } from '../expression.ts';
import { invalidFilter } from '../problem.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { type Clause, repr } from './clauses.ts';
import { listItems } from './list-value.ts';

const numeric: readonly string[] = ['<', '<=', '>', '>=', '=', '!='];
const textual: readonly string[] = ['=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'];
const times: readonly string[] = ['creation_timestamp', 'last_updated_timestamp'];

/** MLflow's other names of attributes; without `attributes.` in front. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['creation_time', 'creation_timestamp'],
  ['creation_timestamp_ms', 'creation_timestamp'],
  ['last_updated_timestamp_ms', 'last_updated_timestamp'],
]);
const entities: readonly string[] = ['attributes', 'metrics', 'params', 'tags'];

/**
 * One comparison about logged models, which MLflow reads by rules of their own: values need no quotes and lists are
 * allowed everywhere. Throws `filter_invalid` with its messages (mlflow/utils/search_logged_model_utils.py).
 */
export function loggedModelCondition(
  { left, comparator, right, text }: Clause,
  vocabulary: Vocabulary,
): Condition {
  if (right === null) {
    throw invalidFilter(`Invalid comparison: ${text}. Expected a comparison with 3 tokens.`);
  }
  const { entity, key, shown } = operandOf(left.text, vocabulary);
  const operator = comparator.toUpperCase();
  const isNumber = entity === 'metric' || (entity === 'attribute' && times.includes(key));
  const valid = isNumber ? numeric : textual;
  if (!valid.includes(operator)) {
    const list = valid.map((op) => `'${op}'`).join(', ');
    throw invalidFilter(
      `Invalid comparison operator for ${shown}: ${repr(operator)}. Expected one of (${list}).`,
    );
  }
  if (entity === 'attribute' && !Object.hasOwn(vocabulary.attributes, key)) {
    throw invalidFilter(`Invalid attribute: ${shown}.`);
  }
  const condition = { kind: 'condition', entity, key, comparator: operator as Comparator } as const;
  if (isNumber) {
    const value = numberOf(right.text);
    // Nothing compares with NaN in SQL.
    return Number.isNaN(value) ? { ...condition, comparator: 'IN', value: [] } : { ...condition, value };
  }
  const isList = right.text.startsWith('(') && right.text.endsWith(')');
  if (isList !== operator.endsWith('IN')) {
    throw invalidFilter(`Invalid value for ${shown}: ${right.text}.`);
  }
  return { ...condition, value: isList ? listItems(right.text) : right.text.replace(/^'+|'+$/g, '') };
}

function operandOf(written: string, vocabulary: Vocabulary) {
  const match = /^([a-z]+)\.(.+)$/.exec(written);
  const strip = (key: string): string => key.replace(/^`+|`+$/g, '');
  const word = match?.[1];
  if (word === undefined || match?.[2] === undefined) {
    const key = strip(aliases.get(written) ?? written);
    return { entity: 'attribute' as const, key, shown: `attributes.${key}` };
  }
  if (!entities.includes(word)) {
    throw invalidFilter(`Invalid entity type: ${repr(word)}. ${vocabulary.mlflow.entityList}`);
  }
  const entity = vocabulary.entities[word] as EntityType;
  const key = strip(match[2]);
  // After the dot its database's own names are meant.
  if (entity !== 'attribute') return { entity, key, shown: `${word}.${key}` };
  const own = key.endsWith('_timestamp_ms') ? key.slice(0, -3) : key.endsWith('_timestamp') ? `${key} ` : key;
  return { entity, key: own, shown: `attributes.${key}` };
}

/** Numbers as Python's `float` reads them. Throws `filter_invalid`. */
function numberOf(text: string): number {
  const plain = text.replaceAll('_', '').toLowerCase();
  if (plain === 'nan') return Number.NaN;
  if (plain === 'inf' || plain === 'infinity') return Number.MAX_VALUE;
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(plain)) return Number(plain);
  throw invalidFilter(`could not convert string to float: ${repr(text)}`);
}
