/**
 * How registered models travel between servers: whole, with their versions under their own numbers, deleted ones too.
 * Times are epoch milliseconds, because that is what is compared on both sides. Browser-safe.
 */
import { z } from 'zod';
import { digestSchema } from '../../../core/model-types.ts';
import { stageSchema, versionStatusSchema } from '../contract.ts';

const timeMs = z.number().int();
const tags = z.array(z.strictObject({ key: z.string(), value: z.string() }));
const versionNumber = z.number().int().min(1);

export const transferVersionSchema = z.strictObject({
  version: versionNumber,
  status: versionStatusSchema,
  statusMessage: z.string().nullable(),
  stage: stageSchema,
  /** Deleted, with its number kept; the rest of it is redacted. */
  deleted: z.boolean(),
  description: z.string(),
  source: z.string(),
  /** Where the files lie at the server that is read or written. */
  storageLocation: z.string(),
  runId: z.string().nullable(),
  runLink: z.string().nullable(),
  modelId: z.string().nullable(),
  createdBy: z.string(),
  createdAtMs: timeMs,
  updatedAtMs: timeMs,
  tags,
  // What only Millrace knows; null from other servers.
  digest: digestSchema.nullable(),
  datasetVersionId: z.string().nullable(),
  datasetDigest: z.string().nullable(),
  /** As JSON text. */
  signature: z.string().nullable(),
  evaluationId: z.string().nullable(),
});
export type TransferVersion = z.infer<typeof transferVersionSchema>;

export const transferAliasMoveSchema = z.strictObject({
  id: z.string(),
  alias: z.string(),
  version: versionNumber.nullable(),
  previousVersion: versionNumber.nullable(),
  action: z.enum(['set', 'clear', 'promote', 'rollback']),
  by: z.string(),
  reason: z.string(),
  movedAtMs: timeMs,
});
export type TransferAliasMove = z.infer<typeof transferAliasMoveSchema>;

export const transferRegisteredModelSchema = z.strictObject({
  name: z.string().min(1),
  description: z.string(),
  isPrompt: z.boolean(),
  /** The greatest number ever given, as far as the source tells. */
  lastVersion: z.number().int(),
  createdAtMs: timeMs,
  updatedAtMs: timeMs,
  tags,
  aliases: z.array(z.strictObject({ alias: z.string(), version: versionNumber })),
  versions: z.array(transferVersionSchema),
  /** Empty from servers that keep no history. */
  aliasMoves: z.array(transferAliasMoveSchema),
});
export type TransferRegisteredModel = z.infer<typeof transferRegisteredModelSchema>;

export const importRegisteredModelsSchema = z.strictObject({
  /** Where from, for the history of aliases. */
  source: z.string().min(1).max(2000),
  models: z.array(transferRegisteredModelSchema).max(100),
});

/** What is here of a registered model after it was written. */
const importedRegisteredModelSchema = z.object({
  name: z.string(),
  /** False: a model of that name was here before; only version numbers that were free were added. */
  owned: z.boolean(),
  versions: z.number().int(),
  digest: z.string(),
});
export type ImportedRegisteredModel = z.infer<typeof importedRegisteredModelSchema>;
export const importedRegisteredModelsSchema = z.object({ models: z.array(importedRegisteredModelSchema) });

export const exportRegisteredModelsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  /** The name of the last one of the page before. */
  after: z.string().optional(),
});
