import { z } from 'zod';

export const jobStatus = z.enum(['queued', 'leased', 'done', 'failed', 'cancelled']);
export type JobStatus = z.infer<typeof jobStatus>;

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

export const logLine = z.strictObject({
  stream: z.enum(['stdout', 'stderr', 'system']),
  line: z.string(),
});
export type LogLine = z.infer<typeof logLine>;

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
