import { z } from 'zod';
import { digestSchema } from '../../core/model-types.ts';
import { reasonSchema } from '../../core/reason.ts';
import { loopFileSchema, loopNameSchema } from './loop-file.ts';
import { overridesSchema, triggerSchema, turnSummarySchema } from './turn.ts';

/** RFC 3339 time. */
const timeSchema = z.string();

/** What the engine still has to do before it has dealt with everything up to the watermark. */
const pendingWorkSchema = z.object({
  kind: z.enum(['events', 'step', 'monitor', 'assessment', 'transition']),
  what: z.string(),
});
export type PendingWork = z.infer<typeof pendingWorkSchema>;

/** GET /api/v1/loops/:name: the file in force, the champion, the turn under way and what is waited for. */
export const loopSchema = z.object({
  name: loopNameSchema,
  version: z.number().int(),
  state: z.enum(['active', 'paused']),
  endpoint: z.string(),
  model: z.string(),
  file: loopFileSchema,
  /** The file as it was applied, comments and all. */
  text: z.string(),
  appliedAt: timeSchema,
  appliedBy: z.string(),
  createdAt: timeSchema,
  /** Dataset version that the first turn trains on. */
  datasetVersionId: z.string(),
  championVersion: z.number().int().nullable(),
  activeTurn: turnSummarySchema.nullable(),
  lastTurn: turnSummarySchema.nullable(),
  waitingTriggers: z.array(triggerSchema),
  cooldownUntil: timeSchema.nullable(),
  /** Event time up to which all predictions are known to be in. */
  watermark: timeSchema.nullable(),
  /** True when all is done that can be done at this watermark: it waits for traffic, time or a person. */
  idle: z.boolean(),
  pending: z.array(pendingWorkSchema),
  /** What it waits for now, as one sentence. */
  waitsFor: z.string(),
});
export type Loop = z.infer<typeof loopSchema>;

/** A version of a loop file as it was applied. */
export const loopVersionSchema = z.object({
  version: z.number().int(),
  text: z.string(),
  digest: digestSchema,
  appliedAt: timeSchema,
  appliedBy: z.string(),
});
export type LoopVersion = z.infer<typeof loopVersionSchema>;

/** A file of the training code, already uploaded as a blob. */
export const codeFileSchema = z.strictObject({
  /** Relative to the loop file, with forward slashes. */
  path: z
    .string()
    .min(1)
    .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
      message: 'expected a path below the loop file',
    }),
  digest: digestSchema,
});
export type CodeFile = z.infer<typeof codeFileSchema>;

/** POST /api/v1/loops. Applying the same again changes nothing. */
export const applyLoopSchema = z.strictObject({
  /** The loop file's text (YAML or JSON). */
  text: z.string().min(1).max(1_000_000),
  /** Name shown in errors. */
  fileName: z.string().default('loop.yaml'),
  files: z.array(codeFileSchema).max(500).default([]),
  /** The registered dataset version of `data.source`, when that is a file. */
  datasetVersionId: z.string().optional(),
});
export type ApplyLoop = z.input<typeof applyLoopSchema>;

/** What applying a loop file came to. */
export const applyResultSchema = z.object({
  loop: loopSchema,
  /** `unchanged` when this text and these files were in force already. */
  outcome: z.enum(['created', 'changed', 'unchanged']),
});
export type ApplyResult = z.infer<typeof applyResultSchema>;

/** POST /api/v1/loops/:name/trigger */
export const triggerInputSchema = z.strictObject({
  reason: reasonSchema,
  overrides: overridesSchema.default({}),
});
export type TriggerInput = z.input<typeof triggerInputSchema>;

/** POST /api/v1/loops/:name/pause, …/resume and /api/v1/turns/:id/approve, …/reject, …/abort, …/retry */
export const reasonInputSchema = z.strictObject({ reason: reasonSchema });

/** Events of this slice. The subject is the loop's name or `<loop>/<turn number>`. */
export type LoopEventType =
  | 'loop.applied'
  | 'loop.paused'
  | 'loop.resumed'
  | 'loop.triggered'
  | 'turn.started'
  | 'turn.changed'
  | 'turn.assessed'
  | 'turn.decided'
  | 'turn.finished'
  | 'loop.monitoring-failed';
