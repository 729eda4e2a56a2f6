import { z } from 'zod';
import { formatTime } from '../../../core/time.ts';
import { doubleSchema } from '../../../platform/frames/index.ts';
import { armSchema, type Prediction } from '../contract.ts';
import { isRefused } from '../relations.ts';

/** What a list shows of a row of the log, as the frame engine gives it. */
export const loggedRowSchema = z.object({
  prediction_id: z.string(),
  endpoint: z.string(),
  entity: z.string().nullable(),
  event_time_ms: z.int(),
  received_at_ms: z.int(),
  model: z.string(),
  model_version: z.string(),
  arm: armSchema,
  status: z.string(),
  error: z.string().nullable(),
  latency_us: z.number(),
  /** NaN and infinities are no JSON: they are shown as none. */
  score: doubleSchema.nullable(),
  /** Files that were written before answers came in pieces lack it. */
  first_us: z.number().nullish(),
});
export type LoggedRow = z.infer<typeof loggedRowSchema>;

/** What the log itself has of a row. */
export function loggedPrediction(row: LoggedRow): Omit<Prediction, 'label' | 'outcome'> {
  return {
    predictionId: row.prediction_id,
    endpoint: row.endpoint,
    entity: row.entity,
    eventTime: formatTime(row.event_time_ms),
    receivedAt: formatTime(row.received_at_ms),
    model: row.model,
    modelVersion: row.model_version,
    arm: row.arm,
    status: row.status,
    error: row.error,
    refused: isRefused(row.status),
    latencyMs: row.latency_us / 1000,
    firstPieceMs: typeof row.first_us === 'number' ? row.first_us / 1000 : null,
    score: row.score !== null && Number.isFinite(row.score) ? row.score : null,
  };
}
