import { z } from 'zod';

/** POST /api/v1/prediction-compactions */
export const compactPredictionsSchema = z.strictObject({
  /** Left out: all endpoints. */
  endpoint: z.string().min(1).optional(),
  /** Also segments of days that are not over. */
  force: z.boolean().default(false),
});
export const compactedSchema = z.strictObject({
  /** Segments that were replaced by fewer ones. */
  compacted: z.int(),
  /** Segments that were removed because they are older than their endpoint keeps them. */
  removed: z.int(),
});
