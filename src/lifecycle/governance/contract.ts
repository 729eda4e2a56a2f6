/** What governance shows to the outside: the audit trail, and the model card made from recorded evidence. */
import { z } from 'zod';

/** RFC 3339 time. */
const timeSchema = z.string();

export const auditEntrySchema = z.object({
  id: z.string(),
  at: timeSchema,
  actor: z.object({ kind: z.enum(['user', 'job', 'system']), id: z.string() }),
  /** What was done, e.g. `turn:approve`. */
  action: z.string(),
  /** To what, e.g. `{ kind: 'turn', id: 'flight-delay/3' }`. */
  subject: z.object({ kind: z.string(), id: z.string() }),
  /** null where nothing was before or after. */
  before: z.unknown(),
  after: z.unknown(),
  reason: z.string(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** GET /api/v1/audit-entries, newest first. */
export const auditQuerySchema = z.strictObject({
  actor: z.string().optional(),
  action: z.string().optional(),
  subjectKind: z.string().optional(),
  subjectId: z.string().optional(),
  from: timeSchema.optional(),
  to: timeSchema.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  after: z.string().optional(),
});
export type AuditQuery = z.infer<typeof auditQuerySchema>;

const estimateSchema = z.object({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  n: z.number().int(),
});

/**
 * A model card: only what was recorded. What is not known is in `missing`, never guessed.
 * GET /api/v1/registered-models/:name/versions/:version/card; Markdown with `?format=markdown`.
 */
export const modelCardSchema = z.object({
  model: z.string(),
  version: z.number().int(),
  generatedAt: timeSchema,
  status: z.object({
    aliases: z.array(z.string()),
    createdAt: timeSchema,
    createdBy: z.string(),
    digest: z.string().nullable(),
    sourceRunId: z.string().nullable(),
  }),
  data: z.object({ datasetVersionId: z.string().nullable(), digest: z.string().nullable() }),
  signature: z
    .object({
      inputs: z.array(z.object({ name: z.string(), type: z.string(), required: z.boolean() })),
      outputs: z.array(z.object({ name: z.string(), type: z.string() })),
    })
    .nullable(),
  evaluation: z
    .object({
      id: z.string(),
      rows: z.number().int(),
      positives: z.number().int(),
      threshold: z.number(),
      metrics: z.array(
        z.object({
          name: z.string(),
          candidate: estimateSchema,
          dummy: estimateSchema.nullable(),
          champion: estimateSchema.nullable(),
        }),
      ),
      segments: z.array(
        z.object({
          column: z.string(),
          value: z.string().nullable(),
          rows: z.number().int(),
          logLoss: estimateSchema.nullable(),
          auc: estimateSchema.nullable(),
        }),
      ),
    })
    .nullable(),
  gates: z.array(
    z.object({ name: z.string(), verdict: z.enum(['pass', 'fail', 'unsure']), reason: z.string() }),
  ),
  approvals: z.array(
    z.object({
      decision: z.enum(['approved', 'rejected']),
      by: z.string(),
      reason: z.string(),
      decidedAt: timeSchema,
    }),
  ),
  /** Promotions, rollbacks, alias moves and changes of traffic that touched this version, oldest first. */
  history: z.array(z.object({ at: timeSchema, by: z.string(), what: z.string(), reason: z.string() })),
  /** Names of parts for which nothing was recorded. */
  missing: z.array(z.string()),
});
export type ModelCard = z.infer<typeof modelCardSchema>;
