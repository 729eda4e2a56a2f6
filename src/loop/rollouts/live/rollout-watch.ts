import { type Arrived, type ArrivedRow, featureText } from '../../../lifecycle/feedback/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { RolloutSpec } from '../../contract.ts';
import { nothingObserved, type Observation } from '../../verdict/observation.ts';
import { clockSkewMs, zeroBeforeOf } from '../../verdict/observe.ts';
import type { LiveLog } from './live-log.ts';
import { LiveObservation } from './live-observation.ts';
import { readLabels, readRows } from './read-files.ts';

/** A rollout of more predictions is looked at by the log alone: control's memory has an end. */
const mostPredictions = 2_000_000;

/** What comes in together is told of together: this long after the first of it, and so often at most. */
const gatherMs = 25;
const tellEveryMs = 100;
/** How often a rollout is told of in which rewards expire: that takes time alone. */
const expiryEveryMs = 250;

/** An open rollout, whoever began it. */
export interface Followed {
  readonly id: string;
  readonly endpoint: string;
  readonly spec: RolloutSpec;
  /** Its rows are those of this route and later ones, received since then. */
  readonly sinceRouteVersion: number;
  readonly sinceMs: number;
  /** Something came in for it, or a reward may have expired. */
  readonly changed: () => void;
}

interface Watched {
  readonly owner: string;
  rollout: Followed;
  readonly live: LiveObservation;
  /** What the last reading of the log saw. */
  last: Observation;
  /** Files that were read. */
  readonly read: Set<string>;
  /** False until everything of before it began was read once. */
  isWhole: boolean;
  reading: Promise<void> | null;
  telling: NodeJS.Timeout | null;
  readonly expiry: NodeJS.Timeout | null;
  toldMs: number;
}

/**
 * Follows open rollouts by what comes in: rows that replicas send as they write them, labels as they are acknowledged,
 * and files of the log for what came before or was missed. Nothing is read or kept for endpoints without a rollout.
 */
export class RolloutWatch {
  readonly #log: LiveLog;
  readonly #logger: Logger;
  /** By endpoint: it has one open rollout at most. */
  readonly #watched = new Map<string, Watched>();
  #stopListening: (() => void) | undefined;

  constructor(log: LiveLog, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
  }

  start(): void {
    this.#stopListening ??= this.#log.listen((arrived) => this.#take(arrived));
  }

  async stop(): Promise<void> {
    for (const { reading } of this.#watched.values()) await reading;
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#log.follow([]);
    for (const endpoint of [...this.#watched.keys()]) this.#forget(endpoint);
  }

  /** Follows these rollouts of an owner and forgets its others; reads files of the log that were not read yet. */
  keep(owner: string, open: readonly Followed[]): void {
    if (!this.#stopListening) return;
    const before = [...this.#watched.keys()].join();
    for (const [endpoint, watched] of this.#watched) {
      const isOpen = open.some((rollout) => rollout.id === watched.rollout.id);
      if (watched.owner === owner && !isOpen) this.#forget(endpoint);
    }
    for (const rollout of open) {
      const known = this.#watched.get(rollout.endpoint);
      if (known) known.rollout = rollout;
      else this.#watched.set(rollout.endpoint, this.#begin(owner, rollout));
    }
    if ([...this.#watched.keys()].join() !== before) this.#log.follow([...this.#watched.keys()]);
    for (const watched of this.#watched.values()) if (watched.owner === owner) this.#catchUp(watched);
  }

  /** What a reading of the log saw of a rollout: what is not counted as it comes is known from there. */
  noteReading(rolloutId: string, seen: Observation): void {
    const watched = this.#find(rolloutId);
    if (watched) watched.last = seen;
  }

  /**
   * What is known of a rollout now. What copies say of distributions is as the last reading of the log had it. undefined
   * while not everything was read, or for a rollout that is too large.
   *
   * @param eventMs event time now: rewards that expired by then count as 0
   */
  observation(rolloutId: string, eventMs: number | undefined): Observation | undefined {
    const watched = this.#find(rolloutId);
    if (!watched?.isWhole || watched.live.size > mostPredictions) return undefined;
    const zeroBeforeMs = zeroBeforeOf(watched.rollout.spec, eventMs);
    if (zeroBeforeMs !== undefined) watched.live.zeroBefore(zeroBeforeMs);
    return watched.live.observation(watched.last);
  }

  #begin(owner: string, rollout: Followed): Watched {
    const { spec, sinceRouteVersion } = rollout;
    const watched: Watched = {
      ...{ owner, rollout, live: new LiveObservation(spec, sinceRouteVersion) },
      ...{ last: nothingObserved, read: new Set<string>(), isWhole: false, reading: null },
      ...{ telling: null, toldMs: Number.NEGATIVE_INFINITY },
      expiry:
        spec.kind === 'bandit' && spec.rewardAfter !== undefined
          ? setInterval(() => this.#tellSoon(watched), expiryEveryMs).unref()
          : null,
    };
    return watched;
  }

  #find(rolloutId: string): Watched | undefined {
    return [...this.#watched.values()].find(({ rollout }) => rollout.id === rolloutId);
  }

  #forget(endpoint: string): void {
    const { telling, expiry } = this.#watched.get(endpoint) ?? {};
    clearTimeout(telling ?? undefined);
    clearInterval(expiry ?? undefined);
    this.#watched.delete(endpoint);
  }

  #tellSoon(watched: Watched): void {
    const sinceMs = performance.now() - watched.toldMs;
    watched.telling ??= setTimeout(
      () => {
        watched.telling = null;
        watched.toldMs = performance.now();
        watched.rollout.changed();
      },
      Math.max(gatherMs, tellEveryMs - sinceMs),
    );
  }

  #take({ endpoint, rows = [], features, labels = [] }: Arrived): void {
    const watched = this.#watched.get(endpoint);
    if (!watched || watched.live.size > mostPredictions) return;
    const { segments } = watched.rollout.spec;
    // Rows whose segments are not told are left to their file.
    if (features || segments.length === 0) {
      const wanted = segments.map((name) => features?.find((feature) => feature.name === name));
      const textsOf = ({ cells }: ArrivedRow) =>
        wanted.map((feature) => feature && featureText(cells?.[feature.index], feature.type));
      for (const row of rows) watched.live.addRow(row, textsOf(row));
    }
    for (const label of labels) watched.live.addLabel(label);
    if (watched.isWhole && rows.length + labels.length > 0) this.#tellSoon(watched);
  }

  #catchUp(watched: Watched): void {
    if (watched.reading || watched.live.size > mostPredictions) return;
    watched.reading = this.#read(watched)
      .catch((error: unknown) => {
        this.#logger.warn(
          { err: error, rollout: watched.rollout.id },
          'the log of a rollout could not be followed; again soon',
        );
      })
      .finally(() => {
        watched.reading = null;
      });
  }

  async #read(watched: Watched): Promise<void> {
    const { rollout, live, read } = watched;
    const range = {
      sinceRouteVersion: rollout.sinceRouteVersion,
      receivedFromMs: rollout.sinceMs - clockSkewMs,
    };
    const files = await this.#log.files(rollout.endpoint);
    const wasWhole = watched.isWhole;
    let isNew = !wasWhole;
    for (const file of files.rows) {
      if (read.has(file.id)) continue;
      const found = await readRows(this.#log, file, range, rollout.spec.segments);
      for (const { row, segments } of found) live.addRow(row, segments);
      read.add(file.id);
      isNew = true;
    }
    for (const file of files.labels) {
      if (read.has(file.id)) continue;
      // Labels of now were told of when they came.
      if (!wasWhole)
        for (const label of await readLabels(this.#log, file, range.receivedFromMs)) live.addLabel(label);
      read.add(file.id);
    }
    watched.isWhole = true;
    if (isNew && this.#watched.get(rollout.endpoint) === watched) this.#tellSoon(watched);
  }
}
