import { z } from 'zod';
import { parseDuration } from '../../core/time.ts';

/** A duration as people write it (`90s`, `6h`, `7d`, `1h30m`); it stays text, `parseDuration` reads it. */
export const durationSchema = z.unknown().transform((value, context): string => {
  try {
    if (typeof value === 'string') {
      parseDuration(value);
      return value;
    }
  } catch {
    // falls through to the message below, which also covers values that are not text
  }
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(value)} is not a duration; write a number with a unit, e.g. 30m, 6h or 7d`,
  });
  return z.NEVER;
});
