import { invalidFilter } from '../problem.ts';
import { sqlStatement } from './sql-groups.ts';
import type { SqlNode } from './sql-tokens.ts';

/** One comparison as it is written: a value only where there are three parts. */
export interface Clause {
  readonly left: SqlNode;
  readonly comparator: string;
  readonly right: SqlNode | null;
  readonly text: string;
}

/** The comparisons of a filter, and what else stands at its top level except AND and blanks. */
interface Clauses {
  readonly clauses: readonly Clause[];
  readonly invalid: readonly string[];
}

/** Reads a filter as MLflow does before it looks at the words. Throws `filter_invalid` for several statements. */
export function clausesOf(text: string): Clauses {
  const nodes = sqlStatement(text).filter((node) => node.kind !== 'space');
  if (nodes.length === 0) throw invalidFilter(`Invalid filter '${text}'. Could not be parsed.`);
  const end = nodes.findIndex((node) => node.kind === 'punctuation' && node.text === ';');
  if (end >= 0 && end < nodes.length - 1) {
    throw invalidFilter(
      `Search filter contained multiple expression ${repr(text)}. Provide AND-ed expression list.`,
    );
  }
  const clauses: Clause[] = [];
  const invalid: string[] = [];
  for (const item of joined(nodes)) {
    if ('comparator' in item) clauses.push(item);
    else if (item.kind === 'Comparison') clauses.push(clauseOf(item));
    else if (item.kind !== 'keyword' || item.text.toUpperCase() !== 'AND') invalid.push(item.text);
  }
  return { clauses, invalid };
}

function clauseOf(node: SqlNode): Clause {
  const [left, comparator, right] = (node.parts ?? []).filter((part) => part.kind !== 'space');
  if (!left || !comparator || !right) throw new Error('a comparison without three parts');
  return { left, comparator: comparator.text, right, text: node.text };
}

/**
 * Puts IN, NOT IN, IS NULL and IS NOT NULL together, which the SQL parser leaves as single words. Like MLflow,
 * looks at up to four tokens after an identifier and goes on behind them even if they were nothing of that.
 */
function joined(nodes: readonly SqlNode[]): readonly (SqlNode | Clause)[] {
  const items: (SqlNode | Clause)[] = [];
  for (let i = 0; i < nodes.length; ) {
    const [first, second, third, fourth] = nodes.slice(i, i + 4);
    if (!first || !second || !third) {
      items.push(...nodes.slice(i));
      break;
    }
    if (first.kind !== 'Identifier') {
      items.push(first);
      i += 1;
      continue;
    }
    const words = [second, third].map((node) => (node.kind === 'keyword' ? node.text.toUpperCase() : ''));
    const clause = (comparator: string, right: SqlNode | null): Clause => ({
      left: first,
      comparator,
      right,
      text: `${first.text}${right ? `${comparator}${right.text}` : comparator}`,
    });
    if (words[0] === 'IN' && third.kind === 'Parenthesis') {
      items.push(clause(second.text, third));
      i += 3;
    } else if (words[0] === 'IS' && (words[1] === 'NULL' || words[1] === 'NOT NULL')) {
      items.push(clause(`IS ${words[1]}`, null));
      i += 3;
    } else if (words.join(' ') === 'NOT IN' && fourth?.kind === 'Parenthesis') {
      items.push(clause('NOT IN', fourth));
      i += 4;
    } else {
      items.push(...nodes.slice(i, i + 4));
      i += 4;
    }
  }
  return items;
}

/** A text as Python shows it. */
export function repr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}
