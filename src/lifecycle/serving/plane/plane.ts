import { fail, MillraceError } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { Digest } from '../../../core/json.ts';
import type { EndpointRoute, GuardCounts, RouteArm, WithdrawnArm } from '../contract.ts';
import {
  armOfVersion,
  type EndpointState,
  endpointState,
  planRows,
  type RowPlan,
  type ServedArm,
  withoutBroken,
} from './endpoint-state.ts';
import { Lately } from './lately.ts';
import type { LoadedPackage } from './loaded-package.ts';
import { failedRows, sharedRows } from './logged-rows.ts';
import { type AnsweredRows, replyOutputs } from './merge-outputs.ts';
import { StatisticsBook } from './model-statistics.ts';
import type { PlaneMetrics } from './plane-metrics.ts';
import { PlaneStreams, type StreamEnd } from './plane-streams.ts';
import type { PredictionLogs } from './prediction-logs.ts';
import type { PredictReply, PredictRequest } from './request.ts';
import { ServedModel } from './served-model.ts';
import { ShadowQueue } from './shadow-queue.ts';
import { checkShare, predictShare, predictShares, type Share, SharesFailed, shareRows } from './shares.ts';

/** Other processes that serve the same endpoints; what they count of guarded arms counts together. */
export interface GuardPeers {
  /** Counts of an arm in all of them, this one too. */
  readonly together: (arm: GuardedArmName) => Promise<GuardCounts>;
  /** Tells them that an arm has lost its traffic. */
  readonly withdrawn: (told: WithdrawnArm) => void;
}
export type GuardedArmName = Pick<WithdrawnArm, 'endpoint' | 'arm' | 'modelVersion'>;

/** Shadow rows that may wait. */
const shadowRows = 4096;

/** Why a model is not in service: it is on its way into it; it cannot be, or was taken out; nobody knows of it. */
type Absence = 'loading' | 'unavailable' | 'unknown';

/**
 * The data plane: endpoints, their models, the split of the traffic and the prediction log. A prediction is
 * returned, and an error thrown, only after its rows are in the log on the disk.
 */
export class Plane {
  readonly #endpoints = new Map<string, EndpointState>();
  readonly #logs: PredictionLogs;
  readonly #metrics: PlaneMetrics;
  readonly #shadows: ShadowQueue;
  /** What was asked in the last minutes. */
  readonly lately = new Lately();
  /** What each version did since the start. */
  readonly statistics = new StatisticsBook();
  /** Answers that come in pieces. */
  readonly streams: PlaneStreams;
  readonly #withdrawn = new Map<string, WithdrawnArm>();
  /** What other processes on the port found broken, by endpoint and arm: it may be in a route that comes later. */
  readonly #lost = new Map<string, WithdrawnArm>();
  #peers: GuardPeers | null = null;
  /** Called when a guard took an arm's traffic away, so that control is told at once. */
  onWithdrawn: () => void = () => {};
  /** Asked for what is not in service. */
  reasonOf: (endpoint: string) => Absence = () => 'unknown';

  constructor(logs: PredictionLogs, metrics: PlaneMetrics) {
    this.#logs = logs;
    this.#metrics = metrics;
    this.streams = new PlaneStreams({
      endpoint: (name) => this.endpoint(name),
      predict: (request) => this.predict(request),
      append: (state, rows) => logs.append(state, rows),
      failed: (...args) => this.#logFailure(...args),
      ended: (end) => this.#streamEnded(end),
    });
    this.#shadows = new ShadowQueue(shadowRows, () => this.#isBusy(), metrics.shadowDropped);
  }

  get endpoints(): readonly EndpointState[] {
    return [...this.#endpoints.values()];
  }

  /** By what an endpoint answers; undefined where there is no such endpoint. */
  routeOf(name: string): EndpointRoute | undefined {
    return this.#endpoints.get(name)?.route;
  }

  get shadowDropped(): number {
    return this.#shadows.dropped;
  }

  /** Arms that lost their traffic here and are still in their route. */
  get withdrawn(): readonly WithdrawnArm[] {
    return [...this.#withdrawn.values()];
  }

  /** Why there is no such endpoint now; null where there is one. */
  absence(name: string): Absence | null {
    return this.#endpoints.has(name) ? null : this.reasonOf(name);
  }

  /** The endpoint as it is now. Throws `endpoint_unknown`, `model_loading`, `model_unavailable`. */
  endpoint(name: string): EndpointState {
    const state = this.#endpoints.get(name);
    if (state) return state;
    const absence = this.reasonOf(name);
    if (absence === 'loading') throw fail('model_loading', { endpoint: name });
    if (absence === 'unavailable') throw fail('model_unavailable', { endpoint: name });
    throw fail('endpoint_unknown', { endpoint: name, list: '/v1/models' });
  }

  /** What serves an endpoint, or one of its versions. Throws those of `endpoint`, and `model_version_unknown`. */
  arm(name: string, version: string | null): ServedArm | null {
    const state = this.endpoint(name);
    return version === null ? state.champion : armOfVersion(state, version);
  }

  /**
   * Puts a route in force, at once for every request that comes after; those under way end with the models
   * that they began with. Its models must be loaded.
   */
  async swap(route: EndpointRoute, packageOf: (digest: Digest) => LoadedPackage): Promise<void> {
    await this.#logs.ensure(route.endpoint);
    const before = this.#endpoints.get(route.endpoint);
    const modelOf = servedModels(route, packageOf, before);
    const { endpoint } = route;
    const state = endpointState(route, modelOf, before, {
      onBroken: (arm, counts, reason) => this.#withdraw(route, arm, counts, reason),
      together: ({ arm, modelVersion }) => this.#peers?.together({ endpoint, arm, modelVersion }) ?? null,
    });
    this.#endpoints.set(endpoint, state);
    for (const told of this.#lost.values()) {
      if (told.endpoint === endpoint && route.routeVersion <= told.routeVersion) this.withdraw(told);
    }
    for (const [key, { endpoint: of, arm }] of this.#withdrawn) {
      const stays = state.arms.some((a) => a.arm === arm && a.guard?.broken);
      if (of === endpoint && !stays) this.#withdrawn.delete(key);
    }
  }

  /** A guard was broken: from here on the champion has the arm's traffic. */
  #withdraw(
    { endpoint, routeVersion }: EndpointRoute,
    arm: RouteArm,
    counts: GuardCounts,
    why: string,
  ): void {
    const inForce = this.#endpoints.get(endpoint)?.route.routeVersion ?? routeVersion;
    const { arm: name, modelVersion } = arm;
    const reason = `version ${modelVersion} lost its traffic in the replica: ${why}`;
    const told = {
      endpoint,
      routeVersion: inForce,
      arm: name,
      modelVersion,
      counts,
      reason,
      atMs: Date.now(),
    };
    this.#putOut(told);
    this.#peers?.withdrawn(told);
  }

  /** Counts guarded arms together with other processes from now on. */
  shareGuards(peers: GuardPeers): void {
    this.#peers = peers;
  }

  /** What was counted of a guarded arm here; null when there is none. */
  guardCounts({ endpoint, arm, modelVersion }: GuardedArmName): GuardCounts | null {
    const { arms = [] } = this.#endpoints.get(endpoint) ?? {};
    return arms.find((a) => a.arm === arm && a.modelVersion === modelVersion)?.guard?.counts ?? null;
  }

  /** Another process took an arm's traffic away: it loses it here, also when it comes with the same route later. */
  withdraw(told: WithdrawnArm): void {
    const { endpoint, arm, modelVersion } = told;
    this.#lost.set(`${endpoint}/${arm}`, told);
    const { arms = [] } = this.#endpoints.get(endpoint) ?? {};
    const guard = arms.find((a) => a.arm === arm && a.modelVersion === modelVersion)?.guard;
    if (!guard || guard.broken) return;
    guard.lose();
    this.#putOut(told);
  }

  /** The champion has the traffic of arms that are broken, and control is told of this one. */
  #putOut(told: WithdrawnArm): void {
    const state = this.#endpoints.get(told.endpoint);
    if (state) this.#endpoints.set(told.endpoint, withoutBroken(state));
    this.#withdrawn.set(`${told.endpoint}/${told.arm}`, told);
    this.onWithdrawn();
  }

  /** Takes an endpoint out of service. */
  drop(name: string): void {
    this.#endpoints.delete(name);
    for (const [key, { endpoint }] of this.#withdrawn) if (endpoint === name) this.#withdrawn.delete(key);
  }

  /** Resolves when every shadow copy taken so far is in the log. */
  shadowsDrained(): Promise<void> {
    return this.#shadows.drained();
  }

  /**
   * Predicts, logs, and answers. All rows succeed or the request fails as a whole, with the first error.
   * Errors: those of planRows, shareRows, checkShare and predictShare; `prediction_log_unavailable`.
   */
  async predict(request: PredictRequest): Promise<PredictReply> {
    const state = this.endpoint(request.endpoint);
    let plans: readonly RowPlan[] | null = null;
    let shares: readonly Share[] = [];
    let parts: readonly AnsweredRows[];
    try {
      plans = planRows(state, request);
      shares = shareRows(state, request, plans);
      for (const share of shares) checkShare(request, share);
      const [only] = shares;
      parts =
        only && shares.length === 1
          ? [await predictShare(request, only)]
          : await predictShares(request, shares);
    } catch (error) {
      if (error instanceof SharesFailed) throw await this.#logShares(state, request, plans, shares, error);
      throw await this.#logFailure(state, request, plans, shares, error);
    }
    return await this.#answer(state, request, plans, shares, parts);
  }

  /** Logs a request that could not even be read: one row, with the error. Unknown endpoints have no log. */
  async logRefusal(request: PredictRequest, error: MillraceError): Promise<void> {
    const state = this.#endpoints.get(request.endpoint);
    if (state) await this.#logFailure(state, request, null, [], error);
  }

  async #answer(
    state: EndpointState,
    request: PredictRequest,
    plans: readonly RowPlan[],
    shares: readonly Share[],
    parts: readonly AnsweredRows[],
  ): Promise<PredictReply> {
    const ids = plans.map((plan) => plan.predictionId ?? uuidv7());
    const durable = this.#logs.append(state, sharedRows(request, plans, ids, shares, parts));
    const reply: PredictReply = {
      model: state.route.model,
      modelVersion: shares.length === 1 ? (shares[0]?.arm.modelVersion ?? null) : null,
      routeVersion: state.route.routeVersion,
      rows: plans.map(({ arm }, row) => ({
        predictionId: ids[row] as string,
        arm: arm.arm,
        modelVersion: arm.modelVersion,
      })),
      outputs: replyOutputs(parts, request.rowCount),
    };
    try {
      await durable;
    } catch (error) {
      for (const share of shares) this.#count(request, share, error as MillraceError);
      throw error;
    }
    const endedMs = performance.now();
    for (let i = 0; i < shares.length; i++) {
      const share = shares[i] as Share;
      const { part, latencyMs } = parts[i] as AnsweredRows;
      this.#count(request, share, null, endedMs, latencyMs);
      this.statistics.answered(request, share.arm.modelVersion, share.rows.length, endedMs, part);
    }
    if (state.shadow && request.version === null) this.#offerShadow(state, state.shadow, request, plans, ids);
    return reply;
  }

  /** Logs the rows of a request of which some arm failed, each share with its own outcome; gives the error to throw. */
  async #logShares(
    state: EndpointState,
    request: PredictRequest,
    plans: readonly RowPlan[] | null,
    shares: readonly Share[],
    { first, outcomes }: SharesFailed,
  ): Promise<MillraceError> {
    const { arm, rows } = shares[first] as Share;
    const error = await this.#logFailure(state, request, plans, shares, outcomes[first], rows);
    const other = fail('other_arm_failed', { arm: arm.arm, code: error.code });
    for (const [i, share] of shares.entries())
      if (i !== first)
        await this.#logFailure(state, request, plans, shares, outcomes[i] ?? other, share.rows);
    return error;
  }

  /** Logs the rows of a failed request and gives the error to throw. */
  async #logFailure(
    state: EndpointState,
    request: PredictRequest,
    plans: readonly RowPlan[] | null,
    shares: readonly Share[],
    thrown: unknown,
    only?: readonly number[],
  ): Promise<MillraceError> {
    const error =
      thrown instanceof MillraceError
        ? ofEndpoint(request.endpoint, thrown)
        : fail('internal', { reference: request.receivedAtMs }, thrown);
    const rows = failedRows(state, request, plans, shares, error, only);
    const seconds = (performance.now() - request.startedMs) / 1000;
    for (const { arm } of rows) {
      const [version, name] = [arm?.modelVersion ?? '', arm?.arm ?? 'champion'];
      this.#metrics.answered(request.endpoint, version, name, error.code, 1, seconds);
      this.lately.count(request.endpoint, name, error, 1);
    }
    if (error.code !== 'other_arm_failed')
      this.statistics.failed(request.endpoint, rows[0]?.arm?.modelVersion ?? '', request.startedMs);
    try {
      await this.#logs.append(state, rows);
      return error;
    } catch (logError) {
      return logError as MillraceError;
    }
  }

  /** Offers copies to the shadow, but for rows that the same version answered anyway. */
  #offerShadow(
    state: EndpointState,
    shadow: ServedArm,
    request: PredictRequest,
    plans: readonly RowPlan[],
    ids: readonly string[],
  ): void {
    const { endpoint } = request;
    // The answer may have taken longer than the shadow stayed, and its model be closed.
    if (this.#endpoints.get(endpoint)?.shadow?.model.package !== shadow.model.package) return;
    const copied = plans.flatMap((plan, row) => (plan.arm.modelVersion === shadow.modelVersion ? [] : [row]));
    if (copied.length === 0) return;
    const copies = plans.map((plan) => ({ ...plan, arm: shadow }));
    const copy: PredictRequest = { ...request, extras: 'drop', predictionIds: ids, hasLeft: undefined };
    const run = async () => {
      const started = { ...copy, startedMs: performance.now() };
      let shares: readonly Share[] = [];
      try {
        shares = shareRows(state, started, copies, copied);
        for (const share of shares) checkShare(started, share);
        const parts = await Promise.all(shares.map((share) => predictShare(started, share)));
        await this.#logs.append(state, sharedRows(started, copies, ids, shares, parts));
        for (const share of shares) this.#count(started, share, null);
      } catch (error) {
        await this.#logFailure(state, started, copies, shares, error, copied);
      }
    };
    this.#shadows.offer({ endpoint, model: shadow.model, rowCount: copied.length, run });
  }

  #count(
    request: PredictRequest,
    { arm, rows, flags }: Share,
    error: MillraceError | null,
    endedMs = performance.now(),
    latencyMs = endedMs - request.startedMs,
  ): void {
    const seconds = latencyMs / 1000;
    const status = error?.code ?? 'ok';
    this.#metrics.answered(request.endpoint, arm.modelVersion, arm.arm, status, rows.length, seconds);
    this.lately.count(request.endpoint, arm.arm, error, rows.length, endedMs);
    for (const row of flags) {
      for (const { feature, kind } of row ?? []) this.#metrics.flagged(request.endpoint, feature, kind);
    }
  }

  #streamEnded({ state, request, plans, share, predictionId, error, firstSeconds, pieces }: StreamEnd): void {
    const { endpoint, startedMs } = request;
    const { modelVersion, arm } = share.arm;
    const endedMs = performance.now();
    this.#count(request, share, error, endedMs);
    if (firstSeconds !== null) this.#metrics.streamed(endpoint, modelVersion, arm, firstSeconds, pieces);
    if (error) {
      this.statistics.failed(endpoint, modelVersion, startedMs);
      return;
    }
    this.statistics.answered(request, modelVersion, 1, endedMs, wholeStream);
    const { shadow } = state;
    if (shadow && request.version === null) this.#offerShadow(state, shadow, request, plans, [predictionId]);
  }

  #isBusy(): boolean {
    for (const { arms } of this.#endpoints.values()) {
      if (arms.some((arm) => !arm.model.idle)) return true;
    }
    return false;
  }
}

/** What the statistics count of an answer in pieces: it had no company and no parts that were measured. */
const wholeStream = { prediction: { rowCount: 1, outputs: [], score: null }, from: 0 } as const;

/** The models of a route; those that were there before, with the same options, keep their queues and caches. */
function servedModels(
  { endpoint, options }: EndpointRoute,
  packageOf: (digest: Digest) => LoadedPackage,
  before: EndpointState | undefined,
): (digest: Digest) => ServedModel {
  const models = [...(before?.arms ?? []), before?.shadow].flatMap((arm) => (arm ? [arm.model] : []));
  return (digest) => {
    const loaded = packageOf(digest);
    const same = models.find((model) => model.serves(loaded, options));
    if (same) return same;
    const model = new ServedModel(loaded, endpoint, options);
    models.push(model);
    return model;
  };
}

/** Models know no endpoint: what they say of an input gets its name, for the next step. */
function ofEndpoint(endpoint: string, error: MillraceError): MillraceError {
  if (error.code !== 'input_invalid' || error.params.endpoint !== undefined) return error;
  return fail(error.code, { ...error.params, endpoint }, error.cause);
}
