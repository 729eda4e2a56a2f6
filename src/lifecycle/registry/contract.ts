/**
 * What the registry shows to the outside: registered models, their versions with all that was recorded
 * about each, and who moved which alias when and why.
 */
import { z } from 'zod';
import { gateResultSchema } from '../../core/gate-result.ts';
import { digestSchema } from '../../core/model-types.ts';

/** RFC 3339 time. */
const timeSchema = z.string();

/** The two aliases that deployments follow. Only `promote` and `rollback` move the champion by our API. */
export const CHAMPION = 'champion';
export const CHALLENGER = 'challenger';

export const versionStatusSchema = z.enum(['PENDING_REGISTRATION', 'READY', 'FAILED_REGISTRATION']);
export type VersionStatus = z.infer<typeof versionStatusSchema>;

export const stageSchema = z.enum(['None', 'Staging', 'Production', 'Archived']);
export type Stage = z.infer<typeof stageSchema>;

export const signatureFieldSchema = z.object({
  name: z.string(),
  type: z.string(),
  required: z.boolean().default(true),
  /** Shape of one row: `[]` a scalar column, `[30]` a vector of 30, -1 a free dimension. */
  shape: z.array(z.number().int()).default([]),
});

/** The inputs and outputs of a packaged model, as in its package manifest. */
export const signatureSchema = z.object({
  inputs: z.array(signatureFieldSchema),
  outputs: z.array(signatureFieldSchema),
});
export type Signature = z.infer<typeof signatureSchema>;

const gateRecordSchema = gateResultSchema.extend({
  evaluationId: z.string().nullable(),
  recordedAt: timeSchema,
});
export type GateRecord = z.infer<typeof gateRecordSchema>;

const approvalSchema = z.object({
  id: z.string(),
  decision: z.enum(['approved', 'rejected']),
  /** Who decided, as `kind:id`. */
  by: z.string(),
  reason: z.string(),
  decidedAt: timeSchema,
});
export type Approval = z.infer<typeof approvalSchema>;

export const aliasMoveSchema = z.object({
  id: z.string(),
  alias: z.string(),
  /** Null: the alias was taken away. */
  version: z.number().int().nullable(),
  /** Null: the alias did not exist before. */
  previousVersion: z.number().int().nullable(),
  action: z.enum(['set', 'clear', 'promote', 'rollback']),
  by: z.string(),
  reason: z.string(),
  movedAt: timeSchema,
});
export type AliasMove = z.infer<typeof aliasMoveSchema>;

export const modelVersionSchema = z.object({
  name: z.string(),
  version: z.number().int(),
  status: versionStatusSchema,
  statusMessage: z.string().nullable(),
  stage: stageSchema,
  description: z.string(),
  /** Where the artifacts were logged, MLflow's `source`. */
  source: z.string(),
  /** Digest of the package manifest; null until the version was packaged. Serving needs it. */
  digest: digestSchema.nullable(),
  /** MLflow logged-model id. */
  modelId: z.string().nullable(),
  sourceRunId: z.string().nullable(),
  datasetVersionId: z.string().nullable(),
  datasetDigest: z.string().nullable(),
  signature: signatureSchema.nullable(),
  evaluationId: z.string().nullable(),
  aliases: z.array(z.string()),
  gates: z.array(gateRecordSchema),
  approvals: z.array(approvalSchema),
  tags: z.record(z.string(), z.string()),
  createdBy: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type ModelVersion = z.infer<typeof modelVersionSchema>;

export const registeredModelSchema = z.object({
  name: z.string(),
  description: z.string(),
  /** Version number by alias. */
  aliases: z.record(z.string(), z.number().int()),
  /** The greatest version number; null for a model without versions. */
  latestVersion: z.number().int().nullable(),
  /** The champion before the present one; what `rollback` goes back to. */
  previousChampion: z.number().int().nullable(),
  tags: z.record(z.string(), z.string()),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type RegisteredModel = z.infer<typeof registeredModelSchema>;

/** What the loop knows when it registers a packaged model. */
export const createVersionInputSchema = z.strictObject({
  /** The registered model; created when it does not exist yet. */
  name: z.string().min(1),
  digest: digestSchema,
  /** Reuses the version that the script registered for this logged model, if there is one. */
  modelId: z.string().nullable().default(null),
  /** Which of several versions of that logged model; left out: the newest that has no package. */
  version: z.number().int().min(1).optional(),
  sourceRunId: z.string().nullable().default(null),
  source: z.string().optional(),
  datasetVersionId: z.string().nullable().default(null),
  datasetDigest: z.string().nullable().default(null),
  signature: signatureSchema.nullable().default(null),
  evaluationId: z.string().nullable().default(null),
  description: z.string().default(''),
});
export type CreateVersionInput = z.input<typeof createVersionInputSchema>;

export const recordGatesInputSchema = z.strictObject({
  evaluationId: z.string().nullable(),
  gates: z.array(gateResultSchema),
});
export type RecordGatesInput = z.infer<typeof recordGatesInputSchema>;

const reasonSchema = z.string().trim().min(1).max(2000);

export const approvalInputSchema = z.strictObject({
  decision: z.enum(['approved', 'rejected']),
  reason: reasonSchema,
});
export type ApprovalInput = z.infer<typeof approvalInputSchema>;

/** Makes a version the champion and takes `challenger` away, in one step. */
export const promoteInputSchema = z.strictObject({
  version: z.number().int().min(1),
  reason: reasonSchema,
});
export type PromoteInput = z.infer<typeof promoteInputSchema>;

/** Makes the previous champion the champion again. */
export const rollbackInputSchema = z.strictObject({ reason: reasonSchema });
export type RollbackInput = z.infer<typeof rollbackInputSchema>;

export const setAliasInputSchema = z.strictObject({
  version: z.number().int().min(1),
  reason: reasonSchema,
});

/** What people say of a model or a version; an empty text takes it away. */
export const describeInputSchema = z.strictObject({ description: z.string().max(20_000) });

const page = {
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  after: z.string().optional(),
};

/** Lists of registered models and of versions: the filter grammar of docs/search.md, keys of the order by commas. */
export const registryListQuerySchema = z.strictObject({
  filter: z.string().optional(),
  orderBy: z.string().optional(),
  /** `true` asks for the exact number of all matches beside the page. */
  count: z.stringbool().default(false),
  ...page,
});

export const aliasMoveListQuerySchema = z.strictObject(page);

/** Events of this slice. The subject is `<name>` or `<name>/<version>`. */
const registryEventTypes = [
  'registered-model.created',
  'registered-model.changed',
  'registered-model.renamed',
  'registered-model.deleted',
  'model-version.created',
  'model-version.changed',
  'model-version.packaged',
  'model-version.gated',
  'model-version.approved',
  'model-version.rejected',
  'model-version.deleted',
  'model-alias.set',
  'model-alias.cleared',
  'model.promoted',
  'model.rolled-back',
] as const;
export type RegistryEventType = (typeof registryEventTypes)[number];
