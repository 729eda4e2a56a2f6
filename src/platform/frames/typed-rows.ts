import { z } from 'zod';
import type { Frames } from './frames.ts';

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
