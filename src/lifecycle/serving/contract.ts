import { z } from 'zod';

/**
 * The serving slice's contract: what control and serve say to each other (routes, packages, status),
 * the endpoint and replica resources of the REST API, and the columns of the prediction log.
 * Browser-safe: nothing here touches Node.
 */

/** `sha256:` and 64 lower-case hex digits: the name of a blob. */
export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256:<64 hex digits>');

/** Names of endpoints: they appear in URLs, files and stream names. */
export const endpointNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'expected letters, digits, dot, dash or underscore (at most 128)',
  );

/** Number of buckets that sticky routing hashes entities into; a weight of 0.01 is 100 buckets. */
export const bucketCount = 10_000;

export const armNameSchema = z.enum(['champion', 'challenger']);
export type ArmName = z.infer<typeof armNameSchema>;

// ---------------------------------------------------------------- model package

/** MLflow's column types; `datetime` travels as RFC 3339 text and `binary` as base64. */
export const columnTypeSchema = z.enum([
  'boolean',
  'integer',
  'long',
  'float',
  'double',
  'string',
  'datetime',
  'binary',
]);
export type ColumnType = z.infer<typeof columnTypeSchema>;

/**
 * One input or output of a model. `shape` is the shape of one row: `[]` a scalar column, `[30]` a vector of
 * 30; the leading batch dimension is never part of it, -1 is a free dimension.
 */
export const signatureFieldSchema = z.object({
  name: z.string().min(1),
  type: columnTypeSchema,
  required: z.boolean().default(true),
  shape: z.array(z.int()).default([]),
});
export type SignatureField = z.infer<typeof signatureFieldSchema>;

export const modelSignatureSchema = z.object({
  inputs: z.array(signatureFieldSchema),
  outputs: z.array(signatureFieldSchema),
});
export type ModelSignature = z.infer<typeof modelSignatureSchema>;

/** ONNX element types that the runtime accepts, by their ONNX names. */
export const elementTypeSchema = z.enum([
  'float',
  'double',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
  'string',
]);
export type ElementType = z.infer<typeof elementTypeSchema>;

/** A graph tensor; shape includes the batch dimension, -1 is free. */
export const graphTensorSchema = z.object({
  name: z.string(),
  type: elementTypeSchema,
  shape: z.array(z.int()),
});
export type GraphTensor = z.infer<typeof graphTensorSchema>;

/** A graph input and the signature columns that fill it, in order (one column, or many side by side). */
export const graphInputSchema = graphTensorSchema.extend({ columns: z.array(z.string()).min(1) });
export type GraphInput = z.infer<typeof graphInputSchema>;

/** What the converter measured between the Python model and the ONNX graph on the sample rows. */
export const conversionReportSchema = z.object({
  flavor: z.string(),
  rows: z.int(),
  maxAbsDifference: z.number(),
  bound: z.number(),
});
export type ConversionReport = z.infer<typeof conversionReportSchema>;

/**
 * The manifest blob of a model package; its digest is the digest of the model version. `score` says which
 * output (and which column of it) is the score that is logged and monitored; null when there is none.
 * `sample` holds input rows ({column: value}) used for warm-up and for the try-it page.
 */
export const packageManifestSchema = z.object({
  formatVersion: z.literal(1),
  model: z.string(),
  onnx: digestSchema,
  signature: modelSignatureSchema,
  graph: z.object({ inputs: z.array(graphInputSchema), outputs: z.array(graphTensorSchema) }),
  score: z.object({ output: z.string(), index: z.int().min(0) }).nullable(),
  classes: z.array(z.union([z.string(), z.number()])).nullable(),
  contract: digestSchema.nullable(),
  sample: z.array(z.record(z.string(), z.unknown())),
  conversion: conversionReportSchema.nullable().default(null),
});
export type PackageManifest = z.infer<typeof packageManifestSchema>;

// ---------------------------------------------------------------- routes

export const routeArmSchema = z.object({
  arm: armNameSchema,
  modelVersion: z.string(),
  packageDigest: digestSchema,
  /** Share of the traffic, 0..1; the weights of an endpoint's arms sum to 1. */
  weight: z.number().min(0).max(1),
});
export type RouteArm = z.infer<typeof routeArmSchema>;

export const shadowSchema = z.object({ modelVersion: z.string(), packageDigest: digestSchema });
export type Shadow = z.infer<typeof shadowSchema>;

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
  /** Empty while nothing is deployed. */
  arms: z.array(routeArmSchema).max(2),
  shadow: shadowSchema.nullable(),
});
export type EndpointRoute = z.infer<typeof endpointRouteSchema>;

/** The whole routing state; `version` is the highest routeVersion in it and only ever grows. */
export const routeTableSchema = z.object({
  version: z.int().min(0),
  endpoints: z.array(endpointRouteSchema),
});
export type RouteTable = z.infer<typeof routeTableSchema>;

/** Messages that control sends down a replica's stream, one JSON object a line. */
export const streamMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('routes'), routes: routeTableSchema }),
  z.object({ type: z.literal('seal'), token: z.string() }),
  z.object({ type: z.literal('ping') }),
]);
export type StreamMessage = z.infer<typeof streamMessageSchema>;

// ---------------------------------------------------------------- replicas

export const replicaModelSchema = z.object({
  digest: digestSchema,
  state: z.enum(['loading', 'ready', 'failed']),
  error: z.string().optional(),
});
export type ReplicaModel = z.infer<typeof replicaModelSchema>;

/** What a replica posts to `/api/v1/replicas/<id>/status`. */
export const replicaStatusSchema = z.object({
  /** Version of the route table in force on the replica; 0 before the first. */
  routesVersion: z.int().min(0),
  /** Version that the replica could not put in force (a model failed to load); absent when none. */
  failedRoutesVersion: z.int().optional(),
  models: z.array(replicaModelSchema),
  sealedToken: z.string().optional(),
  /** Where the replica answers predictions, e.g. http://127.0.0.1:7601. */
  url: z.string().optional(),
  /** Sealed or open log segments that control does not have yet. */
  segmentsWaiting: z.int().min(0).optional(),
  /** Shadow copies dropped since the replica started, because the shadow queue was full. */
  shadowDropped: z.int().min(0).optional(),
});
export type ReplicaStatus = z.infer<typeof replicaStatusSchema>;

export const replicaSchema = z.object({
  id: z.string(),
  connected: z.boolean(),
  url: z.string().nullable(),
  routesVersion: z.int(),
  models: z.array(replicaModelSchema),
  segmentsWaiting: z.int(),
  shadowDropped: z.int(),
  connectedAt: z.string().nullable(),
  lastSeenAt: z.string().nullable(),
});
export type Replica = z.infer<typeof replicaSchema>;

// ---------------------------------------------------------------- endpoints (REST)

export const endpointSchema = z.object({
  name: endpointNameSchema,
  model: z.string(),
  routeVersion: z.int(),
  salt: z.string(),
  entityFeature: z.string().nullable(),
  eventTimeFeature: z.string().nullable(),
  arms: z.array(routeArmSchema),
  shadow: shadowSchema.nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
  /** How far each replica is with this endpoint: `current` when it serves this routeVersion or a later one. */
  replicas: z.array(
    z.object({ id: z.string(), connected: z.boolean(), current: z.boolean(), url: z.string().nullable() }),
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
  entityFeature: z.string().nullable().default(null),
  eventTimeFeature: z.string().nullable().default(null),
});
export type DeclareEndpoint = z.input<typeof declareEndpointSchema>;

const reason = z.string().min(1).max(2000);

/** POST /api/v1/endpoints/:name/deploy: the version becomes champion with all traffic. */
export const deployVersionSchema = z.strictObject({
  modelVersion: z.string(),
  packageDigest: digestSchema,
  reason,
});
/** POST …/challenge: the version becomes challenger with `weight` of the traffic; a new salt is drawn. */
export const challengeSchema = z.strictObject({
  modelVersion: z.string(),
  packageDigest: digestSchema,
  weight: z.number().min(0).max(1),
  reason,
});
/** POST …/weight: changes the challenger's share; the salt stays, so widening keeps who was in. */
export const setWeightSchema = z.strictObject({ weight: z.number().min(0).max(1), reason });
/** POST …/shadow: null ends the shadow. */
export const setShadowSchema = z.strictObject({ shadow: shadowSchema.nullable(), reason });
/** POST …/promote: the challenger becomes champion with all traffic, in one change. */
export const promoteEndpointSchema = z.strictObject({ reason });
/** POST …/withdraw: the challenger and the shadow lose their traffic; the champion has all of it. */
export const withdrawSchema = z.strictObject({ reason });
/** POST …/rollback: to the arms of an earlier route version; default: the champion before the current one. */
export const rollbackEndpointSchema = z.strictObject({ toRouteVersion: z.int().optional(), reason });

/** Event types that the slice appends to the journal; subject is the endpoint's or the replica's name. */
export const servingEvents = {
  endpointDeclared: 'endpoint.declared',
  endpointRouted: 'endpoint.routed',
  endpointPromoted: 'endpoint.promoted',
  endpointRolledBack: 'endpoint.rolled-back',
  replicaConnected: 'replica.connected',
  replicaDisconnected: 'replica.disconnected',
  replicaApplied: 'replica.applied',
} as const;

// ---------------------------------------------------------------- prediction log

/** Prefix of the Parquet columns that hold the features: `feature:origin`. */
export const featureColumnPrefix = 'feature:';

/**
 * Fixed columns of the prediction log with their DuckDB types; feature columns follow. Times are epoch
 * milliseconds, latency is microseconds, `propensity` is the share of the arm's traffic when it was drawn,
 * `status` is `ok` or an error code. A row is named by (prediction_id, arm): a shadow row shares the
 * caller's prediction id, and a segment may be read twice, so readers remove doubles.
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
  { name: 'status', type: 'VARCHAR' },
  { name: 'error', type: 'VARCHAR' },
  { name: 'latency_us', type: 'BIGINT' },
  { name: 'score', type: 'DOUBLE' },
  { name: 'outputs', type: 'VARCHAR' },
  { name: 'flags', type: 'VARCHAR' },
] as const;

export const predictionArmSchema = z.enum(['champion', 'challenger', 'shadow']);
export type PredictionArm = z.infer<typeof predictionArmSchema>;

/** POST /api/v1/prediction-segments, sent by the replica that wrote the segment; idempotent by `id`. */
export const predictionSegmentSchema = z.object({
  id: z.string(),
  endpoint: endpointNameSchema,
  digest: digestSchema,
  rows: z.int().min(1),
  minEventTimeMs: z.int(),
  maxEventTimeMs: z.int(),
});
export type PredictionSegment = z.infer<typeof predictionSegmentSchema>;
