import { z } from 'zod';

/**
 * Why somebody does something, as the audit trail keeps it: a line or a few, at most 2,000 characters. Control
 * characters are refused: terminals obey them, and Postgres cannot keep the character zero. Browser-safe.
 */
export const reasonSchema = z
  .string()
  .trim()
  .min(1)
  .max(2000)
  .refine((text) => !/[^\P{Cc}\n\r\t]/u.test(text), 'expected text without control characters');
