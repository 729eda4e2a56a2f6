/**
 * What pipelines shows to the outside: step runs. A step is a unit of work of a known kind (`train`,
 * `evaluate`, ...) with typed inputs and outputs; a step run is one execution of it that ends exactly once.
 */
import { z } from 'zod';

/** RFC 3339 time. */
const timeSchema = z.string();

/** `queued` until a worker has it; the last three are final. */
const stepStatusSchema = z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']);
export type StepStatus = z.infer<typeof stepStatusSchema>;

/** Where a kind of step runs: in a worker, or in control (light work on control's own frames). */
const stepPlaceSchema = z.enum(['work', 'control']);
export type StepPlace = z.infer<typeof stepPlaceSchema>;

/** Why a step failed. */
const stepErrorSchema = z.object({
  /** A code of the error catalogue. */
  code: z.string(),
  /** One sentence that names the thing. */
  message: z.string(),
  next: z.string(),
});
export type StepError = z.infer<typeof stepErrorSchema>;

/** One run of a step, over all its attempts. */
export const stepRunSchema = z.object({
  id: z.string(),
  kind: z.string(),
  /** What the step works on, e.g. `flight-delay/3` (a turn). */
  subject: z.string(),
  place: stepPlaceSchema,
  status: stepStatusSchema,
  inputs: z.record(z.string(), z.unknown()),
  /** null until it has succeeded. */
  outputs: z.record(z.string(), z.unknown()).nullable(),
  error: stepErrorSchema.nullable(),
  /** How often it was begun; more than 1 after a crash or a fault that passes. */
  attempts: z.number().int(),
  createdAt: timeSchema,
  startedAt: timeSchema.nullable(),
  finishedAt: timeSchema.nullable(),
  /** From the first start to the end; null while it waits or runs. */
  durationMs: z.number().nullable(),
});
export type StepRun = z.infer<typeof stepRunSchema>;

export const stepRunQuerySchema = z.strictObject({
  subject: z.string().optional(),
  kind: z.string().optional(),
  status: stepStatusSchema.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  after: z.string().optional(),
});
export type StepRunQuery = z.infer<typeof stepRunQuerySchema>;

/** GET /api/v1/step-runs/:id/logs */
export const stepLogQuerySchema = z.strictObject({
  /** Number of the last line that is known already; 0 = from the beginning. */
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(5000).default(1000),
});

export const stepLogLineSchema = z.object({
  /** Grows with each line, over all attempts; not without gaps. */
  number: z.number().int(),
  attempt: z.number().int(),
  at: timeSchema,
  /** `system`: said by Millrace, not by the step's program. */
  stream: z.enum(['stdout', 'stderr', 'system']),
  text: z.string(),
});
export type StepLogLine = z.infer<typeof stepLogLineSchema>;

/** POST /api/v1/step-runs/:id/cancel */
export const cancelStepSchema = z.strictObject({ reason: z.string().trim().min(1).max(2000) });

/** Events of this slice. The subject is the step run's id; data: kind, subject, status. */
export type StepEventType = 'step.queued' | 'step.finished';
