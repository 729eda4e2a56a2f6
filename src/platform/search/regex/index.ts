import { matcherOf } from './match.ts';
import { postgresPattern } from './postgres.ts';
import { PatternError, parsePattern } from './syntax.ts';

export { matcherOf } from './match.ts';
export { parsePattern } from './syntax.ts';

/** What is wrong with a pattern and where in it; null when nothing is. */
export function checkPattern(source: string): {
  readonly problem: string;
  readonly position: number;
  readonly length: number;
  readonly expected: readonly string[];
} | null {
  try {
    matcherOf(parsePattern(source));
    return null;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const { message: problem, position, length, expected } = error;
    return { problem, position, length, expected };
  }
}

/** A checked pattern in Postgres' spelling. */
export function inPostgres(source: string): string {
  return postgresPattern(parsePattern(source));
}

/** The function behind `MATCHES` on SQLite; keeps the matcher of the patterns it saw last. */
export function matchFunction(): (source: string, text: string) => boolean {
  const matchers = new Map<string, (text: string) => boolean>();
  const kept = 20;
  return (source, text) => {
    let matcher = matchers.get(source);
    if (!matcher) {
      matcher = matcherOf(parsePattern(source));
      if (matchers.size >= kept) matchers.clear();
      matchers.set(source, matcher);
    }
    return matcher(text);
  };
}
