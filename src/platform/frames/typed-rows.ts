import { z } from 'zod';
import type { Frames } from './frames.ts';

/** A DOUBLE of a result: NaN and infinities too, which are no numbers to zod. */
export const doubleSchema = z.union([z.number(), z.nan(), z.literal([Infinity, -Infinity])]);

/**
 * The rows of a result, read by a schema: what it does not name is left out. Values arrive as `Frames` says.
 * Throws `frames_failed`, and zod's error where a row is other than the query is meant to give.
 */
export async function typedRows<T>(
  frames: Pick<Frames, 'query'>,
  row: z.ZodType<T>,
  sql: string,
): Promise<readonly T[]> {
  return z.array(row).parse(await frames.query(sql));
}
