import type { Arrived } from '../../../lifecycle/feedback/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { Observation } from '../../verdict/observation.ts';
import { clockSkewMs } from '../../verdict/observe.ts';
import type { RolloutRecord } from '../store.ts';
import type { LiveLog } from './live-log.ts';
import { LiveObservation } from './live-observation.ts';
import { readLabels, readRows } from './read-files.ts';

/** A rollout of more predictions is looked at by the log alone: control's memory has an end. */
const mostPredictions = 2_000_000;

interface Watched {
  readonly record: RolloutRecord;
  readonly live: LiveObservation;
  /** Files that were read. */
  readonly read: Set<string>;
  /** False until everything of before it began was read once. */
  isWhole: boolean;
  reading: Promise<void> | null;
}

/**
 * Follows open rollouts by what comes in: rows that replicas send as they write them, labels as they are acknowledged,
 * and files of the log for what came before or was missed. Nothing is read or kept for endpoints without a rollout.
 */
export class RolloutWatch {
  readonly #log: LiveLog;
  readonly #logger: Logger;
  readonly #changed: (rolloutId: string) => void;
  /** By endpoint: it has one open rollout at most. */
  readonly #watched = new Map<string, Watched>();
  #stopListening: (() => void) | undefined;

  /** @param changed something came in for a rollout */
  constructor(log: LiveLog, logger: Logger, changed: (rolloutId: string) => void) {
    this.#log = log;
    this.#logger = logger;
    this.#changed = changed;
  }

  start(): void {
    this.#stopListening ??= this.#log.listen((arrived) => this.#take(arrived));
  }

  stop(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#log.follow([]);
    this.#watched.clear();
  }

  /** Follows these rollouts and forgets all others; reads files of the log that were not read yet. */
  keep(open: readonly RolloutRecord[]): void {
    if (!this.#stopListening) return;
    const before = [...this.#watched.keys()].join();
    for (const record of open) {
      const known = this.#watched.get(record.endpoint);
      const isSame = known?.record.id === record.id;
      const fresh = {
        live: new LiveObservation(record.data.spec, record.data.firstRouteVersion),
        ...{ read: new Set<string>(), isWhole: false, reading: null },
      };
      this.#watched.set(record.endpoint, isSame ? Object.assign(known, { record }) : { record, ...fresh });
    }
    for (const [endpoint, { record }] of this.#watched)
      if (!open.some(({ id }) => id === record.id)) this.#watched.delete(endpoint);
    if ([...this.#watched.keys()].join() !== before) this.#log.follow([...this.#watched.keys()]);
    for (const watched of this.#watched.values()) this.#catchUp(watched);
  }

  /** Resolves when files under way were read. */
  async settled(): Promise<void> {
    for (const { reading } of this.#watched.values()) await reading;
  }

  /** A rollout as it was when it was last kept. */
  record(rolloutId: string): RolloutRecord | undefined {
    return [...this.#watched.values()].find(({ record }) => record.id === rolloutId)?.record;
  }

  /**
   * What is known of a rollout now. Latencies, segments and what copies say of distributions are as the last reading of
   * the log had them. undefined while not everything was read, or for a rollout that is too large.
   */
  observation(rolloutId: string, last: Observation): Observation | undefined {
    const watched = [...this.#watched.values()].find(({ record }) => record.id === rolloutId);
    if (!watched?.isWhole || watched.live.size > mostPredictions) return undefined;
    return { ...last, ...watched.live.now };
  }

  #take({ endpoint, rows = [], labels = [] }: Arrived): void {
    const watched = this.#watched.get(endpoint);
    if (!watched || watched.live.size > mostPredictions) return;
    for (const row of rows) watched.live.addRow(row);
    for (const label of labels) watched.live.addLabel(label);
    if (watched.isWhole && rows.length + labels.length > 0) this.#changed(watched.record.id);
  }

  #catchUp(watched: Watched): void {
    if (watched.reading || watched.live.size > mostPredictions) return;
    watched.reading = this.#read(watched)
      .catch((error: unknown) => {
        const { id } = watched.record;
        this.#logger.warn(
          { err: error, rollout: id },
          'the log of a rollout could not be followed; again soon',
        );
      })
      .finally(() => {
        watched.reading = null;
      });
  }

  async #read(watched: Watched): Promise<void> {
    const { record, live, read } = watched;
    const range = {
      sinceRouteVersion: record.data.firstRouteVersion,
      receivedFromMs: record.createdAtMs - clockSkewMs,
    };
    const files = await this.#log.files(record.endpoint);
    const wasWhole = watched.isWhole;
    let isNew = !wasWhole;
    for (const file of files.rows) {
      if (read.has(file.id)) continue;
      for (const row of await readRows(this.#log, file, range)) live.addRow(row);
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
    if (isNew) this.#changed(record.id);
  }
}
