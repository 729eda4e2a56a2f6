import type { OrderKey } from '../expression.ts';
import { invalidFilter } from '../problem.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { resolveIdentifier } from './filter.ts';

const clausePattern =
  /^\s*((?:`[^`]*`|"[^"]*"|[^\s`"'(),;<>=.]+)(?:\.(?:`[^`]*`|"[^"]*"|[^\s`"'(),;<>=]+))*)(?:\s+(\S+))?\s*$/u;

/**
 * Reads order clauses such as `metrics.auc DESC` or `` params.`learning rate` ``; ascending unless told.
 * Throws `filter_invalid` with MLflow's text, also for a key that is named twice.
 */
export function parseMlflowOrder(clauses: readonly string[], vocabulary: Vocabulary): readonly OrderKey[] {
  const keys = clauses.map((clause) => parseClause(clause, vocabulary));
  const names = keys.map((k) => `${k.entity}.${k.key}`);
  if (new Set(names).size < names.length) {
    throw invalidFilter(
      `\`order_by\` contains duplicate fields: [${clauses.map((c) => `'${c}'`).join(', ')}]`,
    );
  }
  return keys;
}

function parseClause(clause: string, vocabulary: Vocabulary): OrderKey {
  const match = clausePattern.exec(clause);
  if (!match?.[1]) throw invalidFilter(`Invalid order_by clause '${clause}'. Could not be parsed.`);
  const direction = (match[2] ?? 'asc').toLowerCase();
  if (direction !== 'asc' && direction !== 'desc') {
    throw invalidFilter(`Invalid ordering key in order_by clause '${clause}'.`);
  }
  const names = vocabulary.mlflow.orderNames;
  const { entity, key } = resolveIdentifier(match[1], vocabulary, names);
  if (entity === 'dataset') throw invalidFilter("Invalid order_by entity type 'dataset'");
  return { entity, key, descending: direction === 'desc' };
}
