import { allOf, type Expression, type OrderKey } from './expression.ts';
import { parseMlflowFilter } from './mlflow/filter.ts';
import { parseMlflowOrder } from './mlflow/order.ts';
import { parseOwnFilter, parseOwnOrder } from './parse.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * Which filters and orders are accepted. `millrace` is our own grammar; `mlflow` accepts and refuses what
 * MLflow's server does, with its messages, for what its clients send.
 */
export type Grammar = 'millrace' | 'mlflow';

/** Reads a filter; null when there is none. Throws `filter_invalid`. */
export function parseFilter(
  text: string,
  vocabulary: Vocabulary,
  { grammar, nowMs }: { readonly grammar: Grammar; readonly nowMs: number },
): Expression | null {
  return grammar === 'mlflow'
    ? allOf(parseMlflowFilter(text, vocabulary))
    : parseOwnFilter(text, vocabulary, nowMs);
}

/** Reads the clauses of an order, most important first. Throws `filter_invalid`. */
export function parseOrder(
  clauses: readonly string[],
  vocabulary: Vocabulary,
  grammar: Grammar,
): readonly OrderKey[] {
  return grammar === 'mlflow'
    ? parseMlflowOrder(clauses, vocabulary)
    : parseOwnOrder(clauses.join(', '), vocabulary);
}
