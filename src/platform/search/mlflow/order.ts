import type { OrderKey } from '../expression.ts';
import { invalidFilter } from '../problem.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { resolveIdentifier } from './filter.ts';
import { sqlStatement } from './sql-groups.ts';

/**
 * Reads order clauses such as `metrics.auc DESC` or `` params.`learning rate` `` as MLflow's server does; ascending
 * unless told. Throws `filter_invalid` with its texts, also for a key that is named twice.
 */
export function parseMlflowOrder(clauses: readonly string[], vocabulary: Vocabulary): readonly OrderKey[] {
  const keys = clauses.map((clause) => parseClause(clause, vocabulary));
  const names = keys.map((k) => `${k.entity}.${k.key}`);
  if (vocabulary.mlflow.parser !== 'experiments' && new Set(names).size < names.length) {
    throw invalidFilter(
      `\`order_by\` contains duplicate fields: [${clauses.map((c) => `'${c}'`).join(', ')}]`,
    );
  }
  return keys.filter((key, i) => names.indexOf(`${key.entity}.${key.key}`) === i);
}

function parseClause(clause: string, vocabulary: Vocabulary): OrderKey {
  const words = shellWords(statement(clause).replaceAll('`', '"'));
  const unparsed = invalidFilter(`Invalid order_by clause '${clause}'. Could not be parsed.`);
  if (words === null || words.length > 2) throw unparsed;
  const direction = words[1]?.toLowerCase() ?? 'asc';
  if (direction !== 'asc' && direction !== 'desc') {
    throw invalidFilter(`Invalid ordering key in order_by clause '${clause}'.`);
  }
  const written = (words.length === 2 ? (words[0] ?? '') : statement(clause)).trim();
  return { ...keyOf(written, vocabulary), descending: direction === 'desc' };
}

/** The text of a clause that is one identifier to the SQL parser, with its direction if it has one. */
function statement(clause: string): string {
  const nodes = sqlStatement(clause);
  const [first] = nodes;
  const last = nodes.at(-1);
  const isTimestamp = first?.kind === 'type' && first.text.toLowerCase() === 'timestamp';
  if (nodes.length === 1 && (first?.kind === 'Identifier' || isTimestamp)) return first.text;
  const isSpaced = nodes.slice(1, -1).every((node) => node.kind === 'space');
  if (isTimestamp && isSpaced && last?.kind === 'order') return `timestamp ${last.text}`;
  throw invalidFilter(`Invalid order_by clause '${clause}'. Could not be parsed.`);
}

function keyOf(written: string, vocabulary: Vocabulary): Omit<OrderKey, 'descending'> {
  const { parser, orderNames } = vocabulary.mlflow;
  const valid = (names: readonly string[]): string => `{${names.map((n) => `'${n}'`).join(', ')}}`;
  if (parser === 'models') {
    const key = written === 'timestamp' ? 'last_updated_timestamp' : written;
    if (orderNames.includes(key)) return { entity: 'attribute', key };
    throw invalidFilter(
      `Invalid order by key '${written}' specified. Valid keys are '${valid(['name', 'timestamp'])}'`,
    );
  }
  const asExperiments = { ...vocabulary, mlflow: { ...vocabulary.mlflow, parser: 'experiments' as const } };
  const { entity, key } = resolveIdentifier(
    written,
    parser === 'versions' ? asExperiments : vocabulary,
    orderNames,
  );
  if (parser === 'versions') {
    // Whatever stands before the dot.
    if (orderNames.includes(key)) return { entity: 'attribute', key };
    throw invalidFilter(`Invalid order by key '${key}' specified. Valid keys are ${valid(orderNames)}`);
  }
  if (parser === 'experiments' && entity !== 'attribute') {
    throw invalidFilter(`Invalid order_by entity: ${entity}`);
  }
  if (entity === 'dataset') throw invalidFilter("Invalid identifier type 'dataset'");
  return { entity, key: entity === 'attribute' ? (vocabulary.aliases[key] ?? key) : key };
}

/** Words as a shell cuts them, quotes taken off; null when a quote is not closed. */
function shellWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === "'" || char === '"') {
      let end = at + 1;
      let inner = '';
      while (end < text.length && text[end] !== char) {
        const isEscaped = char === '"' && text[end] === '\\' && /["\\]/.test(text[end + 1] ?? '');
        if (isEscaped) end++;
        inner += text[end];
        end++;
      }
      if (end >= text.length) return null;
      word = (word ?? '') + inner;
      at = end;
    } else if (char === '\\') {
      if (at + 1 >= text.length) return null;
      word = (word ?? '') + text[++at];
    } else {
      word = (word ?? '') + char;
    }
  }
  return word === null ? words : [...words, word];
}
