import { z } from 'zod';
import { digestSchema } from '../../core/model-package.ts';
import { reasonSchema } from '../../core/reason.ts';
import { defaultEndpointOptions, endpointOptionsSchema } from './contract/endpoint-options.ts';
import { latelySchema } from './contract/lately.ts';
import {
  endpointNameSchema,
  maxArms,
  routeArmSchema,
  shadowSchema,
  withdrawnArmSchema,
} from './contract/traffic.ts';
import { routeKeySchema } from './keys/contract.ts';

export type { ModelSignature, PackageManifest, SignatureField } from '../../core/model-package.ts';
export { digestSchema, modelSignatureSchema, packageManifestSchema } from '../../core/model-package.ts';
export * from './contract/endpoint-options.ts';
export * from './contract/lately.ts';
export * from './contract/traffic.ts';

/**
 * The serving slice's contract: what control and serve say to each other (routes, packages, status),
 * the endpoint and replica resources of the REST API, and the columns of the prediction log.
 * Browser-safe: nothing here touches Node.
 */

// ---------------------------------------------------------------- routes

export const endpointRouteSchema = z.object({
  endpoint: endpointNameSchema,
  /** Registered model that the versions belong to. */
  model: z.string(),
  /** Version of this endpoint's route: it is what the prediction log records. */
  routeVersion: z.int(),
  /** Salt of the sticky split; a new rollout gets a new one. */
  salt: z.string(),
  entityFeature: z.string().nullable(),
  eventTimeFeature: z.string().nullable(),
  options: endpointOptionsSchema.default(defaultEndpointOptions),
  /** Empty while nothing is deployed. */
  arms: z.array(routeArmSchema).max(maxArms),
  shadow: shadowSchema.nullable(),
  /** Signs the tokens of testers who choose their arm; none may while it is left out. Known to replicas alone. */
  overrideKey: z.string().optional(),
});
export type EndpointRoute = z.infer<typeof endpointRouteSchema>;

/** The whole routing state; `version` is the highest routeVersion in it and only ever grows. */
export const routeTableSchema = z.object({
  version: z.int().min(0),
  endpoints: z.array(endpointRouteSchema),
  /** Keys that open endpoints, by digest; left out where there are none. */
  keys: z.array(routeKeySchema).optional(),
});
export type RouteTable = z.infer<typeof routeTableSchema>;

/** Messages that control sends down a replica's stream, one JSON object a line. */
export const streamMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('routes'), routes: routeTableSchema }),
  z.object({ type: z.literal('seal'), token: z.string() }),
  /** Of endpoints to `follow` rows are sent as they are written; left out: of none. */
  z.object({ type: z.literal('ping'), follow: z.array(z.string()).optional() }),
]);
export type StreamMessage = z.infer<typeof streamMessageSchema>;

// ---------------------------------------------------------------- replicas

const replicaModelSchema = z.object({
  digest: digestSchema,
  state: z.enum(['loading', 'ready', 'failed']),
  /** Where an ONNX graph computes, and what was measured at its warm-up: that decided it. */
  placement: z
    .object({
      /** `inline`: on the thread that answers; `thread`: on one of its own. */
      place: z.enum(['inline', 'thread']),
      /** Rows of the best batch. */
      maxRows: z.int(),
      loadMs: z.number(),
      runs: z.array(z.object({ rows: z.int(), ms: z.number() })),
    })
    .optional(),
  error: z.string().optional(),
});
export type ReplicaModel = z.infer<typeof replicaModelSchema>;

const replicaEndpointSchema = z.object({
  endpoint: endpointNameSchema,
  /** 0 when the replica has no route of it in force. */
  routeVersion: z.int().min(0),
  error: z.string().optional(),
});

/** What a replica posts to `/api/v1/replicas/<id>/status`. */
const instanceSchema = z.string().min(1).max(100);

/** GET /api/v1/replicas/:id/stream. A replica that does not say its instance is not told apart from others of its name. */
export const streamQuerySchema = z.strictObject({ instance: instanceSchema.optional() });

/** A segment of the prediction log that a replica has set aside, because its disk gave back other bytes than it was given. */
const damagedSegmentSchema = z.object({
  endpoint: z.string(),
  /** Path on the replica's machine. */
  file: z.string(),
  /** null: an earlier process of the replica found it. */
  problem: z.string().nullable(),
  /** Rows that could be read and are in the log, and those that could not; null: not known. */
  rowsRead: z.int().nullable(),
  rowsLost: z.int().nullable(),
});
export type DamagedSegment = z.infer<typeof damagedSegmentSchema>;

export const replicaStatusSchema = z.object({
  /** Version of the newest route table that the replica has worked through; 0 before the first. */
  routesVersion: z.int().min(0),
  /** The highest of those that it ever worked through: lower than control's newest unless control was restored. */
  highestVersion: z.int().min(0).optional(),
  /** The route in force per endpoint; `error` tells why the replica could not take a later one. */
  endpoints: z.array(replicaEndpointSchema),
  models: z.array(replicaModelSchema),
  /** Tells processes of one name apart: drawn anew at each start. */
  instance: instanceSchema.optional(),
  sealedToken: z.string().optional(),
  /** Where the replica answers predictions, e.g. http://127.0.0.1:7601. */
  url: z.string().optional(),
  /** Sealed or open log segments that control does not have yet. */
  segmentsWaiting: z.int().min(0).optional(),
  /** Log segments that are set aside; how many, and the first hundred of them. */
  segmentsDamaged: z.int().min(0).optional(),
  damaged: z.array(damagedSegmentSchema).max(100).optional(),
  /** Shadow copies dropped since the replica started, because the shadow queue was full. */
  shadowDropped: z.int().min(0).optional(),
  /** Arms that the replica's own guard took the traffic from. */
  withdrawn: z.array(withdrawnArmSchema).optional(),
  /** What its clock says as it reports, and said at the last report that control took; not before the first one. */
  clockMs: z.int().optional(),
  heardMs: z.int().optional(),
  /** Which key it hashes fields of its log with, see `hashKeyPrint`; only where one of its endpoints has fields hashed. */
  logHashKey: z.string().max(100).optional(),
  /** Those endpoints. */
  hashedEndpoints: z.array(endpointNameSchema).optional(),
  /** What was asked of it lately, by endpoint; those that nobody asked are left out. */
  lately: z.array(latelySchema.extend({ endpoint: endpointNameSchema })).optional(),
  /** It is about to stop because it was told to. */
  leaving: z.boolean().optional(),
});
export type ReplicaStatus = z.infer<typeof replicaStatusSchema>;

export const replicaSchema = z.object({
  id: z.string(),
  connected: z.boolean(),
  url: z.string().nullable(),
  routesVersion: z.int(),
  endpoints: z.array(replicaEndpointSchema),
  models: z.array(replicaModelSchema),
  segmentsWaiting: z.int(),
  /** Log segments that it has set aside because its disk gave back other bytes than it was given. */
  segmentsDamaged: z.int(),
  damaged: z.array(damagedSegmentSchema),
  shadowDropped: z.int(),
  connectedAt: z.string().nullable(),
  lastSeenAt: z.string().nullable(),
  /** How far its clock is ahead of control's; null when it did not say. Its predictions are dated by it. */
  clockAheadMs: z.int().nullable(),
  /** Which key it hashes fields of its log with, see `hashKeyPrint`; null: it hashes nothing, or did not say. */
  logHashKey: z.string().nullable(),
  /** Whether that is another key than control's: searches, labels and erasures do not find its entities then. */
  logHashKeyDiffers: z.boolean(),
  /** Whether it stopped because it was told to; nobody misses it then. */
  left: z.boolean(),
  /** When it will be forgotten unless it comes back; null while it is connected. */
  forgottenAt: z.string().nullable(),
  /** When another process of its name was last refused, since control started. */
  rivalRefusedAt: z.string().nullable(),
});
export type Replica = z.infer<typeof replicaSchema>;

/** Whether a replica is there and what its clock is like. */
export interface ReplicaHealth {
  readonly replicaId: string;
  /** What it serves, or served. */
  readonly endpoints: readonly string[];
  /** Since when it has been away without having been stopped; null: it is there, or has not been away for long. */
  readonly awaySinceMs: number | null;
  /** Whether `awaySinceMs` can be told: not while replicas may still come back to a control that has just started. */
  readonly presenceIsKnown: boolean;
  readonly clockAheadMs: number | null;
  /** null: it has not said what its clock says since control started. */
  readonly clockIsOff: boolean | null;
  /** Those of its endpoints whose log it hashes with another key than control. */
  readonly otherKeyEndpoints: readonly string[];
}

// ---------------------------------------------------------------- endpoints (REST)

export const endpointSchema = z.object({
  name: endpointNameSchema,
  model: z.string(),
  routeVersion: z.int(),
  salt: z.string(),
  entityFeature: z.string().nullable(),
  eventTimeFeature: z.string().nullable(),
  options: endpointOptionsSchema,
  arms: z.array(routeArmSchema),
  shadow: shadowSchema.nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
  /** When it was taken out of service; null: it is in service. */
  retiredAt: z.string().nullable(),
  /** Asked of the connected replicas together; null when none of them tells. */
  lately: latelySchema.nullable(),
  /** What of its options does nothing, and versions that the registry no longer has; where one endpoint is asked for. */
  warnings: z.array(z.string()).optional(),
  /** How far each replica is with this endpoint: `current` when it serves this routeVersion or a later one. */
  replicas: z.array(
    z.object({
      id: z.string(),
      connected: z.boolean(),
      /** Whether it stopped because it was told to; nobody misses it then. */
      left: z.boolean(),
      current: z.boolean(),
      url: z.string().nullable(),
      error: z.string().nullable(),
    }),
  ),
});
export type Endpoint = z.infer<typeof endpointSchema>;

export const routeActionSchema = z.enum([
  'declare',
  'deploy',
  'challenge',
  'weight',
  'shadow',
  'promote',
  'rollback',
  'withdraw',
  'split',
  'standby',
  'switch',
  'override',
  'retire',
]);
export type RouteAction = z.infer<typeof routeActionSchema>;

/** A route as it was from `createdAt` on: the history of an endpoint. */
export const routeVersionSchema = z.object({
  version: z.int(),
  endpoint: endpointNameSchema,
  action: routeActionSchema,
  actor: z.string(),
  reason: z.string(),
  arms: z.array(routeArmSchema),
  shadow: shadowSchema.nullable(),
  salt: z.string(),
  createdAt: z.string(),
});
export type RouteVersion = z.infer<typeof routeVersionSchema>;

/** POST /api/v1/endpoints; declaring an endpoint again with the same values changes nothing. */
export const declareEndpointSchema = z.strictObject({
  name: endpointNameSchema,
  model: z.string().min(1),
  /** Of each of these, left out: as it is while the model stays, else none. */
  entityFeature: z.string().nullable().optional(),
  eventTimeFeature: z.string().nullable().optional(),
  /** Left out: as they are, or the defaults of a new endpoint. */
  options: endpointOptionsSchema.optional(),
  /** Why, for the audit trail. */
  reason: reasonSchema.default('declared'),
});
export type DeclareEndpoint = z.input<typeof declareEndpointSchema>;

/** Those in service, those that were retired, or both. */
export const endpointLifeSchema = z.enum(['active', 'retired', 'all']);
export type EndpointLife = z.infer<typeof endpointLifeSchema>;

/** DELETE /api/v1/endpoints/:name */
export const retireEndpointSchema = z.strictObject({ reason: reasonSchema });

/** Event types that the slice appends to the journal; subject is the endpoint's or the replica's name. */
export const servingEvents = {
  endpointDeclared: 'endpoint.declared',
  endpointRouted: 'endpoint.routed',
  endpointPromoted: 'endpoint.promoted',
  endpointRolledBack: 'endpoint.rolled-back',
  endpointRetired: 'endpoint.retired',
  /** A replica's guard took an arm's traffic away; the data tell what it counted. */
  endpointGuarded: 'endpoint.guarded',
  replicaConnected: 'replica.connected',
  replicaDisconnected: 'replica.disconnected',
  /** Another process of the same name follows; told once of each that is refused. */
  replicaRefused: 'replica.refused',
  replicaApplied: 'replica.applied',
  /** Its clock and control's have come apart; the data tell how far. */
  replicaClockOff: 'replica.clock-off',
  /** It has had routes that are newer than all that control knows: control was restored from an older backup. */
  replicaAhead: 'replica.ahead',
} as const;

// ---------------------------------------------------------------- prediction log

/** Prefix of the Parquet columns that hold the features: `feature:origin`. */
export const featureColumnPrefix = 'feature:';

/**
 * Fixed columns of the prediction log with their DuckDB types; feature columns follow. Times are epoch
 * milliseconds, latency is microseconds, `propensity` is the share of the arm's traffic when it was drawn,
 * `status` is `ok` or an error code. A row is named by (prediction_id, arm): a shadow row shares the
 * caller's prediction id, and a segment may be read twice, so readers remove doubles. `salt` is the one that
 * `bucket` was drawn with. `override` is null where the split decided, `arm` where a tester chose the arm and
 * `version` where the caller named the version: such rows say nothing about the split.
 * `first_us` is the time to the first piece of an answer that came in pieces; null for others.
 * `flags` is a JSON list of {feature, kind: 'unseen-category'|'out-of-range'|'missing'} or null.
 */
export const predictionLogColumns = [
  { name: 'prediction_id', type: 'VARCHAR' },
  { name: 'endpoint', type: 'VARCHAR' },
  { name: 'entity', type: 'VARCHAR' },
  { name: 'event_time_ms', type: 'BIGINT' },
  { name: 'received_at_ms', type: 'BIGINT' },
  { name: 'model', type: 'VARCHAR' },
  { name: 'model_version', type: 'VARCHAR' },
  { name: 'route_version', type: 'BIGINT' },
  { name: 'arm', type: 'VARCHAR' },
  { name: 'bucket', type: 'INTEGER' },
  { name: 'propensity', type: 'DOUBLE' },
  { name: 'sticky', type: 'BOOLEAN' },
  { name: 'salt', type: 'VARCHAR' },
  { name: 'override', type: 'VARCHAR' },
  { name: 'status', type: 'VARCHAR' },
  { name: 'error', type: 'VARCHAR' },
  { name: 'latency_us', type: 'BIGINT' },
  { name: 'score', type: 'DOUBLE' },
  { name: 'outputs', type: 'VARCHAR' },
  { name: 'flags', type: 'VARCHAR' },
  { name: 'trace_id', type: 'VARCHAR' },
  { name: 'first_us', type: 'BIGINT' },
] as const;
export type PredictionArm = string;

/** POST /api/v1/prediction-segments, sent by the replica that wrote the segment; idempotent by `id`. */
export const predictionSegmentSchema = z.object({
  id: z.string(),
  replicaId: z.string(),
  endpoint: endpointNameSchema,
  digest: digestSchema,
  rows: z.int().min(1),
  minEventTimeMs: z.int(),
  maxEventTimeMs: z.int(),
});
export type PredictionSegment = z.infer<typeof predictionSegmentSchema>;
