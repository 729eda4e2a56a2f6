import { z } from 'zod';

/** How requests of an endpoint are computed together. */
const batchingOptionsSchema = z.strictObject({
  /** Most rows of one run; null: what warm-up measured as best for the model. */
  maxRows: z.int().min(1).max(65_536).nullable().default(null),
  /** How long the first row may wait for company; 0: only for what arrives in the same turn of the event loop. */
  maxDelayUs: z.int().min(0).max(1_000_000).default(0),
  /** Rows that may wait; beyond that callers are told to come back (503). */
  maxWaitingRows: z.int().min(1).max(1_000_000).default(8192),
});

/** What may be remembered of answers, by the digest of model and input. */
const cacheOptionsSchema = z.strictObject({
  maxEntries: z.int().min(1).max(1_000_000),
  maxAgeMs: z.int().min(1).nullable().default(null),
});

/** What callers may ask for. Null: as much as they like. */
const limitOptionsSchema = z.strictObject({
  requestsPerSecond: z.number().positive().nullable().default(null),
  concurrentRequests: z.int().min(1).nullable().default(null),
});

/** What of a request goes into the prediction log. Each request is counted and has its row, whatever is left out. */
const logOptionsSchema = z.strictObject({
  /** Share (0..1) of the rows whose features and outputs are kept, chosen by prediction id. */
  payloadShare: z.number().min(0).max(1).default(1),
  /** Features that are never written. */
  redact: z.array(z.string()).default([]),
  /** Features (or `entity`) that are written as a keyed hash, so that equal values stay equal. */
  hash: z.array(z.string()).default([]),
});

/** How an endpoint behaves, apart from who has its traffic. */
export const endpointOptionsSchema = z.strictObject({
  /** Where it stands on the way of a version: staging, production; null: it does not matter. */
  environment: z.string().min(1).max(64).nullable().default(null),
  batching: batchingOptionsSchema.prefault({}),
  /** A request that is not answered by then fails with 504; null: the caller's patience decides. */
  timeoutMs: z.int().min(1).max(3_600_000).nullable().default(null),
  cache: cacheOptionsSchema.nullable().default(null),
  limits: limitOptionsSchema.prefault({}),
  /** Whether callers must show a key of the endpoint. */
  requireKey: z.boolean().default(false),
  log: logOptionsSchema.prefault({}),
});
export type EndpointOptions = z.infer<typeof endpointOptionsSchema>;

export const defaultEndpointOptions: EndpointOptions = endpointOptionsSchema.parse({});
