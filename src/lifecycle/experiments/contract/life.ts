/** Deleting, bringing back, and what goes for good. */
import { z } from 'zod';

/** What is deleted and can be brought back until it is purged. */
export const trashItemSchema = z.object({
  kind: z.enum(['experiment', 'run', 'logged-model']),
  id: z.string(),
  /** The name that an experiment had before it was deleted, where deleting freed it. */
  name: z.string().nullable(),
  experimentId: z.string(),
  deletedAt: z.string(),
  /** Kind and id of who deleted it: `user:ada`. */
  deletedBy: z.string(),
  /** When it may go for good by itself; null when that is only by hand. */
  purgeableAt: z.string().nullable(),
});

export const restoreExperimentSchema = z.strictObject({
  /** Another name, where its own is taken. */
  name: z.string().min(1).optional(),
});

export const deleteRunsSchema = z.strictObject({
  experimentId: z.string(),
  /** Which runs: `metrics.loss.min > 5 or age > 90d`. */
  filter: z.string().trim().min(1),
});

export const newPurgeSchema = z.strictObject({
  /** Only counts. */
  dryRun: z.boolean().default(false),
  /** Only what was deleted that long ago, e.g. `7d`; left out: the setting `purgeAfter`. */
  olderThan: z.string().optional(),
  experimentIds: z.array(z.string()).min(1).max(1000).optional(),
});

export const purgeStartedSchema = z.object({
  /** The step run to follow: its outputs are the counts. */
  stepRunId: z.string(),
});

/** Inputs of the step kind `purge`. */
export const purgeInputsSchema = z.strictObject({
  dryRun: z.boolean(),
  olderThanMs: z.number().min(0),
  experimentIds: z.array(z.number().int()).nullable(),
});
export type PurgeInputs = z.infer<typeof purgeInputsSchema>;

/** Outputs of the step kind `purge`: what went for good, or would. */
export const purgeCountsSchema = z.object({
  experiments: z.number().int(),
  runs: z.number().int(),
  loggedModels: z.number().int(),
  traces: z.number().int(),
  /** Artifacts of those runs and models, and their bytes; files with the same content are stored once. */
  files: z.number().int(),
  fileBytes: z.number().int(),
  /** Blobs that nothing refers to (in a dry run: already), and their bytes. */
  blobs: z.number().int(),
  blobBytes: z.number().int(),
  /** Deleted things that stay, because registered versions came from them. */
  kept: z.number().int(),
});
export type PurgeCounts = z.infer<typeof purgeCountsSchema>;
