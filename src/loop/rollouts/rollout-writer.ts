import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { type Clock, formatTime, parseDuration } from '../../core/time.ts';
import type { MonitoringService } from '../../lifecycle/monitoring/index.ts';
import type { ServingService } from '../../lifecycle/serving/index.ts';
import type { Actor } from '../../platform/access/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { Watermarks } from '../../platform/watermarks/index.ts';
import { type EndpointRollout, type RolloutState, rolloutEvents } from '../contract.ts';
import { guardOf } from '../verdict/guard-of.ts';
import type { RolloutLog } from '../verdict/observe.ts';
import type { RolloutWatch } from './live/rollout-watch.ts';
import { type RolloutData, type RolloutRecord, updateRollout } from './store.ts';

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
  readonly watermarks: Pick<Watermarks, 'declare' | 'get'>;
  readonly monitoring: Pick<MonitoringService, 'rolloutAborted' | 'rolloutPromoted'>;
  readonly aliases: RolloutAliases;
  readonly logger: Logger;
  /** Digest of a registered version's package. Throws `version_not_packaged`, `version_unknown`. */
  readonly packageOf: (model: string, version: number) => Promise<Digest>;
}

/** Aliases of registered models, as far as promotions move them. Refusals are the registry's. */
export interface RolloutAliases {
  /**
   * Points an alias at a version, and says where it pointed before (null: nowhere). Throws `version_blocked`,
   * `alias_protected`.
   */
  move(actor: Actor, move: AliasChange): Promise<number | null>;
  /** Points it back at where it was, unless somebody else has moved it meanwhile. */
  giveBack(actor: Actor, move: AliasChange & { readonly to: number | null }): Promise<void>;
}

/** An alias of a registered model and the version that it is moved to. */
export interface AliasChange {
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

/** Most decisions that are kept with a rollout; the audit trail keeps all. */
const keptDecisions = 200;

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
    const data: RolloutData = {
      ...record.data,
      ...change,
      reason: change?.reason ?? reason,
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

  /** The champion has all traffic again, at once; then the end is written. */
  async abort(
    record: RolloutRecord,
    actor: Actor,
    reason: string,
    change: Partial<RolloutData> = {},
  ): Promise<void> {
    const { serving, clock, watermarks, monitoring } = this.#deps;
    const { endpoint } = record;
    const why = `rollout aborted: ${reason}`.slice(0, 2000);
    await serving.withdraw(actor, endpoint, why);
    const nowMs = clock.nowMs();
    const { spec, targets, beganEventMs } = record.data;
    const endedMs = (await watermarks.get(endpoint)) ?? nowMs;
    const told = {
      ...{ endpoint, subject: `rollout/${record.id}`, reason: reason.slice(0, 2000) },
      modelVersion: targets.map((t) => t.version).join(', '),
      ...{ beganMs: beganEventMs ?? endedMs, endedMs },
    };
    // A person who aborts knows of it.
    const alert = (tx: Tx) => monitoring.rolloutAborted(tx, actor, told);
    await this.decide(record, {
      ...{ actor, action: 'abort', reason, state: 'aborted' },
      change: { ...change, endedAtMs: nowMs, coolUntilMs: endedMs + parseDuration(spec.cooldown) },
      ...(actor.kind === 'system' ? { beside: alert } : {}),
    });
  }

  /**
   * The arm becomes champion, and the model's alias goes with it; the one before stays warm, so that the way back is a
   * switch. The registry is asked first, so that what it refuses gets no traffic. Throws `version_blocked`,
   * `alias_protected`.
   */
  async promote(
    record: RolloutRecord,
    actor: Actor,
    arm: string,
    reason: string,
    change: Partial<RolloutData> = {},
  ): Promise<void> {
    const { serving, clock, watermarks, monitoring, aliases } = this.#deps;
    const { endpoint, data } = record;
    const target = data.targets.find((t) => t.arm === arm);
    if (!target) throw fail('endpoint_no_arm', { endpoint, arm, action: 'promote' });
    const why = reason.slice(0, 2000);
    const alias = data.spec.alias ?? null;
    const move = { model: data.model, version: Number(target.version), reason: why };
    const from = alias === null ? null : await aliases.move(actor, { ...move, alias });
    try {
      const { arms } = await serving.endpoint(actor, endpoint);
      // A rollout that is promoted out of its shadow has no arm yet.
      if (!arms.some((a) => a.arm === arm)) {
        const place = { modelVersion: target.version, packageDigest: target.digest };
        await serving.challenge(actor, endpoint, place, 0, why);
      }
      await serving.promote(actor, endpoint, why, target.version, { arm, keepPrevious: true });
    } catch (error) {
      if (alias !== null) await aliases.giveBack(actor, { ...move, alias, to: from });
      throw error;
    }
    const endedMs = (await watermarks.get(endpoint)) ?? clock.nowMs();
    const told = { endpoint, modelVersion: target.version, endedMs };
    await this.decide(record, {
      ...{ actor, action: 'promote', reason, state: 'promoted' },
      change: {
        ...change,
        endedAtMs: clock.nowMs(),
        // Promoted again after a crash, the alias is there already, and nobody knows where it was.
        movedAlias: alias === null || from === move.version ? null : { alias, from },
      },
      beside: (tx) => monitoring.rolloutPromoted(tx, actor, told),
    });
  }

  /** After a promotion: the champion from before has everything again, and the alias. What was promoted cools down. */
  async rollback(record: RolloutRecord, actor: Actor, reason: string): Promise<void> {
    const { serving, aliases, clock, watermarks } = this.#deps;
    const { endpoint, data } = record;
    const { arms } = await serving.endpoint(actor, endpoint);
    const promoted = arms.find((a) => a.arm === 'champion')?.modelVersion;
    const standby = arms.find((a) => a.arm === 'standby');
    if (standby?.modelVersion === data.championVersion) await serving.switchOver(actor, endpoint, reason);
    else await serving.rollback(actor, endpoint, reason);
    const { movedAlias, model } = data;
    if (movedAlias && promoted !== undefined) {
      const { alias, from } = movedAlias;
      await aliases.giveBack(actor, { model, alias, version: Number(promoted), to: from, reason });
    }
    const endedMs = (await watermarks.get(endpoint)) ?? clock.nowMs();
    const coolUntilMs = endedMs + parseDuration(data.spec.cooldown);
    await this.decide(record, {
      ...{ actor, action: 'rollback', reason, state: 'rolled-back' },
      change: { coolUntilMs },
    });
  }

  /** Gives the arms the traffic of a step and returns it as it then is. */
  async enter(
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
        ...{ arm, modelVersion, packageDigest, guard },
        weight: spec.kind === 'split' ? (spec.arms.find((a) => a.arm === arm)?.percent ?? 0) / 100 : even,
      }));
      percent = 100 * arms.reduce((sum, arm) => sum + arm.weight, 0);
      ({ routeVersion } = await serving.split(actor, record.endpoint, arms, why));
    }
    const eventMs = await watermarks.get(record.endpoint);
    return {
      ...{ stage, index, percent, routeVersion, since: formatTime(clock.nowMs()) },
      sinceEventTime: eventMs === undefined ? null : formatTime(eventMs),
      isProved,
    };
  }
}

function eventOf(state: RolloutState): string {
  if (state === 'aborted') return rolloutEvents.aborted;
  return state === 'promoted' ? rolloutEvents.promoted : rolloutEvents.changed;
}
