import type { DatabaseSync } from 'node:sqlite';
import { numberPattern } from './compare.ts';
import { matchFunction } from './regex/index.ts';

/** Gives a SQLite connection the functions that filters need and Postgres has by itself. */
export function addSearchFunctions(database: DatabaseSync): void {
  const matches = matchFunction();
  const numeric = new RegExp(numberPattern);
  database.function('millrace_matches', { deterministic: true }, (pattern, text) =>
    typeof text === 'string' ? Number(matches(String(pattern), text)) : null,
  );
  database.function('millrace_number', { deterministic: true }, (text) =>
    typeof text === 'string' && numeric.test(text) ? Number(text) : null,
  );
}
