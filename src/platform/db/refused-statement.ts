import { fail, type MillraceError } from '../../core/errors.ts';

const tooLargeForSqlite =
  /^(Expression tree is too large|too many |parser stack overflow|statement too long|string or blob too big)/i;

/**
 * The error behind a statement that a database refuses for what a request put into it, and would refuse again: more of
 * it than fits a statement, or the character U+0000, which no text of Postgres holds. Undefined for every other error.
 */
export function refusedStatement(error: unknown): MillraceError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, message } = error as Error & { readonly code?: unknown };
  if (typeof code !== 'string') return undefined;
  // character_not_in_repertoire and untranslatable_character
  if (code === '22021' || code === '22P05') return fail('text_not_storable', {}, error);
  // program_limit_exceeded, and protocol_violation: the parameters are counted in 16 bits.
  const isTooLarge =
    code === 'ERR_SQLITE_ERROR' ? tooLargeForSqlite.test(message) : /^54...$/.test(code) || code === '08P01';
  return isTooLarge ? fail('statement_too_large', { problem: message }, error) : undefined;
}
