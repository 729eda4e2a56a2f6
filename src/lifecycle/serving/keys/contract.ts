import { z } from 'zod';

/** Keys of endpoints: what callers show, what is kept of them, and what replicas get. Browser-safe. */

/**
 * `predict`: ask for predictions (and what `inspect` allows); `inspect`: metadata, configuration and statistics;
 * `manage`: load and unload models, where a server has a folder of them.
 */
const keyActionSchema = z.enum(['predict', 'inspect', 'manage']);
export type KeyAction = z.infer<typeof keyActionSchema>;

/** POST /api/v1/endpoint-keys */
export const createEndpointKeySchema = z.strictObject({
  /** Whose key it is, for people. */
  name: z.string().trim().min(1).max(200),
  /** Endpoints that it opens; null: every one. */
  endpoints: z.array(z.string().min(1).max(128)).min(1).max(1000).nullable(),
  actions: z.array(keyActionSchema).min(1).default(['predict']),
  /** RFC 3339; null: until it is revoked. */
  expiresAt: z.string().nullable().default(null),
  reason: z.string().trim().min(1).max(2000),
});
export type CreateEndpointKey = z.input<typeof createEndpointKeySchema>;

export const endpointKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  /** The beginning of the key, to know it by. */
  hint: z.string(),
  endpoints: z.array(z.string()).nullable(),
  actions: z.array(keyActionSchema),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
  createdBy: z.string(),
  createdAt: z.string(),
});
export type EndpointKey = z.infer<typeof endpointKeySchema>;

/** The answer to making a key: the only time that the key itself is told. */
export const createdEndpointKeySchema = endpointKeySchema.extend({ key: z.string() });
export type CreatedEndpointKey = z.infer<typeof createdEndpointKeySchema>;

/** POST /api/v1/endpoint-keys/:id/revoke */
export const revokeEndpointKeySchema = z.strictObject({ reason: z.string().trim().min(1).max(2000) });

/** A key as replicas know it: never the key itself. */
export const routeKeySchema = z.object({
  /** SHA-256 of the key in hex. A key has 256 random bits, so nothing slower is needed. */
  digest: z.string(),
  endpoints: z.array(z.string()).nullable(),
  actions: z.array(keyActionSchema),
  expiresAtMs: z.int().nullable(),
});
export type RouteKey = z.infer<typeof routeKeySchema>;
