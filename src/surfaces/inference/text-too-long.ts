import { fail, type MillraceError } from '../../core/errors.ts';

/** `text_too_long` for what the engine throws when a text would have more characters than it can hold; null for all else. */
export function textTooLong(thrown: unknown): MillraceError | null {
  if (!(thrown instanceof Error)) return null;
  const isOne =
    (thrown instanceof RangeError && thrown.message === 'Invalid string length') ||
    ('code' in thrown && thrown.code === 'ERR_STRING_TOO_LONG');
  return isOne ? fail('text_too_long', {}, thrown) : null;
}
