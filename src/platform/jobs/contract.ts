import { z } from 'zod';

/**
 * `queued`: free to be leased once its time has come, `leased`: with a worker until its lease runs out. The others are
 * final.
 */
export const jobStatus = z.enum(['queued', 'leased', 'done', 'failed', 'cancelled']);
export type JobStatus = z.infer<typeof jobStatus>;

/** Why a job failed: a code of the catalogue (or of whoever ran it), a sentence, and what to do. */
export const jobError = z.strictObject({
  code: z.string(),
  message: z.string(),
  next: z.string().optional(),
});
export type JobError = z.infer<typeof jobError>;

/** A job as the API shows it. */
export const jobResource = z.object({
  id: z.string(),
  kind: z.string(),
  status: jobStatus,
  /** How often it was leased; each lease is an attempt. */
  attempt: z.number().int(),
  /** How many attempts reported an error (a killed worker is not an error of the job). */
  failures: z.number().int(),
  worker: z.string().nullable(),
  payload: z.unknown(),
  result: z.unknown(),
  error: jobError.nullable(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
});
export type JobResource = z.infer<typeof jobResource>;

/** A line that a step printed, or (`system`) what its worker says of it. */
export const logLine = z.strictObject({
  stream: z.enum(['stdout', 'stderr', 'system']),
  line: z.string(),
});
export type LogLine = z.infer<typeof logLine>;

/** A kept line: `seq` grows over all attempts, and is where a reader goes on. */
export const storedLogLine = logLine.extend({
  seq: z.number().int(),
  attempt: z.number().int(),
  at: z.string(),
});
export type StoredLogLine = z.infer<typeof storedLogLine>;

/** What a worker gets when it leases a job. */
export const leasedJob = z.object({
  id: z.string(),
  kind: z.string(),
  attempt: z.number().int(),
  payload: z.unknown(),
  timeoutMs: z.number(),
  /** How long the lease lasts without a heartbeat. */
  leaseMs: z.number(),
  /** Names this attempt at the API (`Authorization: Bearer …`): requests made with it are the job's own. */
  token: z.string(),
});
export type LeasedJob = z.infer<typeof leasedJob>;
