import { bothEnded } from '../../core/both-ended.ts';
import { type ErrorCode, MillraceError } from '../../core/errors.ts';
import { parseDuration } from '../../core/time.ts';
import type { BanditState } from '../contract.ts';
import { Exclusive } from '../engine/exclusive.ts';
import { banditState, wantsOtherShares } from '../verdict/bandit.ts';
import type { ComparedArm } from '../verdict/compare-arms.ts';
import { observe, zeroBeforeOf } from '../verdict/observe.ts';
import { provedArm } from '../verdict/proof.ts';
import { behindText } from './behind-text.ts';
import { countEnded } from './count-ended.ts';
import { judgeRollout } from './judge-rollout.ts';
import type { Followed } from './live/rollout-watch.ts';
import { movedAlong } from './moved-along.ts';
import { keepLook } from './past-looks.ts';
import { abortedBecause, type RolloutDeps, RolloutWriter, rolloutActor } from './rollout-writer.ts';
import {
  cooledRollouts,
  findRollout,
  interruptedRollouts,
  openRollouts,
  openStates,
  type RolloutIntent,
  type RolloutRecord,
  uncountedRollouts,
} from './store.ts';

const tickMs = 1000;
/** Least time between two readings of the log for one rollout; a slow reading waits four times as long as it took. */
const lookEveryMs = 5000;
const restFactor = 4;
/** As whom the rollouts without a loop are followed. */
const watchOwner = 'rollouts';
/** Under which cool-downs wait, all together. */
const cooling = 'cooling';
/** What the registry says when a version may not have an alias, or is not there any more. */
const refusals: readonly ErrorCode[] = [
  ...(['version_blocked', 'alias_protected', 'version_not_packaged'] as const),
  ...(['version_unknown', 'registered_model_unknown'] as const),
];
/** What an abort does away with though it is not done to its end: traffic alone follows from it. */
const replaceable: readonly RolloutIntent['action'][] = ['start', 'advance', 'weights', 'abort'];

/**
 * Turns rollouts: looks at what their arms did, goes on to the next step, promotes or aborts. A look reads what is new in
 * the log and counts everything anew, which takes longer the larger the rollout is (2 s of a core for a million requests).
 * Between two of them everything that comes in is counted as it comes (`RolloutWatch`), and harm that is seen so ends a
 * rollout at once. A restart just looks again.
 */
export class RolloutEngine {
  readonly #deps: RolloutDeps;
  readonly #writer: RolloutWriter;
  /** Nothing acts on an endpoint's rollout while something else does; looks wait for nobody. */
  readonly #acting = new Exclusive();
  /** By the process's own clock, which nobody puts back. */
  readonly #nextLookMs = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;
  #turning: Promise<void> | null = null;
  #losing: Promise<void> | null = null;
  #lostAgain = false;
  /** The route version up to which no open rollout has lost its traffic. */
  #keptUntil = -1;
  #quickLooks: Promise<unknown> = Promise.resolve();
  #again = false;
  /** Whether cool-downs are known to be by the clock as it is: it may have been set while control was down. */
  #knowsCooling = false;
  #stopped = false;

  constructor(deps: RolloutDeps) {
    this.#deps = deps;
    this.#writer = new RolloutWriter(deps);
  }

  start(): void {
    this.#deps.watch.start();
    this.#stopListening = this.#deps.journal.onEvents(() => this.#endLost());
    this.#timer = setInterval(() => this.wake(), tickMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening?.();
    clearInterval(this.#timer);
    await this.#deps.watch.stop();
    await this.#turning;
    await this.#losing;
    await this.#quickLooks;
  }

  /**
   * Runs a person's decision about an endpoint's rollout while nothing else acts on it, and looks again after it. What was
   * cut off before is done to its end first. `instead`: what is decided now does away with what cannot be done by now
   * (blobs that cannot be read), but for a promotion or the way back from one, which are half done.
   */
  async exclusively<T>(endpoint: string, work: () => Promise<T>, { instead = false } = {}): Promise<T> {
    try {
      return await this.#acting.run(endpoint, async () => {
        await this.#finish(endpoint, instead);
        return work();
      });
    } finally {
      this.wake();
    }
  }

  /** Looks at all open rollouts, now or after the look under way. One that has lost its traffic waits for no look. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (this.#turning) this.#endLost();
    else this.#turning = this.#turn();
  }

  /** Looks at every open rollout now, whenever it was looked at before. Resolves when that is done. */
  async lookNow(): Promise<void> {
    await this.#turning;
    this.#nextLookMs.clear();
    this.wake();
    await this.#turning;
  }

  /** Ends rollouts that have lost their traffic, when routes have changed since it was looked last. */
  #endLost(): void {
    if (this.#stopped) return;
    this.#lostAgain = true;
    this.#losing ??= this.#loseEach();
  }

  async #loseEach(): Promise<void> {
    try {
      while (this.#lostAgain && !this.#stopped) {
        this.#lostAgain = false;
        const version = await this.#deps.serving.lastRouteVersion();
        if (version === this.#keptUntil) continue;
        for (const record of await openRollouts(this.#deps.db.read)) await this.#isOver(record);
        this.#keptUntil = version;
      }
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'rollouts could not be read; they are tried again');
    } finally {
      this.#losing = null;
    }
  }

  /** Whether it has ended, or some of it has, because traffic was lost. What it has is known once all decided is done. */
  async #isOver(record: RolloutRecord): Promise<boolean> {
    if (record.data.intent !== null) return false;
    return (await this.#act(record, (now) => this.#hasLostTraffic(now))) !== false;
  }

  async #turn(): Promise<void> {
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        await this.#finishAll();
        await this.#keepTime();
        const open = await openRollouts(this.#deps.db.read);
        this.#deps.watch.keep(
          watchOwner,
          open.map((record) => this.#followed(record)),
        );
        const ended = await uncountedRollouts(this.#deps.db.read);
        for (const id of this.#nextLookMs.keys())
          if (![...open, ...ended].some((record) => record.id === id)) this.#forget(id);
        for (const record of open) await this.#try(record, () => this.#look(record));
        for (const record of ended) await this.#try(record, () => this.#count(record));
      }
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'rollouts could not be read; they are tried again');
    } finally {
      this.#turning = null;
    }
  }

  #forget(id: string): void {
    this.#nextLookMs.delete(id);
    this.#deps.clockSteps.forget(id);
  }

  /** After the clock was set, what waits by it waits for as long as was said. */
  async #keepTime(): Promise<void> {
    const { clockSteps, db } = this.#deps;
    for (const record of await openRollouts(db.read)) {
      const { clock } = record.data;
      const stepMs = clockSteps.of(record.id, clock);
      const isMarked = clockSteps.mark() === null || clockSteps.isPresent(clock);
      if (stepMs === 0 && isMarked) continue;
      await this.#act(record, (now) => this.#moveAlong(now, stepMs));
      clockSteps.movedAlong(record.id, stepMs);
    }
    const stepMs = clockSteps.of(cooling);
    if (stepMs === 0 && this.#knowsCooling) return;
    for (const { id, endpoint, data } of await cooledRollouts(db.read)) {
      const ownMs = clockSteps.since(data.clock) ?? stepMs;
      if (ownMs === 0) continue;
      await this.#acting.run(endpoint, async () => {
        const now = await findRollout(db.read, id);
        const eventMs = await this.#deps.watermarks.get(endpoint);
        const isCooling = (now?.data.coolUntilMs ?? 0) > (eventMs ?? 0) - ownMs;
        if (now && isCooling) await this.#moveAlong(now, ownMs);
      });
    }
    clockSteps.movedAlong(cooling, stepMs);
    this.#knowsCooling = true;
  }

  async #moveAlong(record: RolloutRecord, stepMs: number): Promise<void> {
    const { watermarks, clockSteps } = this.#deps;
    const { mode } = await watermarks.describe(rolloutActor, record.endpoint);
    const clock = clockSteps.mark();
    await this.#writer.note(record, mode === 'live' ? movedAlong(record.data, stepMs, clock) : { clock });
  }

  async #try(record: RolloutRecord, look: () => Promise<void>): Promise<void> {
    try {
      if (openStates.includes(record.state) && (await this.#isOver(record))) return;
      const startedMs = performance.now();
      if (startedMs < (this.#nextLookMs.get(record.id) ?? 0)) return;
      await look();
      const endedMs = performance.now();
      this.#nextLookMs.set(record.id, endedMs + Math.max(lookEveryMs, restFactor * (endedMs - startedMs)));
    } catch (error) {
      this.#nextLookMs.set(record.id, performance.now() + lookEveryMs);
      this.#deps.logger.warn(
        { err: error, rollout: record.id },
        'the rollout could not go on; it is tried again',
      );
    }
  }

  /** Ends a rollout whose arm is gone: a guard took its traffic away, or a person did. */
  async #hasLostTraffic(record: RolloutRecord): Promise<boolean> {
    const { data } = record;
    const endpoint = await this.#deps.serving.endpoint(rolloutActor, record.endpoint);
    const { step, targets, championVersion } = data;
    const isThere = ({ arm, version }: ComparedArm) =>
      step.stage === 'shadow'
        ? endpoint.shadow?.modelVersion === version
        : endpoint.arms.some((a) => a.arm === arm && a.modelVersion === version);
    const champion = endpoint.arms.find((a) => a.arm === 'champion');
    const left = targets.filter(isThere);
    const sameChampion = champion?.modelVersion === championVersion;
    if (sameChampion && left.length === targets.length) return false;
    const [last] = await this.#deps.serving.routeVersions(rolloutActor, record.endpoint, { limit: 1 });
    const reason = last?.reason ?? 'the endpoint was changed';
    if (sameChampion && left.length > 0) {
      await this.#writer.decide(record, {
        actor: rolloutActor,
        action: 'weights',
        reason,
        state: record.state,
        change: { targets: left },
      });
      return true;
    }
    // It may have been aborted just before the end.
    const said = reason.startsWith(abortedBecause) ? reason.slice(abortedBecause.length) : reason;
    if (sameChampion) await this.#writer.abort(record, rolloutActor, said);
    else {
      const change = { endedAtMs: this.#deps.clock.nowMs() };
      const why = `the champion was changed: ${reason}`;
      await this.#writer.decide(record, {
        actor: rolloutActor,
        action: 'end',
        reason: why,
        state: 'ended',
        change,
      });
    }
    return true;
  }

  /** Reads the log and acts on what it says, unless somebody else acted meanwhile. */
  async #look(record: RolloutRecord): Promise<void> {
    const { data } = record;
    const { spec, step } = data;
    const nowMs = this.#deps.clock.nowMs();
    const eventMs = await this.#deps.watermarks.get(record.endpoint);
    const seen = await observe(this.#deps.log, {
      endpoint: record.endpoint,
      spec,
      sinceRouteVersion: data.firstRouteVersion,
      championVersion: data.championVersion,
      zeroBeforeMs: zeroBeforeOf(spec, eventMs),
    });
    this.#deps.watch.noteReading(record.id, seen);
    const judged = judgeRollout(data, seen, nowMs, eventMs);
    const replicas = this.#deps.serving.replicas(rolloutActor);
    const behind =
      judged.verdict === 'waiting' ? behindText(replicas, record.endpoint, step.routeVersion) : '';
    const look = { ...judged, reason: judged.reason + behind };
    const champion = { arm: 'champion', version: data.championVersion };
    const endpoint = await this.#deps.serving.endpoint(rolloutActor, record.endpoint);
    const shares = Object.fromEntries(endpoint.arms.map((a) => [a.arm, a.weight]));
    const bandit =
      spec.kind === 'bandit'
        ? banditState(spec, [champion, ...data.targets], shares, seen, data.bandit?.changedAt ?? null)
        : data.bandit;
    const change = { look, looks: keepLook(data.looks, look, step), bandit, reason: look.reason };
    const act = async (now: RolloutRecord) => {
      if (now.revision !== record.revision) return;
      if (look.verdict === 'fail') return this.#fail(record, look.reason, change);
      if (record.state === 'paused' || record.state === 'ready') return this.#writer.note(record, change);
      if (look.verdict === 'pass' && !(spec.kind === 'bandit' && spec.promote === 'never')) {
        return this.#pass(record, look.reason, change);
      }
      const isDue = eventMs !== undefined && this.#isWeighingDue(record, eventMs);
      return bandit !== null && isDue && wantsOtherShares(bandit, shares)
        ? this.#weigh(record, bandit, change)
        : this.#writer.note(record, change);
    };
    await this.#act(record, act, look.verdict === 'fail');
  }

  /** Counts what one that has ended was answered until its end, which comes into the log after it. */
  async #count(record: RolloutRecord): Promise<void> {
    const counted = await countEnded(this.#deps, record);
    if (counted === null) return;
    await this.#acting.run(record.endpoint, () => this.#writer.count(record, counted));
  }

  /** What was decided about an endpoint's rollout and cut off amid it is done to its end, or done away with by an abort. */
  async #finish(endpoint: string, instead = false): Promise<void> {
    try {
      await this.#finishEach(endpoint);
    } catch (error) {
      const left = await interruptedRollouts(this.#deps.db.read, endpoint);
      const isReplaceable = left.every(({ data }) => replaceable.includes(data.intent?.action ?? 'start'));
      if (!instead || !isReplaceable) throw error;
    }
  }

  async #finishEach(endpoint: string): Promise<void> {
    for (const record of await interruptedRollouts(this.#deps.db.read, endpoint)) {
      try {
        await this.#writer.finish(record);
      } catch (error) {
        if (!(error instanceof MillraceError) || error.status >= 500) throw error;
        this.#deps.logger.warn(
          { err: error, rollout: record.id, action: record.data.intent?.action },
          'what was decided about the rollout was cut off, and is refused by now: it is not done',
        );
      }
    }
  }

  /** One that cannot be done by now is tried again; it holds nobody else up. */
  async #finishAll(): Promise<void> {
    const interrupted = await interruptedRollouts(this.#deps.db.read);
    for (const endpoint of new Set(interrupted.map((record) => record.endpoint))) {
      try {
        await this.#acting.run(endpoint, () => this.#finish(endpoint));
      } catch (error) {
        this.#deps.logger.warn(
          { err: error, endpoint },
          'what was decided about the rollout was cut off and cannot be done by now; it is tried again',
        );
      }
    }
  }

  /**
   * Acts on an open rollout as it is by then, after whatever else acts on it; undefined when it has ended.
   *
   * @param instead see `exclusively`: harm is ended whatever cannot be done
   */
  #act<T>(
    record: RolloutRecord,
    work: (now: RolloutRecord) => Promise<T>,
    instead = false,
  ): Promise<T | undefined> {
    return this.#acting.run(record.endpoint, async () => {
      await this.#finish(record.endpoint, instead);
      const now = await findRollout(this.#deps.db.read, record.id);
      return now && openStates.includes(now.state) ? work(now) : undefined;
    });
  }

  /** A rollout as the watch follows it: what comes in is judged in a moment. */
  #followed(record: RolloutRecord): Followed {
    const { id, endpoint, createdAtMs, data } = record;
    const look = () => {
      const looked = this.#quickLook(record).catch((error: unknown) => {
        const { logger } = this.#deps;
        logger.warn(
          { err: error, rollout: id },
          'the rollout could not be ended at once; the next look tries again',
        );
      });
      this.#quickLooks = bothEnded(this.#quickLooks, looked);
    };
    return {
      id,
      endpoint,
      spec: data.spec,
      sinceRouteVersion: data.firstRouteVersion,
      sinceMs: createdAtMs,
      changed: look,
    };
  }

  /** Ends a rollout that does harm by now. Whatever else there is to decide waits for the next reading of the log. */
  async #quickLook(known: RolloutRecord): Promise<void> {
    // Times of before the clock was set are moved along first.
    if (this.#stopped || this.#deps.clockSteps.of(known.id, known.data.clock) !== 0) return;
    const eventMs = await this.#deps.watermarks.get(known.endpoint);
    const seen = this.#deps.watch.observation(known.id, eventMs);
    const nowMs = this.#deps.clock.nowMs();
    if (!seen || judgeRollout(known.data, seen, nowMs, eventMs).verdict !== 'fail') return;
    const end = async (record: RolloutRecord) => {
      const look = judgeRollout(record.data, seen, nowMs, eventMs);
      if (look.verdict !== 'fail') return;
      const looks = keepLook(record.data.looks, look, record.data.step);
      await this.#fail(record, look.reason, { look, looks, reason: look.reason });
    };
    await this.#act(known, end, true);
  }

  /** Harm, or time that is over: the champion has everything again. */
  async #fail(record: RolloutRecord, reason: string, change: Partial<RolloutRecord['data']>): Promise<void> {
    await this.#writer.abort(record, rolloutActor, reason, change);
  }

  async #pass(record: RolloutRecord, reason: string, change: Partial<RolloutRecord['data']>): Promise<void> {
    const { spec, step } = record.data;
    if (spec.kind === 'canary') {
      const next = step.index === null ? 0 : step.index + 1;
      if (next < spec.steps.length) return this.advance(record, rolloutActor, reason, change);
    }
    if (spec.promote === 'manual') {
      return this.#writer.decide(record, {
        actor: rolloutActor,
        action: 'ready',
        reason,
        state: 'ready',
        change,
      });
    }
    const comparisons = change.look?.comparisons ?? [];
    const arm = spec.kind === 'canary' ? 'challenger' : provedArm(spec, record.data.targets, comparisons);
    if (arm === undefined) return;
    try {
      await this.#writer.promote(record, rolloutActor, arm, reason, change);
    } catch (error) {
      if (!(error instanceof MillraceError) || !refusals.includes(error.code)) throw error;
      // All is proved, but the registry says no: a person settles that, and promotes.
      const why = `${reason}; but ${error.message}. ${error.next}`;
      const now = await findRollout(this.#deps.db.read, record.id);
      if (!now) return;
      await this.#writer.decide(now, {
        actor: rolloutActor,
        action: 'ready',
        reason: why,
        state: 'ready',
        change: { ...change, reason: why },
      });
    }
  }

  /** Goes on to the next step. */
  async advance(
    record: RolloutRecord,
    actor: typeof rolloutActor,
    reason: string,
    change: Partial<RolloutRecord['data']> = {},
  ): Promise<void> {
    const { step: now, spec } = record.data;
    const next = now.index === null ? 0 : now.index + 1;
    // By a verdict, all of the traffic is given only after the proof.
    const isProved = change.look?.verdict === 'pass' && spec.kind === 'canary' && spec.steps[next] === 100;
    await this.#writer.act(record, { action: 'advance', actor, reason, isProved }, change);
  }

  #isWeighingDue({ data }: RolloutRecord, eventMs: number): boolean {
    const { spec } = data;
    if (spec.kind !== 'bandit') return false;
    const lastMs = data.weighedAtMs ?? data.beganEventMs ?? Number.NEGATIVE_INFINITY;
    return eventMs - lastMs >= parseDuration(spec.every);
  }

  /** Puts the bandit's shares in force as the next route version. */
  async #weigh(
    record: RolloutRecord,
    bandit: BanditState,
    change: Partial<RolloutRecord['data']>,
  ): Promise<void> {
    const text = bandit.arms.map((a) => `${a.arm} ${(100 * a.share).toFixed(1)} %`).join(', ');
    const reason = `shares by ${bandit.arms.reduce((sum, a) => sum + a.rewards, 0)} rewards: ${text}`;
    await this.#writer.act(record, { action: 'weights', actor: rolloutActor, reason }, change);
  }
}
