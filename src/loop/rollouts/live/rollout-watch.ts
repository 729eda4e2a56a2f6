import { type Arrived, type ArrivedRow, featureText } from '../../../lifecycle/feedback/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { RolloutSpec } from '../../contract.ts';
import { nothingObserved, type Observation } from '../../verdict/observation.ts';
import { clockSkewMs, zeroBeforeOf } from '../../verdict/observe.ts';
import type { LiveLog } from './live-log.ts';
import { LiveObservation } from './live-observation.ts';
import { readLabels, readRows } from './read-files.ts';

/**
 * Memory for all rollouts together, bytes: about a million predictions with a copy and a label each, or two million
 * without an entity. Beyond it the largest one is looked at by the log alone.
 */
const mostBytes = 160_000_000;
/** After so many rows of a file it is looked again at what they take. */
const rowsBetweenChecks = 10_000;

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
  /** Its rows are those of this route and later ones; labels that say something of them were received since then. */
  readonly sinceRouteVersion: number;
  readonly sinceMs: number;
  /** Something came in for it, or a reward may have expired. */
  readonly changed: () => void;
}

interface Watched {
  readonly owner: string;
  rollout: Followed;
  /** null: it grew too large. */
  live: LiveObservation | null;
  /** What `live` took when it last grew. */
  bytes: number;
  /** What the last reading of the log saw. */
  last: Observation;
  /** Files that were read. */
  readonly read: Set<string>;
  /** False until everything of before it began was read once. */
  isWhole: boolean;
  /** Wall time since when labels are told of as they come. */
  readonly toldSinceMs: number;
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
  readonly #mostBytes: number;
  /** By endpoint: it has one open rollout at most. */
  readonly #watched = new Map<string, Watched>();
  #stopListening: (() => void) | undefined;

  /** @param bytes memory for all rollouts together */
  constructor(log: LiveLog, logger: Logger, bytes = mostBytes) {
    this.#log = log;
    this.#logger = logger;
    this.#mostBytes = bytes;
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
      if (known?.rollout.id === rollout.id) {
        known.rollout = rollout;
        continue;
      }
      // What was counted for another rollout, which its owner has not let go yet, is none of this one's.
      this.#forget(rollout.endpoint);
      this.#watched.set(rollout.endpoint, this.#begin(owner, rollout));
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
    if (!watched?.isWhole || !watched.live) return undefined;
    const zeroBeforeMs = zeroBeforeOf(watched.rollout.spec, eventMs);
    if (zeroBeforeMs !== undefined) watched.live.zeroBefore(zeroBeforeMs);
    return watched.live.observation(watched.last);
  }

  #begin(owner: string, rollout: Followed): Watched {
    const { spec, sinceRouteVersion } = rollout;
    const watched: Watched = {
      owner,
      rollout,
      live: new LiveObservation(spec, sinceRouteVersion),
      bytes: 0,
      last: nothingObserved,
      read: new Set<string>(),
      isWhole: false,
      reading: null,
      telling: null,
      toldMs: Number.NEGATIVE_INFINITY,
      toldSinceMs: Date.now(),
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
    if (!watched?.live) return;
    const { segments } = watched.rollout.spec;
    // Rows whose segments are not told are left to their file.
    if (features || segments.length === 0) {
      const wanted = segments.map((name) => features?.find((feature) => feature.name === name));
      const textsOf = ({ cells }: ArrivedRow) =>
        wanted.map((feature) => feature && featureText(cells?.[feature.index], feature.type));
      for (const row of rows) watched.live.addRow(row, textsOf(row));
    }
    for (const label of labels) watched.live.addLabel(label);
    this.#keepWithinBounds(watched);
    if (watched.isWhole && rows.length + labels.length > 0) this.#tellSoon(watched);
  }

  /** Leaves the largest rollouts to the log until the others fit, after one has grown. */
  #keepWithinBounds(grown: Watched): void {
    grown.bytes = grown.live?.bytes ?? 0;
    const all = [...this.#watched.values()];
    while (all.reduce((sum, { bytes }) => sum + bytes, 0) > this.#mostBytes) {
      const watched = all.reduce((largest, next) => (next.bytes > largest.bytes ? next : largest));
      watched.live = null;
      watched.bytes = 0;
      this.#logger.info(
        { rollout: watched.rollout.id, mostBytes: this.#mostBytes },
        'the rollout is too large to be followed row by row; it is judged by readings of the log',
      );
    }
  }

  #catchUp(watched: Watched): void {
    if (watched.reading || !watched.live) return;
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
    const { rollout, read } = watched;
    // A clock that was put back since then gives labels of now an earlier time than its begin.
    const receivedFromMs = Math.min(rollout.sinceMs, Date.now()) - clockSkewMs;
    const files = await this.#log.files(rollout.endpoint);
    const wasWhole = watched.isWhole;
    let isNew = !wasWhole;
    for (const file of files.rows) {
      if (read.has(file.id)) continue;
      const found = await readRows(this.#log, file, rollout.sinceRouteVersion, rollout.spec.segments);
      for (const [i, { row, segments }] of found.entries()) {
        watched.live?.addRow(row, segments);
        if (i % rowsBetweenChecks === 0) this.#keepWithinBounds(watched);
      }
      this.#keepWithinBounds(watched);
      if (!watched.live) return;
      read.add(file.id);
      isNew = true;
    }
    for (const file of files.labels) {
      if (read.has(file.id)) continue;
      // Labels of now were told of when they came. Files of what an earlier process took may come after the first reading.
      const untilMs = wasWhole ? watched.toldSinceMs : Number.POSITIVE_INFINITY;
      const found = await readLabels(this.#log, file, { receivedFromMs, untilMs });
      for (const label of found) watched.live?.addLabel(label);
      isNew ||= found.length > 0;
      read.add(file.id);
    }
    watched.isWhole = true;
    if (isNew && this.#watched.get(rollout.endpoint) === watched) this.#tellSoon(watched);
  }
}
