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
  /** A name, or `kind:name`. */
  actor: z.string().optional(),
  action: z.string().optional(),
  subjectKind: z.string().optional(),
  subjectId: z.string().optional(),
  from: timeSchema.optional(),
  to: timeSchema.optional(),
  /** Part of the reason, the action or the subject's id; letter case is ignored. */
  text: z.string().optional(),
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

/** The dataset version that a model was made from. */
const cardDatasetSchema = z.object({
  dataset: z.string(),
  version: z.number().int(),
  rows: z.number().int(),
  columns: z.number().int(),
  time: z.string().nullable(),
  entity: z.string().nullable(),
  label: z.string().nullable(),
  timeRange: z.object({ min: timeSchema, max: timeSchema }).nullable(),
  source: z.string(),
});
export type CardDataset = z.infer<typeof cardDatasetSchema>;

/** The training run that a model comes from. */
const cardRunSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  user: z.string(),
  startedAt: timeSchema,
  durationMs: z.number().nullable(),
  params: z.array(z.object({ name: z.string(), value: z.string() })),
  /** Last values; `NaN` as text, because JSON has no such number. */
  metrics: z.array(z.object({ name: z.string(), value: z.union([z.number(), z.literal('NaN')]) })),
});
export type CardRun = z.infer<typeof cardRunSchema>;

/** What monitoring told of a version on one endpoint. */
const cardMonitoringSchema = z.object({
  endpoint: z.string(),
  /** Closed windows of event time. */
  windows: z.number().int(),
  lastWindow: z
    .object({
      from: timeSchema,
      to: timeSchema,
      rows: z.number().int(),
      labelled: z.number().int(),
      driftedColumns: z.array(z.string()),
      scoreDrifted: z.boolean(),
      performanceVerdict: z.string(),
    })
    .nullable(),
  /** In the order in which they opened; event times. */
  alerts: z.array(
    z.object({
      kind: z.string(),
      subject: z.string(),
      severity: z.string(),
      reason: z.string(),
      openedAt: timeSchema.nullable(),
      resolvedAt: timeSchema.nullable(),
      open: z.boolean(),
    }),
  ),
});
export type CardMonitoring = z.infer<typeof cardMonitoringSchema>;

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
    /** Trained once more on all rows: gates and evaluation are those of this version. Null for any other version. */
    refitOf: z.int().nullable(),
  }),
  data: z.object({
    datasetVersionId: z.string().nullable(),
    digest: z.string().nullable(),
    /** The registered version; null where the rows were joined from the log, or the version is not known any more. */
    version: cardDatasetSchema.nullable(),
    /** Which rows it was judged on, held out from training; null without an evaluation. */
    holdout: z
      .object({ what: z.string(), rows: z.number().int(), unlabelledRows: z.number().int() })
      .nullable(),
  }),
  /** The run that trained it, as the script logged it. */
  training: cardRunSchema.nullable(),
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
      /** Level of the intervals, e.g. 0.95. */
      confidence: z.number(),
      verdict: z.enum(['pass', 'fail', 'unsure']),
      /** Logistic recalibration on the hold-out: ideal are 0 and 1; null where it is not defined. */
      calibration: z.object({ intercept: z.number().nullable(), slope: z.number().nullable() }),
      latencyP99Ms: estimateSchema,
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
  /** By endpoint; empty where nothing was watched. */
  monitoring: z.array(cardMonitoringSchema),
  /** Names of parts for which nothing was recorded. */
  missing: z.array(z.string()),
});
export type ModelCard = z.infer<typeof modelCardSchema>;

/** POST /api/v1/erasures: what the law gives a person the right to. */
export const eraseEntitySchema = z.strictObject({
  entity: z.string().min(1).max(1000),
  /** null: at all endpoints. */
  endpoint: z.string().min(1).nullable().default(null),
  /** For the audit trail; must not name the entity. */
  reason: z.string().min(1).max(2000),
});
export type EraseEntity = z.infer<typeof eraseEntitySchema>;

/** What an erasure has done so far. */
export const erasureResultSchema = z.object({
  /** What went, for each part of Millrace that holds such data; only those that are done with it. */
  parts: z.array(z.object({ name: z.string(), erased: z.record(z.string(), z.number().int()) })),
  /** Replicas that are away; what they bring is erased when it comes. null: none. */
  outstanding: z.string().nullable(),
  /**
   * Rows of the log whose entities a replica hashed with another key than control's: whether the entity is among them is
   * not known, and nothing of them was erased. `logHashKey` tells the key from others.
   */
  otherKeys: z.array(
    z.object({
      endpoint: z.string(),
      replicaId: z.string(),
      logHashKey: z.string(),
      rows: z.int(),
      from: timeSchema,
      to: timeSchema,
    }),
  ),
  /** Versions of datasets that have the entity and were left as they are: somebody registered them, or a model learnt of them. */
  left: z.array(z.object({ id: z.string(), dataset: z.string(), version: z.int(), rows: z.int() })),
});
export type ErasureResult = z.infer<typeof erasureResultSchema>;

/** GET /api/v1/erasures/<id>. Whose data it erases is in none of its fields. */
export const erasureSchema = erasureResultSchema.extend({
  id: z.string(),
  endpoint: z.string().nullable(),
  reason: z.string(),
  requestedBy: z.string(),
  requestedAt: timeSchema,
  /** `queued` waits for an earlier one, or to be tried again. None is given up. */
  status: z.enum(['queued', 'running', 'done']),
  /** How often it was begun. What a part had erased when an attempt broke off is in no count. */
  attempts: z.int(),
  /** Why the last attempt broke off, and when the next one is; null where none did. */
  problem: z.string().nullable(),
  nextAttemptAt: timeSchema.nullable(),
  endedAt: timeSchema.nullable(),
});
export type Erasure = z.infer<typeof erasureSchema>;
