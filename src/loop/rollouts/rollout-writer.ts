import { fail, MillraceError } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { type Clock, formatTime, parseDuration } from '../../core/time.ts';
import type { MonitoringService } from '../../lifecycle/monitoring/index.ts';
import type { ServingService } from '../../lifecycle/serving/index.ts';
import type { Actor } from '../../platform/access/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { Watermarks } from '../../platform/watermarks/index.ts';
import type { ClockSteps } from '../clock-steps.ts';
import { type EndpointRollout, type RolloutState, rolloutEvents } from '../contract.ts';
import { guardOf } from '../verdict/guard-of.ts';
import type { RolloutLog } from '../verdict/observe.ts';
import type { RolloutWatch } from './live/rollout-watch.ts';
import {
  deleteRollout,
  openStates,
  type RolloutData,
  type RolloutIntent,
  type RolloutRecord,
  updateRollout,
} from './store.ts';

/** What rollouts without a loop go through. */
export interface RolloutDeps {
  readonly db: Database;
  readonly journal: Journal;
  readonly serving: ServingService;
  readonly log: RolloutLog;
  /** Follows what comes in for open rollouts; the engine starts and stops it, also for the turns of loops. */
  readonly watch: RolloutWatch;
  readonly clock: Clock;
  /** Event time of endpoints: a stream has the endpoint's name. */
  readonly watermarks: Pick<Watermarks, 'declare' | 'get' | 'describe'>;
  readonly clockSteps: ClockSteps;
  readonly monitoring: Pick<MonitoringService, 'rolloutAborted' | 'rolloutPromoted'>;
  readonly aliases: RolloutAliases;
  readonly logger: Logger;
  /** Digest of a registered version's package. Throws `version_not_packaged`, `version_unknown`. */
  readonly packageOf: (model: string, version: number) => Promise<Digest>;
  /** Names of the features that a package takes, and that its answers are logged with. */
  readonly featuresOf: (packageDigest: Digest) => Promise<readonly string[]>;
}

/** Aliases of registered models, as far as promotions move them. Refusals are the registry's. */
export interface RolloutAliases {
  /** The version that an alias points at; null: there is no such alias. */
  pointsAt(model: string, alias: string): Promise<number | null>;
  /** Points an alias at a version. Throws `version_blocked`, `alias_protected`. */
  move(actor: Actor, move: AliasChange): Promise<void>;
  /** Points it back at where it was, unless somebody else has moved it meanwhile. */
  giveBack(actor: Actor, move: AliasChange & { readonly to: number | null }): Promise<void>;
}

/** An alias of a registered model and the version that it is moved to. */
interface AliasChange {
  readonly model: string;
  readonly alias: string;
  /** The version that a rollout promotes. */
  readonly version: number;
  readonly reason: string;
}

/** Who decides when no person does. */
export const rolloutActor: Actor = { kind: 'system', id: 'rollout' };

type Step = EndpointRollout['step'];
type Action = EndpointRollout['decisions'][number]['action'];

/** A decision about a rollout, to be written with its audit entry and event. */
export interface Decided {
  readonly actor: Actor;
  readonly action: Action;
  readonly reason: string;
  readonly state: RolloutState;
  readonly change?: Partial<RolloutData>;
  /** Written in the same transaction. */
  readonly beside?: (tx: Tx) => Promise<void>;
}

/** How the route's reason says that a rollout was aborted. */
export const abortedBecause = 'rollout aborted: ';

/** Most decisions that are kept with a rollout; the audit trail keeps all. */
const keptDecisions = 200;

/** How long after the end of a rollout its last rows may take to come into the log: replicas seal what they have within 10 s. */
const stillComingMs = 60_000;

/** Writes what was decided about a rollout, with event and audit entry, and moves the traffic accordingly. */
export class RolloutWriter {
  readonly #deps: RolloutDeps;

  constructor(deps: RolloutDeps) {
    this.#deps = deps;
  }

  /** Writes a decision. Throws `conflict` when somebody else changed the rollout meanwhile. */
  async decide(record: RolloutRecord, decided: Decided): Promise<void> {
    const { db, journal, clock } = this.#deps;
    const nowMs = clock.nowMs();
    const { actor, action, reason, state, change } = decided;
    const entry = { at: formatTime(nowMs), actor: `${actor.kind}:${actor.id}`, action, reason };
    const isEnd = openStates.includes(record.state) && !openStates.includes(state);
    // What ended by a look stays with the numbers that ended it.
    const isJudged = change?.look !== undefined || record.data.look?.reason === reason;
    const data: RolloutData = {
      ...record.data,
      ...change,
      reason: change?.reason ?? reason,
      intent: null,
      ...(isEnd && !isJudged ? { countsUntilMs: nowMs + stillComingMs } : {}),
      decisions: [...record.data.decisions, entry].slice(-keptDecisions),
    };
    const subject = { kind: 'endpoint', id: record.endpoint };
    const { look, step } = data;
    const evidence = {
      rollout: record.id,
      state,
      step,
      comparisons: look?.comparisons ?? [],
      guardrails: look?.guardrails ?? [],
    };
    await db.write(async (tx) => {
      if (!(await updateRollout(tx, record, { state, data, nowMs }))) {
        throw fail('conflict', { problem: `rollout ${record.id} was changed meanwhile` });
      }
      await journal.appendEvent(tx, { type: eventOf(state), subject, data: { action, reason, ...evidence } });
      await journal.appendAudit(tx, {
        actor,
        action: `rollout:${action}`,
        subject,
        before: { state: record.state, step: record.data.step },
        after: evidence,
        reason,
      });
      await decided.beside?.(tx);
    });
  }

  /** Keeps what a look saw; nothing was decided. */
  async note(record: RolloutRecord, change: Partial<RolloutData>): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    const data = { ...record.data, ...change };
    await this.#deps.db.write((tx) => updateRollout(tx, record, { state: record.state, data, nowMs }));
  }

  /** Keeps what was counted of a rollout that has ended, and tells of it. */
  async count(record: RolloutRecord, counted: Partial<RolloutData>): Promise<void> {
    const { db, journal, clock } = this.#deps;
    const { state, endpoint } = record;
    const data = { ...record.data, ...counted };
    const told = { action: 'count', reason: 'its last rows are in the log', rollout: record.id, state };
    await db.write(async (tx) => {
      if (!(await updateRollout(tx, record, { state, data, nowMs: clock.nowMs() }))) return;
      const subject = { kind: 'endpoint', id: endpoint };
      await journal.appendEvent(tx, { type: rolloutEvents.changed, subject, data: told });
    });
  }

  /**
   * Decides what changes traffic or aliases as well, and does it. It is written first: after a crash amid it the rest is
   * done (`finish`). What is refused is as if nobody had asked. Throws `conflict` when somebody else changed the rollout
   * meanwhile, and what refuses it: `version_blocked`, `alias_protected`, `endpoint_no_champion` …
   */
  async act(
    record: RolloutRecord,
    intent: Pick<RolloutIntent, 'action' | 'actor' | 'reason'> & Partial<RolloutIntent>,
    change: Partial<RolloutData> = {},
  ): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    const full: RolloutIntent = { arm: null, aliasFrom: null, isProved: false, ...intent };
    const data: RolloutData = { ...record.data, ...change, intent: full };
    const isWritten = await this.#deps.db.write((tx) =>
      updateRollout(tx, record, { state: record.state, data, nowMs }),
    );
    if (!isWritten) throw fail('conflict', { problem: `rollout ${record.id} was changed meanwhile` });
    await this.finish({ ...record, data, revision: record.revision + 1 });
  }

  /** Does what was decided about a rollout, from wherever it was left. Throws what refuses it. */
  async finish(record: RolloutRecord): Promise<void> {
    const { intent } = record.data;
    if (intent === null) return;
    try {
      await this.#do(record, intent);
    } catch (error) {
      const isRefused = error instanceof MillraceError && error.status < 500;
      if (isRefused && intent.action === 'start')
        await this.#deps.db.write((tx) => deleteRollout(tx, record));
      else if (isRefused) await this.note(record, { intent: null });
      throw error;
    }
  }

  async #do(record: RolloutRecord, intent: RolloutIntent): Promise<void> {
    const { actor, reason } = intent;
    switch (intent.action) {
      case 'start':
        return this.#start(record, intent);
      case 'advance': {
        await this.#requireThere(record, actor, 'challenger');
        const { index } = record.data.step;
        const next = index === null ? 0 : index + 1;
        const step = await this.#enter(record, actor, 'canary', next, reason, intent.isProved);
        const change = { step, ...(actor.kind === 'system' ? {} : { reason: 'waits for traffic' }) };
        return this.decide(record, { actor, action: 'advance', reason, state: record.state, change });
      }
      case 'weights':
        return this.#weigh(record, intent);
      case 'promote':
        return this.#promote(record, intent);
      case 'rollback':
        return this.#rollback(record, intent);
      case 'abort':
        return this.abort(record, actor, reason);
    }
  }

  /** Gives the first step its traffic. */
  async #start(record: RolloutRecord, { actor, reason }: RolloutIntent): Promise<void> {
    const { db, journal, clock } = this.#deps;
    const { stage, index } = record.data.step;
    const step = await this.#enter(record, actor, stage, index, reason);
    const data = { ...record.data, step, firstRouteVersion: step.routeVersion, intent: null };
    const subject = { kind: 'endpoint', id: record.endpoint };
    const told = { rollout: record.id, plan: data.spec, step, earlier: data.earlier };
    await db.write(async (tx) => {
      await updateRollout(tx, record, { state: 'running', data, nowMs: clock.nowMs() });
      await journal.appendEvent(tx, { type: rolloutEvents.started, subject, data: { reason, ...told } });
      await journal.appendAudit(tx, { actor, action: 'rollout:start', subject, after: told, reason });
    });
  }

  /** Gives a bandit's arms the shares that the look before it found. */
  async #weigh(record: RolloutRecord, { actor, reason }: RolloutIntent): Promise<void> {
    const { serving, clock, watermarks } = this.#deps;
    const { bandit, step } = record.data;
    if (bandit === null) throw fail('internal', { reference: 'shares of a rollout that is no bandit' });
    const others = bandit.arms.filter((a) => a.arm !== 'champion');
    const weights = Object.fromEntries(others.map((a) => [a.arm, a.share]));
    const { endpoint } = record;
    const { routeVersion } = await serving.setWeights(actor, endpoint, weights, reason, bandit.arms);
    const percent = 100 * others.reduce((sum, a) => sum + a.share, 0);
    await this.decide(record, {
      actor,
      action: 'weights',
      reason,
      state: record.state,
      change: {
        step: { ...step, percent, routeVersion },
        weighedAtMs: (await watermarks.get(endpoint)) ?? null,
        bandit: { ...bandit, changedAt: formatTime(clock.nowMs()) },
      },
    });
  }

  /**
   * The champion has all traffic again, at once; then the end is written. A crash between the two is seen by the next look
   * as traffic that was lost.
   */
  async abort(
    record: RolloutRecord,
    actor: Actor,
    reason: string,
    change: Partial<RolloutData> = {},
  ): Promise<void> {
    const { serving, clock, clockSteps, watermarks, monitoring } = this.#deps;
    const { endpoint } = record;
    const why = `${abortedBecause}${reason}`.slice(0, 2000);
    await serving.withdraw(actor, endpoint, why);
    const nowMs = clock.nowMs();
    const { spec, targets, beganEventMs } = record.data;
    const endedMs = (await watermarks.get(endpoint)) ?? nowMs;
    const told = {
      endpoint,
      subject: `rollout/${record.id}`,
      reason: reason.slice(0, 2000),
      modelVersion: targets.map((t) => t.version).join(', '),
      beganMs: beganEventMs ?? endedMs,
      endedMs,
    };
    // A person who aborts knows of it.
    const alert = (tx: Tx) => monitoring.rolloutAborted(tx, actor, told);
    await this.decide(record, {
      actor,
      action: 'abort',
      reason,
      state: 'aborted',
      change: {
        ...change,
        endedAtMs: nowMs,
        coolUntilMs: endedMs + parseDuration(spec.cooldown),
        clock: clockSteps.mark(),
      },
      ...(actor.kind === 'system' ? { beside: alert } : {}),
    });
  }

  /**
   * The arm becomes champion, and the model's alias goes with it; the one before stays warm, so that the way back is a
   * switch. Throws `version_blocked`, `alias_protected`, `endpoint_no_arm`; then the rollout is as it was.
   */
  async promote(
    record: RolloutRecord,
    actor: Actor,
    arm: string,
    reason: string,
    change: Partial<RolloutData> = {},
  ): Promise<void> {
    const { model, spec, targets } = record.data;
    if (!targets.some((t) => t.arm === arm))
      throw fail('endpoint_no_arm', { endpoint: record.endpoint, arm, action: 'promote' });
    const { alias = null } = spec;
    const aliasFrom = alias === null ? null : await this.#deps.aliases.pointsAt(model, alias);
    await this.act(record, { action: 'promote', actor, reason, arm, aliasFrom }, change);
  }

  /** The registry is asked first, so that what it refuses gets no traffic. */
  async #promote(record: RolloutRecord, { actor, arm, reason, aliasFrom }: RolloutIntent): Promise<void> {
    const { clock, watermarks, monitoring, aliases } = this.#deps;
    const { endpoint, data } = record;
    const target = data.targets.find((t) => t.arm === arm);
    if (!target) throw fail('endpoint_no_arm', { endpoint, arm: arm ?? '', action: 'promote' });
    await this.#requireThere(record, actor, target.arm);
    const why = reason.slice(0, 2000);
    const alias = data.spec.alias ?? null;
    const move = { model: data.model, version: Number(target.version), reason: why };
    if (alias !== null) await aliases.move(actor, { ...move, alias });
    try {
      await this.#makeChampion(endpoint, actor, target, why);
    } catch (error) {
      if (alias !== null) await aliases.giveBack(actor, { ...move, alias, to: aliasFrom });
      throw error;
    }
    const endedMs = (await watermarks.get(endpoint)) ?? clock.nowMs();
    const told = { endpoint, modelVersion: target.version, endedMs };
    await this.decide(record, {
      actor,
      action: 'promote',
      reason,
      state: 'promoted',
      change: {
        endedAtMs: clock.nowMs(),
        movedAlias: alias === null || aliasFrom === move.version ? null : { alias, from: aliasFrom },
      },
      beside: (tx) => monitoring.rolloutPromoted(tx, actor, told),
    });
  }

  /**
   * A guard, or a person, may have taken the traffic away a moment ago, before the engine ends the rollout for it: then
   * nothing gives it back. Throws `conflict`.
   */
  async #requireThere({ endpoint, data }: RolloutRecord, actor: Actor, arm: string): Promise<void> {
    const { serving } = this.#deps;
    const version = data.targets.find((t) => t.arm === arm)?.version;
    const { arms, shadow } = await serving.endpoint(actor, endpoint);
    const isThere = [...arms.filter((a) => a.arm === arm || a.arm === 'champion'), shadow].some(
      (place) => place?.modelVersion === version,
    );
    if (isThere) return;
    const [last] = await serving.routeVersions(actor, endpoint, { limit: 1 });
    const problem = `version ${version} has lost its traffic on "${endpoint}", which ends this rollout: ${last?.reason ?? 'the endpoint was changed'}`;
    throw fail('conflict', { problem });
  }

  async #makeChampion(
    endpoint: string,
    actor: Actor,
    { arm, version, digest }: RolloutData['targets'][number],
    why: string,
  ): Promise<void> {
    const { serving } = this.#deps;
    const { arms } = await serving.endpoint(actor, endpoint);
    if (arms.some((a) => a.arm === 'champion' && a.modelVersion === version)) return;
    // A rollout that is promoted out of its shadow has no arm yet.
    if (!arms.some((a) => a.arm === arm))
      await serving.challenge(actor, endpoint, { modelVersion: version, packageDigest: digest }, 0, why);
    await serving.promote(actor, endpoint, why, version, { arm, keepPrevious: true });
  }

  /** After a promotion: the champion from before has everything again, and the alias. What was promoted cools down. */
  async #rollback(record: RolloutRecord, { actor, arm, reason }: RolloutIntent): Promise<void> {
    const { serving, aliases, clock, clockSteps, watermarks } = this.#deps;
    const { endpoint, data } = record;
    const promoted = data.targets.find((t) => t.arm === arm)?.version;
    const { arms } = await serving.endpoint(actor, endpoint);
    const standby = arms.find((a) => a.arm === 'standby');
    const isChampion = arms.some((a) => a.arm === 'champion' && a.modelVersion === promoted);
    if (isChampion && standby?.modelVersion === data.championVersion)
      await serving.switchOver(actor, endpoint, reason);
    else if (isChampion) await serving.rollback(actor, endpoint, reason);
    const { movedAlias, model } = data;
    let said = reason;
    if (movedAlias && promoted !== undefined) {
      const { alias, from } = movedAlias;
      try {
        await aliases.giveBack(actor, { model, alias, version: Number(promoted), to: from, reason });
      } catch (error) {
        if (!(error instanceof MillraceError) || error.status >= 500) throw error;
        // The traffic is back, which nothing undoes; a person settles the alias.
        said = `${reason}; but alias ${alias} stays at version ${promoted}: ${error.message}. ${error.next}`;
      }
    }
    const endedMs = (await watermarks.get(endpoint)) ?? clock.nowMs();
    const coolUntilMs = endedMs + parseDuration(data.spec.cooldown);
    await this.decide(record, {
      actor,
      action: 'rollback',
      reason,
      state: 'rolled-back',
      change: { coolUntilMs, reason: said, clock: clockSteps.mark() },
    });
  }

  /** Gives the arms the traffic of a step and returns it as it then is. */
  async #enter(
    record: Pick<RolloutRecord, 'endpoint' | 'data'>,
    actor: Actor,
    stage: Step['stage'],
    index: number | null,
    reason: string,
    isProved = false,
  ): Promise<Step> {
    const { serving, clock, watermarks } = this.#deps;
    const { spec, targets } = record.data;
    const [first] = targets;
    if (!first) throw fail('internal', { reference: 'a rollout without an arm' });
    const target = { modelVersion: first.version, packageDigest: first.digest };
    const guard = guardOf(spec);
    const why = reason.slice(0, 2000);
    let percent = 0;
    let routeVersion: number;
    if (stage === 'shadow') {
      ({ routeVersion } = await serving.setShadow(actor, record.endpoint, target, why));
    } else if (spec.kind === 'canary') {
      percent = spec.steps[index ?? 0] ?? 100;
      ({ routeVersion } = await serving.challenge(
        actor,
        record.endpoint,
        { ...target, guard },
        percent / 100,
        why,
        spec.mirror && percent < 100,
      ));
    } else {
      const even = 1 / (targets.length + 1);
      const arms = targets.map(({ arm, version: modelVersion, digest: packageDigest }) => ({
        arm,
        modelVersion,
        packageDigest,
        guard,
        weight: spec.kind === 'split' ? (spec.arms.find((a) => a.arm === arm)?.percent ?? 0) / 100 : even,
      }));
      percent = 100 * arms.reduce((sum, arm) => sum + arm.weight, 0);
      ({ routeVersion } = await serving.split(actor, record.endpoint, arms, why));
    }
    const eventMs = await watermarks.get(record.endpoint);
    return {
      stage,
      index,
      percent,
      routeVersion,
      since: formatTime(clock.nowMs()),
      sinceEventTime: eventMs === undefined ? null : formatTime(eventMs),
      isProved,
    };
  }
}

function eventOf(state: RolloutState): string {
  if (state === 'aborted') return rolloutEvents.aborted;
  return state === 'promoted' ? rolloutEvents.promoted : rolloutEvents.changed;
}
