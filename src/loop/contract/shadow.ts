import { z } from 'zod';
import { rolloutLookSchema } from './look.ts';
import { rolloutMetricSchema } from './plan.ts';

/** What the copies of an endpoint's shadow say beside the champion's answers to the same requests. Browser-safe. */

/** GET /api/v1/endpoints/:endpoint/shadow */
export const shadowEvidenceQuerySchema = z.strictObject({
  /** What labelled requests are compared by; what the answer brought about cannot be said of answers nobody heard. */
  metric: rolloutMetricSchema.exclude(['outcome', 'value']).default('logLoss'),
  /** A score at or above it is a positive decision. */
  threshold: z.coerce.number().default(0.5),
  /** A feature: its ten most frequent values are compared too. */
  segment: z.string().min(1).optional(),
});
export type ShadowEvidenceQuery = z.output<typeof shadowEvidenceQuerySchema>;

/** The shadow beside the champion on the same requests; both answered, nobody heard the shadow. */
export const shadowEvidenceSchema = z.object({
  endpoint: z.string(),
  model: z.string(),
  championVersion: z.string(),
  shadowVersion: z.string(),
  metric: shadowEvidenceQuerySchema.shape.metric.unwrap(),
  threshold: z.number(),
  /** Only what was received since is read: the shadow's begin beside this champion, at most a week ago. */
  since: z.string(),
  /** Features that the log has, to choose a segment from. */
  features: z.array(z.string()),
  /** As of a rollout: the shadow is its arm `shadow`, and outcomes are compared on the same requests. */
  look: rolloutLookSchema,
  /** Rows in bins of equal width over both scores; null before the first pair. */
  scores: z
    .object({ edges: z.array(z.number()), champion: z.array(z.int()), shadow: z.array(z.int()) })
    .nullable(),
  /** Quantiles of the shadow's score minus the champion's on the same request; null before the first pair. */
  differences: z
    .object({
      p05: z.number(),
      p25: z.number(),
      p50: z.number(),
      p75: z.number(),
      p95: z.number(),
    })
    .nullable(),
  /** Requests on which both are furthest apart. */
  furthest: z.array(
    z.object({ predictionId: z.string(), eventTime: z.string(), champion: z.number(), shadow: z.number() }),
  ),
});
export type ShadowEvidence = z.infer<typeof shadowEvidenceSchema>;
