import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { formatTime } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import type {
  CreateRollout,
  EarlierRollout,
  EndpointRollout,
  RolloutListQuery,
  RolloutSpec,
  RolloutState,
  ShadowEvidence,
  ShadowEvidenceQuery,
} from '../contract.ts';
import { findLoopByEndpoint } from '../store/loops.ts';
import { listAllRollouts } from './list-rollouts.ts';
import { presentRollout } from './present-rollout.ts';
import { requireSegments } from './require-segments.ts';
import type { RolloutEngine } from './rollout-engine.ts';
import { type RolloutDeps, RolloutWriter } from './rollout-writer.ts';
import { shadowEvidence } from './shadow-evidence.ts';
import {
  findRollout,
  insertRollout,
  openRollouts,
  openStates,
  type RolloutData,
  type RolloutRecord,
  rolloutsOf,
} from './store.ts';

/** Rollouts that may be remembered when asking whether a version cools down. */
const recent = 200;

/** Rollouts of endpoints without a loop: what people begin and decide. The engine turns them. */
export class RolloutService {
  readonly #deps: RolloutDeps;
  readonly #engine: RolloutEngine;
  readonly #writer: RolloutWriter;

  constructor(deps: RolloutDeps, engine: RolloutEngine) {
    this.#deps = deps;
    this.#engine = engine;
    this.#writer = new RolloutWriter(deps);
  }

  /**
   * Begins a rollout: its first step has its traffic when this resolves. Throws `not_found`, `endpoint_no_champion`,
   * `version_unknown`, `version_not_packaged`, `conflict` (the version is champion already), `rollout_under_way`,
   * `rollout_cooling` (a version was aborted or rolled back here, and nobody says `again`), `invalid_input` (a protected
   * feature that no model takes).
   */
  async create(actor: Actor, endpoint: string, wanted: CreateRollout): Promise<EndpointRollout> {
    authorize(actor, 'serving:write');
    await this.#deps.serving.endpoint(actor, endpoint);
    const id = await this.#engine.exclusively(endpoint, () => this.#create(actor, endpoint, wanted));
    return presentRollout(await this.#known(endpoint, id));
  }

  async #create(actor: Actor, endpoint: string, { plan, again, reason }: CreateRollout): Promise<string> {
    const { db, serving, clock, watermarks, packageOf, featuresOf } = this.#deps;
    const { model, arms, routeVersion, options } = await serving.endpoint(actor, endpoint);
    const champion = arms.find((a) => a.arm === 'champion');
    if (!champion) throw fail('endpoint_no_champion', { endpoint });
    await requireFree(db.read, endpoint);
    const named = plan.kind === 'canary' ? [{ arm: 'challenger', version: plan.version }] : plan.arms;
    const targets = [];
    const earlier: EarlierRollout[] = [];
    for (const { arm, version } of named) {
      const before = await this.#earlier(endpoint, String(version), again);
      if (before) earlier.push(before);
      if (String(version) === champion.modelVersion) {
        throw fail('conflict', { problem: `version ${version} is the champion of "${endpoint}" already` });
      }
      targets.push({ arm, version: String(version), digest: await packageOf(model, version) });
    }
    const digests = [champion.packageDigest, ...targets.map((target) => target.digest)];
    await requireSegments(plan, digests, options.log.redact, featuresOf);
    const nowMs = clock.nowMs();
    await db.write((tx) => watermarks.declare(tx, endpoint));
    const eventMs = (await watermarks.get(endpoint)) ?? null;
    const stage: RolloutData['step']['stage'] =
      plan.kind === 'canary' ? (plan.shadow ? 'shadow' : 'canary') : plan.kind;
    const data: RolloutData = {
      model,
      championVersion: champion.modelVersion,
      championDigest: champion.packageDigest,
      targets,
      spec: { ...plan, alias: aliasOf(plan, options.environment) },
      firstRouteVersion: routeVersion + 1,
      look: null,
      looks: [],
      earlier,
      bandit: null,
      decisions: [{ at: formatTime(nowMs), actor: `${actor.kind}:${actor.id}`, action: 'start', reason }],
      reason: 'waits for traffic',
      beganEventMs: eventMs,
      weighedAtMs: null,
      movedAlias: null,
      endedAtMs: null,
      countsUntilMs: null,
      coolUntilMs: null,
      clock: this.#deps.clockSteps.mark(),
      // As it is until its first step has its traffic.
      step: {
        stage,
        index: stage === 'canary' ? 0 : null,
        percent: 0,
        routeVersion,
        since: formatTime(nowMs),
        sinceEventTime: null,
        isProved: false,
      },
      intent: { action: 'start', actor, reason, arm: null, aliasFrom: null, isProved: false },
    };
    const record: RolloutRecord = {
      id: uuidv7(nowMs),
      endpoint,
      state: 'running',
      revision: 0,
      data,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    await db.write(async (tx) => {
      await requireFree(tx, endpoint);
      await insertRollout(tx, record);
    });
    await this.#writer.finish(record);
    return record.id;
  }

  /** Rollouts of all endpoints, those of loops' turns too, after the one that a page ended with. */
  async listAll(
    actor: Actor,
    query: RolloutListQuery,
    page: { readonly afterId?: string | undefined; readonly limit: number },
  ): Promise<readonly EndpointRollout[]> {
    authorize(actor, 'read');
    return listAllRollouts(this.#deps.db.read, query, page);
  }

  /** Those of one endpoint, newest first. Throws `not_found`. */
  async list(
    actor: Actor,
    endpoint: string,
    page: { readonly beforeId?: string | undefined; readonly limit: number },
  ): Promise<readonly EndpointRollout[]> {
    authorize(actor, 'read');
    await this.#deps.serving.endpoint(actor, endpoint);
    return (await rolloutsOf(this.#deps.db.read, endpoint, page)).map(presentRollout);
  }

  /** Throws `not_found`. */
  async get(actor: Actor, endpoint: string, id: string): Promise<EndpointRollout> {
    authorize(actor, 'read');
    return presentRollout(await this.#known(endpoint, id));
  }

  /** What an endpoint's shadow says beside its champion. Throws `not_found`, `shadow_none`. */
  async shadow(actor: Actor, endpoint: string, query: ShadowEvidenceQuery): Promise<ShadowEvidence> {
    authorize(actor, 'read');
    return shadowEvidence(this.#deps, actor, endpoint, query);
  }

  /**
   * Goes on to the next step of a canary without waiting for what it waits for. With `percent` it is that step or none:
   * a caller who never got the answer, and asks again, skips no step. Throws `rollout_state`.
   *
   * @param percent the step that is meant; nothing changes where the rollout is there already
   */
  async advance(
    actor: Actor,
    endpoint: string,
    id: string,
    reason: string,
    percent?: number,
  ): Promise<EndpointRollout> {
    authorize(actor, 'serving:write');
    return this.#act(endpoint, id, async (record) => {
      const { spec, step } = record.data;
      requireState(record, 'advance', ['running', 'paused']);
      if (step.index !== null && percent === step.percent) return;
      const next = spec.kind === 'canary' ? spec.steps[step.index === null ? 0 : step.index + 1] : undefined;
      if (next === undefined) throw refused(record, 'advance', 'a canary with a step to come');
      if (percent !== undefined && percent !== next)
        throw refused(record, 'advance', `its next step, ${next} %, not ${percent} %`);
      await this.#engine.advance(record, actor, reason);
    });
  }

  /** Holds it where it is; harm is still acted on. Throws `rollout_state`. */
  async pause(actor: Actor, endpoint: string, id: string, reason: string): Promise<EndpointRollout> {
    authorize(actor, 'serving:write');
    return this.#act(endpoint, id, async (record) => {
      requireState(record, 'pause', ['running']);
      await this.#writer.decide(record, { actor, action: 'pause', reason, state: 'paused' });
    });
  }

  async resume(actor: Actor, endpoint: string, id: string, reason: string): Promise<EndpointRollout> {
    authorize(actor, 'serving:write');
    return this.#act(endpoint, id, async (record) => {
      requireState(record, 'resume', ['paused']);
      await this.#writer.decide(record, { actor, action: 'resume', reason, state: 'running' });
    });
  }

  /** The champion has all traffic again. Throws `rollout_state`. */
  async abort(actor: Actor, endpoint: string, id: string, reason: string): Promise<EndpointRollout> {
    authorize(actor, 'serving:write');
    return this.#act(
      endpoint,
      id,
      async (record) => {
        requireState(record, 'abort', openStates);
        await this.#writer.act(record, { action: 'abort', actor, reason });
      },
      true,
    );
  }

  /**
   * An arm (of a split or bandit: the named one) becomes champion, whatever is proved, and the model's alias goes with
   * it. Throws `rollout_state`; `version_blocked`, `alias_protected` when the registry refuses.
   */
  async promote(
    actor: Actor,
    endpoint: string,
    id: string,
    reason: string,
    arm?: string,
  ): Promise<EndpointRollout> {
    authorize(actor, 'serving:write');
    return this.#act(endpoint, id, async (record) => {
      requireState(record, 'promote', openStates);
      const only = record.data.targets.length === 1 ? record.data.targets[0]?.arm : undefined;
      const chosen = arm ?? only;
      if (chosen === undefined) throw refused(record, 'promote', 'the name of an arm');
      await this.#writer.promote(record, actor, chosen, reason);
    });
  }

  /**
   * After a promotion: the champion from before has everything again, by a switch. Throws `rollout_state`, also when the
   * promoted version is the champion no more: what came later is not undone by it.
   */
  async rollback(actor: Actor, endpoint: string, id: string, reason: string): Promise<EndpointRollout> {
    authorize(actor, 'serving:write');
    return this.#act(endpoint, id, async (record) => {
      requireState(record, 'rollback', ['promoted']);
      const { arms } = await this.#deps.serving.endpoint(actor, endpoint);
      const champion = arms.find((a) => a.arm === 'champion')?.modelVersion;
      const promoted = record.data.targets.find((t) => t.version === champion);
      if (!promoted) throw refused(record, 'rollback', 'one whose version is the champion still');
      await this.#writer.act(record, { action: 'rollback', actor, reason, arm: promoted.arm });
    });
  }

  /** `instead`: also in place of what was decided before and cannot be done by now. */
  async #act(
    endpoint: string,
    id: string,
    work: (record: RolloutRecord) => Promise<void>,
    instead = false,
  ): Promise<EndpointRollout> {
    const act = async () => work(await this.#known(endpoint, id));
    await this.#engine.exclusively(endpoint, act, { instead });
    return presentRollout(await this.#known(endpoint, id));
  }

  async #known(endpoint: string, id: string): Promise<RolloutRecord> {
    const record = await findRollout(this.#deps.db.read, id);
    if (record?.endpoint === endpoint) return record;
    throw fail('not_found', { kind: 'rollout', id, list: `/api/v1/endpoints/${endpoint}/rollouts` });
  }

  /** How the newest rollout of a version ended here, if badly. Throws `rollout_cooling` unless `again` is said. */
  async #earlier(endpoint: string, version: string, again: boolean): Promise<EarlierRollout | undefined> {
    const { db, clock, watermarks } = this.#deps;
    const nowMs = (await watermarks.get(endpoint)) ?? clock.nowMs();
    const ended = await rolloutsOf(db.read, endpoint, { limit: recent });
    const last = ended.find(({ data }) => data.targets.some((t) => t.version === version));
    if (last?.state !== 'aborted' && last?.state !== 'rolled-back') return undefined;
    const { id: rollout, state } = last;
    const { coolUntilMs, reason } = last.data;
    if (coolUntilMs !== null && coolUntilMs > nowMs && !again) {
      throw fail('rollout_cooling', { endpoint, version, state, reason, until: formatTime(coolUntilMs) });
    }
    const coolUntil = coolUntilMs === null ? null : formatTime(coolUntilMs);
    return { rollout, version, state, coolUntil, reason };
  }
}

/** An endpoint has one owner: an open rollout, or a loop. Throws `rollout_under_way`. */
async function requireFree(tx: Tx, endpoint: string): Promise<void> {
  const [open] = await openRollouts(tx, endpoint);
  if (open) throw fail('rollout_under_way', { endpoint, by: `rollout ${open.id}` });
  const loop = await findLoopByEndpoint(tx, endpoint);
  if (loop) throw fail('rollout_under_way', { endpoint, by: `loop ${loop.name}` });
}

/** The alias that a promotion moves: a model's champion is who answers in production. */
function aliasOf({ alias }: RolloutSpec, environment: string | null | undefined): string | null {
  if (alias !== undefined) return alias;
  return environment && environment !== 'production' ? null : 'champion';
}

function requireState(record: RolloutRecord, action: string, states: readonly RolloutState[]): void {
  if (!states.includes(record.state)) throw refused(record, action, `one that is ${states.join(' or ')}`);
}

function refused({ id, endpoint, state }: RolloutRecord, action: string, needed: string) {
  return fail('rollout_state', { rollout: id, endpoint, state, action, needed });
}
