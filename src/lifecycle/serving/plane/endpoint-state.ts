import { isDeepStrictEqual } from 'node:util';
import { fail } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { epochMs, parseTime } from '../../../core/time.ts';
import type { SegmentColumn } from '../../../platform/segments/index.ts';
import { anchorPlaces } from '../anchor-places.ts';
import {
  bucketCount,
  type EndpointRoute,
  type GuardCounts,
  type PredictionArm,
  predictionLogColumns,
  type RouteArm,
} from '../contract.ts';
import { readOverride } from '../override-token.ts';
import { allocateBuckets } from './allocate-buckets.ts';
import { GuardedArm, RecentFailures } from './arm-guard.ts';
import { bucketOf } from './bucket.ts';
import { featuresMember, type LogPlace, logPlace } from './log-row.ts';
import type { PredictRequest, RequestTensor } from './request.ts';
import type { ServedModel } from './served-model.ts';

/** A model version in its place on an endpoint. */
export interface ServedArm {
  readonly arm: PredictionArm;
  readonly modelVersion: string;
  readonly packageDigest: Digest;
  /** Share of the traffic; 1 for a shadow, which sees all of it. */
  readonly weight: number;
  readonly model: ServedModel;
  /** Counts its answers and takes its traffic away when it breaks its bounds; null where nothing is guarded. */
  readonly guard: GuardedArm | null;
  /** A champion's own, where another arm is guarded, whose failures are compared with them. */
  readonly failures: RecentFailures | null;
  /** What all its rows in the log have in common; see logPlace. */
  readonly logPlace: LogPlace;
  /** Where its inputs are among the endpoint's features; null: they are the first ones, in this order. */
  readonly featurePlaces: readonly number[] | null;
}

/** An endpoint's route with its models loaded. Never changed: a new route is a new state, swapped in whole. */
export interface EndpointState {
  readonly route: EndpointRoute;
  readonly champion: ServedArm | null;
  /** Champion first, then the others in the route's order, those without traffic too; empty without a champion. */
  readonly arms: readonly ServedArm[];
  readonly shadow: ServedArm | null;
  /** Number of the arm (in `arms`) that answers each bucket. */
  readonly owners: Uint8Array;
  /** Inputs that some model of the endpoint knows or that name the request itself. */
  readonly tolerated: ReadonlySet<string>;
  /** Columns of the prediction log; the same object as long as they are the same. */
  readonly logColumns: readonly SegmentColumn[];
}

/** Who a row is about, when it happened and who answers it. */
export interface RowPlan {
  readonly predictionId: string | null;
  readonly entity: string | null;
  readonly eventTimeMs: number;
  /** Null when the caller named the version: such a row says nothing about the split. */
  readonly bucket: number | null;
  /** What decided instead of the split, if anything did. */
  readonly override: 'arm' | 'version' | null;
  readonly arm: ServedArm;
}

/** What watches the guarded arms of an endpoint. */
interface ArmWatch {
  /** Told when an arm breaks its bounds. */
  readonly onBroken: (arm: RouteArm, counts: GuardCounts, reason: string) => void;
  /** What all processes counted of an arm; null where there is one process. */
  readonly together: (arm: RouteArm) => Promise<GuardCounts> | null;
}
const unwatched: ArmWatch = { onBroken: () => {}, together: () => null };

/** Labels name a prediction by its id, which must fit there too. */
export const longestId = 200;
export const longestEntity = 1000;

/** Inputs that describe the row rather than being features, unless a signature says otherwise. */
const reservedInputs = ['prediction_id', 'entity', 'event_time'] as const;

/**
 * Builds the state of a route.
 *
 * @param before the endpoint's state until now, if any: arms that stay keep what their guards counted
 * @param watch its `onBroken` is called at most once for each guarded arm
 */
export function endpointState(
  route: EndpointRoute,
  modelOf: (digest: Digest) => ServedModel,
  before?: EndpointState,
  watch: ArmWatch = unwatched,
): EndpointState {
  const sorted = [...route.arms].sort((a, b) => Number(b.arm === 'champion') - Number(a.arm === 'champion'));
  const targets = sorted.map((a) => ({ ...a, model: modelOf(a.packageDigest) }));
  const shadowModel = route.shadow && modelOf(route.shadow.packageDigest);
  const features = featureColumns([
    ...targets.map((a) => a.model),
    ...(shadowModel && !targets.some((a) => a.model === shadowModel) ? [shadowModel] : []),
  ]);
  const names = features.map((f) => f.name);
  const isGuarded = ({ arm, guard }: RouteArm) => arm !== 'champion' && guard != null;
  const failures = route.arms.some(isGuarded) ? (before?.champion?.failures ?? new RecentFailures()) : null;
  const served = (arm: RouteArm, model: ServedModel, guard: GuardedArm | null): ServedArm => {
    const places = model.featureColumns.map((c) => names.indexOf(c.name));
    const inOrder = places.every((place, i) => place === i);
    const { modelVersion, packageDigest, weight } = arm;
    return {
      arm: arm.arm,
      modelVersion,
      packageDigest,
      weight,
      model,
      guard,
      failures: arm.arm === 'champion' ? failures : null,
      logPlace: logPlace(route, arm.arm, modelVersion),
      featurePlaces: inOrder ? null : places,
    };
  };
  const arms = targets.map(({ model, ...arm }) => {
    const { guard } = arm;
    if (!guard || arm.arm === 'champion') return served(arm, model, null);
    const same = before?.arms.find(
      (b) =>
        b.arm === arm.arm && b.packageDigest === arm.packageDigest && b.modelVersion === arm.modelVersion,
    );
    const kept = same?.guard && isDeepStrictEqual(same.guard.guard, guard) ? same.guard : null;
    const { onBroken, together } = watch;
    const told = (counts: GuardCounts, why: string) => onBroken(arm, counts, why);
    return served(
      arm,
      model,
      kept ?? new GuardedArm(guard, told, failures ?? undefined, () => together(arm)),
    );
  });
  const shadow =
    route.shadow && shadowModel
      ? served({ arm: 'shadow', ...route.shadow, weight: 1 }, shadowModel, null)
      : null;
  const tolerated = new Set<string>(reservedInputs);
  for (const name of [route.entityFeature, route.eventTimeFeature]) if (name) tolerated.add(name);
  for (const arm of [...arms, shadow]) for (const name of arm?.model.inputNames ?? []) tolerated.add(name);
  const columns = [...predictionLogColumns, ...features];
  const sameColumns = before !== undefined && JSON.stringify(before.logColumns) === JSON.stringify(columns);
  const weights = arms.slice(1).map((arm) => (arm.guard?.broken ? 0 : arm.weight));
  const inForce = arms[0]?.arm === 'champion' ? withRest(arms, weights) : [];
  return {
    route,
    champion: inForce[0] ?? null,
    arms: inForce,
    shadow,
    owners: allocateBuckets(weights, anchorPlaces(route)),
    tolerated,
    logColumns: sameColumns ? before.logColumns : columns,
  };
}

/** The arms without the traffic of those that broke their guards: the champion has it. */
function withRest(arms: readonly ServedArm[], weights: readonly number[]): readonly ServedArm[] {
  if (arms.slice(1).every((arm, i) => arm.weight === weights[i])) return arms;
  const rest = 1 - weights.reduce((sum, weight) => sum + weight, 0);
  return arms.map((arm, i) => ({ ...arm, weight: i === 0 ? rest : (weights[i - 1] ?? 0) }));
}

/** The state with the traffic of every arm that broke its guard given to the champion, at once. */
export function withoutBroken(state: EndpointState): EndpointState {
  const weights = state.arms.slice(1).map((arm) => (arm.guard?.broken ? 0 : arm.weight));
  const arms = withRest(state.arms, weights);
  const champion = arms[0] ?? null;
  const { shadow } = state;
  const broken = state.arms.some((arm) => arm.guard?.broken && arm.modelVersion === shadow?.modelVersion);
  const owners = allocateBuckets(weights, anchorPlaces(state.route));
  return { ...state, champion, arms, shadow: broken ? null : shadow, owners };
}

/** The features of all models of an endpoint; one that two of them log differently gets the wider type. */
function featureColumns(models: readonly ServedModel[]): readonly SegmentColumn[] {
  const types = new Map<string, string>();
  for (const { featureColumns: columns } of models) {
    for (const { name, type } of columns) types.set(name, widerType(types.get(name) ?? type, type));
  }
  return [...types].map(([name, type], index) => ({ name, type, list: { member: featuresMember, index } }));
}

function widerType(a: string, b: string): string {
  if (a === b) return a;
  const numeric = ['BIGINT', 'UBIGINT', 'DOUBLE'];
  return numeric.includes(a) && numeric.includes(b) ? 'DOUBLE' : 'VARCHAR';
}

/**
 * The arm that answers when the caller insists on a version; a shadow answers nobody. Throws `model_version_unknown`,
 * `endpoint_empty`.
 */
export function armOfVersion(state: EndpointState, version: string): ServedArm {
  const { arms } = state;
  const arm = arms.find((a) => a.modelVersion === version);
  if (arm) return arm;
  if (arms.length === 0) throw fail('endpoint_empty', { endpoint: state.route.endpoint });
  const versions = arms.map((a) => a.modelVersion).join(', ') || 'none';
  throw fail('model_version_unknown', { endpoint: state.route.endpoint, version, versions });
}

/** The arm that a tester's token names. Throws `override_refused`. */
function armOfToken({ route, arms }: EndpointState, token: string, nowMs: number): ServedArm {
  const { endpoint, overrideKey } = route;
  const name = overrideKey === undefined ? null : readOverride(overrideKey, endpoint, token, nowMs);
  const arm = arms.find((a) => a.arm === name);
  if (arm) return arm;
  const problem = name === null ? 'the token is not valid here, or no longer' : `there is no arm "${name}"`;
  throw fail('override_refused', { endpoint, problem });
}

/**
 * Decides each row's entity, event time and arm. The entity is what the request names, else the endpoint's
 * entity feature; a row without one is drawn at random and is not sticky. A tester's token, then a version that the
 * caller names, goes before the split. Throws `endpoint_empty`, `model_version_unknown`, `override_refused`,
 * `invalid_time`, `request_malformed` for an id or entity that is too long.
 */
export function planRows(state: EndpointState, request: PredictRequest): readonly RowPlan[] {
  const { route, champion, arms, owners } = state;
  if (!champion) throw fail('endpoint_empty', { endpoint: route.endpoint });
  const chosen = request.override ? armOfToken(state, request.override, request.receivedAtMs) : null;
  const pinned = chosen ?? (request.version === null ? null : armOfVersion(state, request.version));
  const override = pinned === null ? null : chosen ? 'arm' : 'version';
  const named = request.tensors.length > 1;
  const ids = named ? cellsOf(request.tensors, 'prediction_id', champion) : null;
  const entities =
    (named ? cellsOf(request.tensors, 'entity', champion) : null) ??
    (route.entityFeature ? featureCells(request.tensors, route.entityFeature, champion) : null);
  const times =
    (named ? cellsOf(request.tensors, 'event_time', champion) : null) ??
    (route.eventTimeFeature ? featureCells(request.tensors, route.eventTimeFeature, champion) : null);

  const plans: RowPlan[] = [];
  // Rows of one request often have one entity.
  let [lastEntity, lastBucket]: [string | null, number] = [null, 0];
  for (let row = 0; row < request.rowCount; row++) {
    const entity = request.entities?.[row] ?? text(entities?.(row));
    if (entity !== null && entity !== lastEntity)
      [lastEntity, lastBucket] = [entity, bucketOf(route.salt, entity)];
    const bucket = entity === null ? Math.floor(Math.random() * bucketCount) : lastBucket;
    const predictionId = request.predictionIds?.[row] ?? text(ids?.(row));
    requireLength('a prediction id', predictionId, longestId);
    requireLength('an entity', entity, longestEntity);
    plans.push({
      predictionId,
      entity,
      eventTimeMs: request.eventTimesMs?.[row] ?? timeOf(times?.(row)) ?? request.receivedAtMs,
      bucket: pinned ? null : bucket,
      override,
      arm: pinned ?? arms[owners[bucket] ?? 0] ?? champion,
    });
  }
  return plans;
}

function requireLength(what: string, value: string | null, longest: number): void {
  if (value === null || value.length <= longest) return;
  const problem = `${what} may have ${longest} characters, this has ${value.length}`;
  throw fail('request_malformed', { problem });
}

type Cells = (row: number) => unknown;

/** A describing input, unless the model has a feature of that name. */
function cellsOf(tensors: readonly RequestTensor[], name: string, champion: ServedArm): Cells | null {
  if (champion.model.inputNames.has(name)) return null;
  const tensor = tensors.find((t) => t.name === name);
  return tensor ? (row) => tensor.data[row * tensor.width] : null;
}

/** A feature by name, also inside a tensor that holds all columns side by side. */
function featureCells(tensors: readonly RequestTensor[], name: string, champion: ServedArm): Cells | null {
  const tensor = tensors.find((t) => t.name === name);
  if (tensor) return (row) => tensor.data[row * tensor.width];
  const [only] = tensors;
  const { inputs } = champion.model.manifest.signature;
  const offset = inputs.findIndex((f) => f.name === name);
  if (!only || tensors.length > 1 || offset < 0 || only.width !== inputs.length) return null;
  return (row) => only.data[row * only.width + offset];
}

/** An id or entity as text; null for none, which is also what a column of numbers has as NaN. */
function text(value: unknown): string | null {
  if (value === null || value === undefined || value === '' || Number.isNaN(value)) return null;
  return String(value);
}

/** Epoch milliseconds or RFC 3339. */
function timeOf(value: unknown): number | null {
  if (typeof value === 'number' && Number.isFinite(value)) return epochMs(value, 'event_time');
  if (typeof value === 'bigint') return epochMs(Number(value), 'event_time');
  return typeof value === 'string' && value !== '' ? parseTime(value, 'event_time') : null;
}
