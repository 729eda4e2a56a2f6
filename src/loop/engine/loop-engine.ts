import { errorMessage } from '../../core/error-message.ts';
import type { Clock } from '../../core/time.ts';
import { PREDICTION_SEGMENT_REGISTERED } from '../../lifecycle/feedback/index.ts';
import type { Pipelines } from '../../lifecycle/pipelines/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { Watermarks } from '../../platform/watermarks/index.ts';
import type { ClockSteps } from '../clock-steps.ts';
import type { PendingWork } from '../contract.ts';
import type { LoopPorts } from '../ports.ts';
import type { RolloutWatch } from '../rollouts/live/rollout-watch.ts';
import { loopNames, loopsOn } from '../store/loops.ts';
import { endHarm } from './end-harm.ts';
import { Exclusive } from './exclusive.ts';
import { LoopWriter } from './loop-writer.ts';
import { reconcile } from './reconcile.ts';

/** What the engine and the services beside it work with. */
export interface EngineDeps {
  readonly db: Database;
  readonly journal: Journal;
  readonly pipelines: Pipelines;
  readonly watermarks: Watermarks;
  readonly ports: LoopPorts;
  /** Follows what comes in for the rollouts of turns; rollouts without a loop share it, and start and stop it. */
  readonly watch: RolloutWatch;
  readonly log: Logger;
  readonly clock: Clock;
  readonly clockSteps: ClockSteps;
}

/** Where a loop stands after everything that could be done was done. */
export interface Standing {
  /** What it waits for, as one sentence. */
  readonly what: string;
  /** Work of our own that is still under way. */
  readonly pending: readonly PendingWork[];
  readonly watermarkMs: number | undefined;
  /** False when the last look failed, or there was none yet. */
  readonly settled: boolean;
}

const lookAgainMs = 5_000;
/** More at once concern everybody. */
const mostEvents = 200;
/** Events about an endpoint's log and its event time, of which a server of many endpoints has many a second. */
const ofOneEndpoint: ReadonlySet<string> = new Set(['watermark.advanced', PREDICTION_SEGMENT_REGISTERED]);

/**
 * Turns the loops. Nothing that happens is handled as such: whenever something may have changed (an event, a tick,
 * a start), the loop's durable state is compared with what is the case and the next step is taken, until there is
 * none. So a restart, at any point, just looks again. A look may take long (it reads the log); what people decide, and
 * the end of a rollout that does harm, wait for no look: what a look then decides about is no more, and it looks again.
 */
export class LoopEngine {
  readonly #deps: EngineDeps;
  /** Nothing acts on a loop while something else does. */
  readonly #acting = new Exclusive();
  readonly #standings = new Map<string, Standing>();
  readonly #dirty = new Set<string>();
  /** Looks under way, by loop. */
  readonly #running = new Map<string, Promise<void>>();
  /** Ends of harm under way, by loop. */
  readonly #endings = new Map<string, Promise<void>>();
  readonly #endAgain = new Set<string>();
  readonly writer: LoopWriter;
  #stopListening: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** The last event that was heard of. */
  #heard = 0;
  #hearing: Promise<void> | null = null;
  #hearAgain = false;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    this.writer = new LoopWriter(deps.db, deps.journal, deps.pipelines);
  }

  async start(): Promise<void> {
    this.#heard = await this.#deps.journal.lastSeq();
    this.#stopListening = this.#deps.journal.onEvents(() => this.#hear());
    this.#timer = setInterval(() => this.#wakeAll(), lookAgainMs);
    this.#timer.unref();
    for (const name of await loopNames(this.#deps.db.read)) this.wake(name);
  }

  /** Stops after the step under way; everything else is in the database. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening?.();
    clearInterval(this.#timer);
    await this.#hearing;
    await Promise.all(this.#running.values());
    await Promise.all(this.#endings.values());
  }

  /** Has a loop looked at, now or after the look under way. */
  wake(name: string): void {
    if (this.#stopped) return;
    this.#dirty.add(name);
    if (!this.#standings.has(name)) this.#standings.set(name, unknownStanding);
    if (this.#running.has(name)) this.#endHarm(name);
    else this.#running.set(name, this.#turn(name));
  }

  /** Runs a person's change of a loop while nothing else acts on it, and looks again after it. */
  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#acting.run(name, work);
    } finally {
      this.wake(name);
    }
  }

  /** Where a loop stands; `busy` while it is being looked at. */
  standing(name: string): Standing & { readonly busy: boolean } {
    const standing = this.#standings.get(name) ?? unknownStanding;
    const busy = this.#running.has(name) || this.#dirty.has(name) || this.#hearing !== null;
    return { ...standing, busy };
  }

  async #turn(name: string): Promise<void> {
    try {
      while (this.#dirty.delete(name) && !this.#stopped) {
        this.#standings.set(name, await this.#look(name));
      }
    } finally {
      this.#running.delete(name);
    }
    if (this.#dirty.has(name)) this.wake(name);
  }

  async #look(name: string): Promise<Standing> {
    try {
      return await reconcile(name, this.#deps, this.writer, {
        stopped: () => this.#stopped,
        acting: (work) => this.#acting.run(name, work),
        harmed: () => this.#endHarm(name),
      });
    } catch (error) {
      this.#deps.log.error({ err: error, loop: name }, 'the loop could not go on; it is tried again');
      const what = errorMessage(error);
      return {
        what: `something that failed and is tried again: ${what}`,
        pending: [{ kind: 'transition', what }],
        watermarkMs: undefined,
        settled: false,
      };
    }
  }

  /**
   * What comes in says harm, or a guard may have taken the traffic: the rollout is ended at once, whatever is looked at
   * meanwhile.
   */
  #endHarm(name: string): void {
    if (this.#stopped) return;
    if (this.#endings.has(name)) {
      this.#endAgain.add(name);
      return;
    }
    const ended = this.#acting
      .run(name, () => endHarm(name, this.#deps, this.writer))
      .catch((error: unknown) =>
        this.#deps.log.warn(
          { err: error, loop: name },
          'the rollout could not be ended at once; the next look does',
        ),
      )
      .finally(() => {
        this.#endings.delete(name);
        if (this.#endAgain.delete(name)) this.#endHarm(name);
      });
    this.#endings.set(name, ended);
  }

  #hear(): void {
    if (this.#stopped) return;
    this.#hearAgain = true;
    this.#hearing ??= this.#hearAll().finally(() => {
      this.#hearing = null;
      if (this.#hearAgain) this.#hear();
    });
  }

  /** Wakes the loops that the newest events may concern: that of an endpoint, or all of them. */
  async #hearAll(): Promise<void> {
    const { journal, db, log } = this.#deps;
    try {
      while (this.#hearAgain && !this.#stopped) {
        this.#hearAgain = false;
        const events = await journal.eventsAfter(this.#heard, mostEvents);
        const isOfOne = events.length < mostEvents && events.every(({ type }) => ofOneEndpoint.has(type));
        this.#heard = isOfOne ? (events.at(-1)?.seq ?? this.#heard) : await journal.lastSeq();
        const endpoints = [...new Set(events.map(({ subject }) => subject.id))];
        if (!isOfOne) this.#wakeAll();
        else for (const name of await loopsOn(db.read, endpoints)) this.wake(name);
      }
    } catch (error) {
      log.warn({ err: error }, 'events could not be read: all loops are looked at');
      this.#wakeAll();
    }
  }

  #wakeAll(): void {
    for (const name of this.#standings.keys()) this.wake(name);
  }
}

const unknownStanding: Standing = {
  what: 'to be looked at',
  pending: [{ kind: 'transition', what: 'not looked at yet' }],
  watermarkMs: undefined,
  settled: false,
};
