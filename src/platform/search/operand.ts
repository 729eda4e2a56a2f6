import { nearestName } from '../../core/nearest-name.ts';
import { type MetricStat, metricStats, type Operand } from './expression.ts';
import type { NamePart, Token } from './lexer.ts';
import { misplaced } from './problem.ts';
import { type AttributeType, attributeName, attributeTypes, type Vocabulary } from './vocabulary.ts';

/** What an operand is compared with; `text` is a tag or a param, which may also say a number or a boolean. */
export type OperandType = AttributeType | 'text' | 'age';

export interface TypedOperand {
  readonly operand: Operand;
  readonly type: OperandType;
}

type NameToken = Extract<Token, { kind: 'name' }>;

/**
 * Reads `metrics.loss.min`, `` params.`learning rate` ``, `start_time`. A key in quotes is taken whole and may be
 * followed by a statistic; one without quotes may be a whole key that ends in the name of a statistic, which only
 * the data can tell (`wholeKey`). Throws `filter_invalid` at the part that is not known.
 */
export function readOperand(text: string, token: NameToken, vocabulary: Vocabulary): TypedOperand {
  const [first, ...rest] = token.parts;
  if (first === undefined) throw new Error('a name without parts');
  if (rest.length === 0) return readAttribute(text, first, vocabulary);
  const entities = { ...vocabulary.entities, ...vocabulary.more.entities };
  const entity = Object.hasOwn(entities, first.text) ? entities[first.text] : undefined;
  if (entity === undefined) {
    const names = Object.keys(entities);
    throw misplaced(text, first, `Unknown kind of field "${first.text}"`, hint(first.text, names));
  }
  const [key] = rest;
  if (entity === 'attribute') {
    if (rest.length === 1 && key) return readAttribute(text, key, vocabulary);
    throw misplaced(text, token, `Unknown field "${joined(rest)}"`, toldNames(vocabulary));
  }
  if (entity === 'dataset') {
    if (rest.length === 1 && key && vocabulary.datasetKeys.includes(key.text)) {
      return { operand: { entity, key: key.text }, type: 'string' };
    }
    throw misplaced(
      text,
      key ?? token,
      `Unknown field of datasets "${joined(rest)}"`,
      vocabulary.datasetKeys,
    );
  }
  if (entity !== 'metric') {
    checkWhole(text, rest);
    return { operand: { entity, key: joined(rest) }, type: 'text' };
  }
  return { operand: readMetric(text, rest), type: 'number' };
}

function readAttribute(text: string, part: NamePart, vocabulary: Vocabulary): TypedOperand {
  if (part.text === 'age')
    return { operand: { entity: 'attribute', key: vocabulary.more.ageOf }, type: 'age' };
  const types = attributeTypes(vocabulary);
  const type = Object.hasOwn(types, part.text) ? types[part.text] : undefined;
  if (type !== undefined) {
    return { operand: { entity: 'attribute', key: attributeName(vocabulary, part.text) }, type };
  }
  const kinds = Object.keys(vocabulary.entities).filter((name) => /^(metrics|params|tags)$/.test(name));
  const names = [...toldNames(vocabulary), 'age', ...kinds.map((kind) => `${kind}.<key>`)];
  throw misplaced(text, part, `Unknown field "${part.text}"`, hint(part.text, names));
}

/** Attributes as an error lists them: without MLflow's spellings with capitals and blanks, which are read all the same. */
function toldNames(vocabulary: Vocabulary): readonly string[] {
  return Object.keys(attributeTypes(vocabulary)).filter((name) => /^[a-z_]+$/.test(name));
}

function readMetric(text: string, parts: readonly NamePart[]): Operand {
  const last = parts.at(-1);
  const stat = last && !last.isQuoted && isStat(last.text) ? last.text : undefined;
  if (parts[0]?.isQuoted) {
    const key = parts[0].text;
    if (parts.length === 1) return { entity: 'metric', key };
    if (parts.length === 2 && stat) return { entity: 'metric', key, stat };
    throw misplaced(text, parts[1] ?? parts[0], `"${joined(parts.slice(1))}" is no statistic of a metric`, [
      ...metricStats,
    ]);
  }
  checkWhole(text, parts);
  const whole = joined(parts);
  if (!stat || parts.length === 1) return { entity: 'metric', key: whole };
  return { entity: 'metric', key: joined(parts.slice(0, -1)), stat, wholeKey: whole };
}

/** A key is in quotes as a whole, or not at all. */
function checkWhole(text: string, parts: readonly NamePart[]): void {
  const quoted = parts.find((part) => part.isQuoted);
  if (quoted && parts.length > 1) {
    throw misplaced(text, quoted, 'A part of a key is in quotes', ['the whole key in quotes']);
  }
}

function isStat(text: string): text is MetricStat {
  return (metricStats as readonly string[]).includes(text);
}

function joined(parts: readonly NamePart[]): string {
  return parts.map((part) => part.text).join('.');
}

/** The name that was probably meant, or all of them. */
function hint(wrong: string, names: readonly string[]): readonly string[] {
  const nearest = nearestName(wrong, names);
  return nearest === null ? names : [nearest];
}
