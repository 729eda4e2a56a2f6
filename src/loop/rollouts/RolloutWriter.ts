import { fail } from '../../core/errors.ts';
import { type Clock, formatTime, parseDuration } from '../../core/time.ts';
import type { ServingService } from '../../lifecycle/serving/index.ts';
import type { Actor } from '../../platform/access/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { type EndpointRollout, type RolloutState, rolloutEvents } from '../contract.ts';
import { guardOf } from '../verdict/guardOf.ts';
import type { RolloutLog } from '../verdict/observe.ts';
import { type RolloutData, type RolloutRecord, updateRollout } from './store.ts';

export interface RolloutDeps {
  readonly db: Database;
  readonly journal: Journal;
  readonly serving: ServingService;
  readonly log: RolloutLog;
  readonly clock: Clock;
  /** Event time of an endpoint up to which all is known; undefined before a replay has begun. */
  readonly eventTimeMs: (endpoint: string) => Promise<number | undefined>;
  readonly logger: Logger;
  /** Digest of a registered version's package. Throws `version_not_packaged`, `version_unknown`. */
  readonly packageOf: (model: string, version: number) => Promise<string>;
}

/** Who decides when no person does. */
export const rolloutActor: Actor = { kind: 'system', id: 'rollout' };

type Step = EndpointRollout['step'];
type Action = EndpointRollout['decisions'][number]['action'];

export interface Decided {
  readonly actor: Actor;
  readonly action: Action;
  readonly reason: string;
  readonly state: RolloutState;
  readonly change?: Partial<RolloutData>;
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
    const { serving, clock, eventTimeMs } = this.#deps;
    const why = `rollout aborted: ${reason}`.slice(0, 2000);
    await serving.withdraw(actor, record.endpoint, why);
    const nowMs = clock.nowMs();
    const { spec } = record.data;
    const endMs = (await eventTimeMs(record.endpoint)) ?? nowMs;
    await this.decide(record, {
      ...{ actor, action: 'abort', reason, state: 'aborted' },
      change: { ...change, endedAtMs: nowMs, coolUntilMs: endMs + parseDuration(spec.cooldown) },
    });
  }

  /** The arm becomes champion; the one before stays warm, so that the way back is a switch. */
  async promote(
    record: RolloutRecord,
    actor: Actor,
    arm: string,
    reason: string,
    change: Partial<RolloutData> = {},
  ): Promise<void> {
    const { serving, clock } = this.#deps;
    const version = record.data.targets.find((t) => t.arm === arm)?.version;
    if (version === undefined)
      throw fail('endpoint_no_arm', { endpoint: record.endpoint, arm, action: 'promote' });
    const { arms } = await serving.endpoint(actor, record.endpoint);
    // A rollout that is promoted out of its shadow has no arm yet.
    const target = record.data.targets.find((t) => t.arm === arm);
    if (target && !arms.some((a) => a.arm === arm)) {
      const place = { modelVersion: version, packageDigest: target.digest };
      await serving.challenge(actor, record.endpoint, place, 0, reason);
    }
    await serving.promote(actor, record.endpoint, reason.slice(0, 2000), version, {
      arm,
      keepPrevious: true,
    });
    await this.decide(record, {
      ...{ actor, action: 'promote', reason, state: 'promoted' },
      change: { ...change, endedAtMs: clock.nowMs() },
    });
  }

  /** Gives the arms the traffic of a step and returns it as it then is. */
  async enter(
    record: Pick<RolloutRecord, 'endpoint' | 'data'>,
    actor: Actor,
    stage: Step['stage'],
    index: number | null,
    reason: string,
  ): Promise<Step> {
    const { serving, clock, eventTimeMs } = this.#deps;
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
    const eventMs = await eventTimeMs(record.endpoint);
    return {
      ...{ stage, index, percent, routeVersion, since: formatTime(clock.nowMs()) },
      sinceEventTime: eventMs === undefined ? null : formatTime(eventMs),
    };
  }
}

function eventOf(state: RolloutState): string {
  if (state === 'aborted') return rolloutEvents.aborted;
  return state === 'promoted' ? rolloutEvents.promoted : rolloutEvents.changed;
}
