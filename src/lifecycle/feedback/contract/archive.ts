import { z } from 'zod';

/** POST /api/v1/prediction-erasures: what the law gives an entity the right to. */
export const erasePredictionsSchema = z.strictObject({
  entity: z.string().min(1).max(1000),
  /** null: at all endpoints. */
  endpoint: z.string().min(1).nullable().default(null),
  reason: z.string().min(1).max(2000),
});
export const erasedSchema = z.strictObject({
  id: z.string(),
  predictions: z.int(),
  labels: z.int(),
  /** Labels by entity that had found no prediction yet. */
  waitingLabels: z.int(),
  segmentsRewritten: z.int(),
});

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
