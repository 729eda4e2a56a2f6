import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { bothEnded } from '../../core/both-ended.ts';
import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { type Clock, formatTime, wallClock } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { DirectoryBlobStore } from '../../platform/blobs/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Frames } from '../../platform/frames/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { EraseHook, EraseRequest } from '../../platform/registries/index.ts';
import type { SecretBox } from '../../platform/secrets/index.ts';
import { Arrivals, type OpenRows, readOpenRows } from './arrivals.ts';
import {
  type FeedbackSummary,
  type LabelJoinOutputs,
  type LabelSegment,
  type LogFacets,
  type LogReading,
  type PostLabelsRequest,
  type PostLabelsResponse,
  PREDICTION_SEGMENT_REGISTERED,
  type Prediction,
  type PredictionDetail,
  type PredictionSegment,
  type PredictionsFilter,
  type RegisteredSegment,
} from './contract.ts';
import { eraseHooks } from './erase-hooks.ts';
import { labelAdvice } from './label-advice.ts';
import { type LabelJoin, writeLabelJoin } from './label-join.ts';
import type { LabelLog } from './label-log.ts';
import { type EntityAsLogged, Intake } from './labels/intake.ts';
import { LabelService } from './labels/label-service.ts';
import { Matching } from './labels/matching.ts';
import { LogFiles } from './log-files.ts';
import { NarrowLog } from './narrow/narrow-log.ts';
import type { NarrowSelection } from './narrow/narrow-table.ts';
import { type LabelLogs, openLabelLogs } from './open-label-logs.ts';
import { featureNames, joinedSql, parquet, predictionsSql, type RowFilter } from './relations.ts';
import { LogWindows } from './replay/log-windows.ts';
import type { PageKey } from './search/list-predictions.ts';
import { LogSearch } from './search/log-search.ts';
import { Compaction } from './segments/compaction.ts';
import { type LogHashing, LogHashKeys } from './segments/log-hash-keys.ts';
import { type Erased, Removal } from './segments/removal.ts';
import { requireSegment } from './segments/require-segment.ts';
import { openRewritings } from './segments/rewrite.ts';
import { SegmentIndex } from './segments/segment-index.ts';
import { SetAside } from './segments/set-aside.ts';
import { ErasureStore } from './store/erasure-store.ts';
import { LabelStore } from './store/label-store.ts';
import { SourceStore } from './store/source-store.ts';
import { WindowStore } from './store/window-store.ts';
import { type AsideSegment, FeedbackStore, type SegmentFilter } from './store.ts';
import { summarize } from './summarize.ts';
import { SummaryCache } from './summary-cache.ts';
import { Upkeep } from './upkeep.ts';

export interface FeedbackServiceOptions {
  readonly db: Database;
  readonly journal: Journal;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  readonly log: Logger;
  /** Where labels lie until they are sealed to blobs. */
  readonly labelDirectory: string;
  /** Whether an endpoint is known, so that labels for a mistyped one are refused. */
  readonly endpointExists: (endpoint: string) => Promise<boolean>;
  /** As they are unless given. */
  readonly entityAsLogged?: EntityAsLogged;
  readonly hashing?: LogHashing;
  /** How far the clock of a replica is ahead of ours; undefined: it is not known. None is unless given. */
  readonly clockAheadMs?: (replicaId: string) => number | undefined;
  /** Keeps the URLs of databases that labels are read from. */
  readonly secrets: SecretBox;
  readonly clock?: Clock;
  /** How long a reader waits for labels that are being sealed; 5 s unless given. */
  readonly readWaitMs?: number;
  /** A summary whose count takes longer may be an older one; see `summary`. 1 s unless given. */
  readonly slowCountMs?: number;
  /** Hears of all segments that are set aside, see `SetAside`; nobody does unless given. */
  readonly onSetAside?: (segments: readonly AsideSegment[]) => Promise<void>;
}

const defaultSlowCountMs = 1000;

/** Predictions and labels: taken in durably, joined, counted exactly, and handed to whoever learns from them. */
export class FeedbackService {
  /** Files, queries, signals, settings, and what waits. */
  readonly labels: LabelService;
  readonly upkeep: Upkeep;
  readonly removal: Removal;
  readonly hashKeys: LogHashKeys;
  /** What steps read of the log. */
  readonly windows: LogWindows;
  /** Rows and labels at the moment that they come in. */
  readonly arrivals: Arrivals;
  readonly #options: FeedbackServiceOptions;
  readonly #store: FeedbackStore;
  readonly #labels: LabelLog;
  readonly #labelStore: LabelStore;
  readonly #signals: LabelLog;
  readonly #intake: Intake;
  readonly #matching: Matching;
  readonly #index: SegmentIndex;
  readonly #search: LogSearch;
  readonly #narrow: NarrowLog;
  readonly #clock: Clock;
  readonly #files: LogFiles;
  readonly #summaries: SummaryCache;

  private constructor(options: FeedbackServiceOptions, logs: LabelLogs, arrivals: Arrivals) {
    const { db, frames, log } = options;
    const clock = options.clock ?? wallClock;
    const store = new FeedbackStore(db);
    const tell = options.onSetAside ?? (async () => undefined);
    const aside = new SetAside({ db, store, frames, log, blobs: options.blobs, tell });
    const blobs = aside.watched();
    frames.onFailed((reason) => aside.suspect(reason));
    const directory = rewritingDirectory(options);
    const labelStore = new LabelStore(db);
    this.#labelStore = labelStore;
    const entityAsLogged = options.entityAsLogged ?? (async () => (entity) => entity);
    const hashKeys = new LogHashKeys({ db, frames, hashing: options.hashing });
    this.hashKeys = hashKeys;
    this.#options = options;
    this.#summaries = new SummaryCache(options.slowCountMs ?? defaultSlowCountMs);
    this.arrivals = arrivals;
    this.#clock = clock;
    this.#store = store;
    this.#labels = logs.labels;
    this.#signals = logs.signals;
    this.#files = new LogFiles(store, blobs, logs);
    this.windows = new LogWindows({
      db,
      frames,
      blobs,
      store: new WindowStore(db),
      files: (window) => this.#files.of(window),
      isLogged: async (span) => (await store.predictionSegments(span)).length > 0,
      temporaryFile: () => this.temporaryFile(),
    });
    this.#index = new SegmentIndex({ db, blobs, frames, store, directory, aside });
    this.#search = new LogSearch({ store, blobs, frames, index: this.#index, hashKeys, ...logs });
    this.#matching = new Matching({
      db,
      frames,
      clock,
      store: labelStore,
      ...logs,
      nearEntities: (...question) => this.#search.nearEntities(...question),
      answered: (...question) => this.#search.answered(...question),
    });
    this.#intake = new Intake({
      db,
      clock,
      entityAsLogged,
      store: labelStore,
      endpointExists: options.endpointExists,
      ...logs,
      onWaiting: (endpoint) => this.#matchSoon(endpoint),
    });
    this.labels = new LabelService({
      ...options,
      clock,
      settings: labelStore,
      sources: new SourceStore(db),
      intake: this.#intake,
      labels: logs.labels,
      matching: this.#matching,
      files: (endpoint, range) => this.#files.withSignals({ endpoint, ...range }),
      endOfLog: async (endpoint) =>
        ((await store.predictionSegments({ endpoint }))[0]?.maxEventTimeMs ?? 0) + 1,
    });
    this.#narrow = new NarrowLog({
      frames,
      clock,
      directory,
      files: (endpoint) => this.#files.narrow(endpoint),
    });
    const rewriting = { db, store, blobs, frames, clock, directory, aside };
    this.removal = new Removal({
      ...rewriting,
      hashKeys,
      clockAheadMs: options.clockAheadMs ?? (() => undefined),
      journal: options.journal,
      labels: labelStore,
      erasures: new ErasureStore(db),
      index: this.#index,
    });
    this.upkeep = new Upkeep({
      clock,
      log,
      queries: this.labels.queries,
      compaction: new Compaction(rewriting),
      removal: this.removal,
      index: this.#index,
      aside,
      matchAll: () => this.labels.matchAll(),
      applyRules: () => this.labels.applyRules(),
    });
  }

  /** Opens the logs of labels and recovers what an earlier process had acknowledged but not sealed. */
  static async open(options: FeedbackServiceOptions): Promise<FeedbackService> {
    const { db, blobs, log } = options;
    await openRewritings({
      blobs,
      directory: rewritingDirectory(options),
      store: new FeedbackStore(db),
      log,
    });
    const arrivals = new Arrivals();
    const service = new FeedbackService(options, await openLabelLogs(options, arrivals), arrivals);
    await service.labels.uploads.resume();
    return service;
  }

  /** Begins what is done again and again: queries, rules, compaction, retention. */
  start(): void {
    this.upkeep.start();
  }

  async close(): Promise<void> {
    await this.windows.abandon();
    await this.upkeep.stop();
    await this.labels.uploads.close();
    await this.#matchings;
    await this.#narrow.close();
    await this.#labels.close();
    await this.#signals.close();
  }

  #matchings: Promise<unknown> = Promise.resolve();

  /** Looks for predictions of labels by entity in the background; upkeep tries again what fails. */
  #matchSoon(endpoint: string): void {
    const match = this.#matching.match(endpoint).catch((error: unknown) => {
      this.#options.log.warn({ err: error, endpoint }, 'labels by entity: to be tried again');
    });
    this.#matchings = bothEnded(this.#matchings, match);
  }

  /**
   * Takes a replica's sealed segment. The same id again changes nothing. Throws `blob_missing`, `segment_unreadable`.
   *
   * @param along is done in the same transaction, also for a segment that is there already; where it throws, nothing is done
   */
  async registerSegment(
    actor: Actor,
    segment: PredictionSegment,
    along?: (tx: Tx) => Promise<void>,
  ): Promise<RegisteredSegment> {
    authorize(actor, 'feedback:write');
    const { db, journal, blobs } = this.#options;
    if (!(await blobs.info(segment.digest))) throw fail('blob_missing', { digest: segment.digest });
    const path = await blobs.path(segment.digest);
    await requireSegment(this.#options.frames, path, segment);
    const noteKey = await this.hashKeys.notesOf(segment, path);
    const created = await db.write(async (tx) => {
      await along?.(tx);
      if (!(await this.#store.insertPredictionSegment(tx, segment, this.#clock.nowMs()))) return false;
      await noteKey(tx);
      await journal.appendEvent(tx, {
        type: PREDICTION_SEGMENT_REGISTERED,
        subject: { kind: 'endpoint', id: segment.endpoint },
        data: segment,
        eventTimeMs: segment.maxEventTimeMs,
      });
      return true;
    });
    if (created) this.#matchSoon(segment.endpoint);
    return { ...segment, created };
  }

  /** Tells of rows that a replica has just written. They are kept by nobody: their segment brings them. */
  takeOpenRows(actor: Actor, open: OpenRows): void {
    authorize(actor, 'feedback:write');
    if (this.arrivals.isHeard) this.arrivals.tell({ endpoint: open.endpoint, ...readOpenRows(open) });
  }

  /** Relations (SQL for `frames`) of an endpoint's files of predictions and of labels, oldest first, all columns. */
  async logFiles(actor: Actor, endpoint: string) {
    authorize(actor, 'read');
    return this.#files.relations(endpoint);
  }

  /**
   * Takes labels; resolves when all are on the disk. Unknown predictions, doubles and any order are all right.
   * See `Intake.take`.
   */
  async postLabels(actor: Actor, request: PostLabelsRequest): Promise<PostLabelsResponse> {
    authorize(actor, 'feedback:write');
    return this.#intake.take(request.endpoint, request.labels, 'api');
  }

  /** Takes an entity out of the log, its labels and signals too. See `Removal.erase`. */
  async erase(actor: Actor, request: EraseRequest): Promise<Erased> {
    authorize(actor, 'feedback:write');
    const endpoints = new Set((await this.#store.predictionSegments({})).map((s) => s.endpoint));
    for (const endpoint of endpoints) await this.flush(endpoint);
    for (const endpoint of endpoints) await this.#signals.flush(endpoint);
    const erased = await this.upkeep.alone(() => this.removal.erase(actor, request));
    await this.#options.db.scrub();
    this.#summaries.clear();
    await this.#narrow.forget();
    return erased;
  }

  /** See `eraseHooks`. */
  eraseHooks(others: Parameters<typeof eraseHooks>[2]): readonly EraseHook<Actor>[] {
    return eraseHooks(this, this.#options, others);
  }

  /** Compacts and applies retention now. See `Compaction`. */
  async compact(actor: Actor, endpoint?: string, force = false) {
    authorize(actor, 'feedback:write');
    return this.upkeep.tidy(force, endpoint);
  }

  /** Makes every label acknowledged so far visible to readers. Done before a watermark moves. */
  async flush(endpoint: string): Promise<void> {
    await this.#matching.match(endpoint);
    await this.#labels.flush(endpoint);
  }

  /**
   * Exact counts, labels acknowledged a moment ago included. On a very large log, where counting takes more than
   * a second, an earlier count may be given for up to ten times as long as it took (see `countedAt`).
   */
  async summary(actor: Actor, endpoint: string): Promise<FeedbackSummary> {
    authorize(actor, 'read');
    await this.#labels.flushForReader(endpoint);
    const predictions = await this.#store.predictionSegments({ endpoint });
    const labels = await this.#store.labelSegments(endpoint);
    const key = hash('sha1', [...predictions, ...labels].map(({ id }) => id).join('\n'));
    const counted = await this.#summaries.get(endpoint, key, async () => ({
      endpoint,
      ...(await summarize(
        this.#options.frames,
        await this.#files.paths(predictions),
        await this.#files.paths(labels),
      )),
      predictionSegments: predictions.length,
      labelSegments: labels.length,
      countedAt: formatTime(this.#clock.nowMs()),
    }));
    const waitingByEntity = await this.#labelStore.countWaiting(endpoint);
    return { ...counted, waitingByEntity, advice: labelAdvice(counted, waitingByEntity) };
  }

  async predictionSegments(actor: Actor, filter: SegmentFilter): Promise<readonly PredictionSegment[]> {
    authorize(actor, 'read');
    return (await this.#store.predictionSegments(filter)).map(
      ({ filterDigest: _, entityDigest: __, ...segment }) => segment,
    );
  }

  async labelSegments(actor: Actor, endpoint?: string): Promise<readonly LabelSegment[]> {
    authorize(actor, 'read');
    return (await this.#store.labelSegments(endpoint)).map(({ filterDigest: _, ...segment }) => segment);
  }

  /** The newest `count` predictions that pass the filter, behind `after`. Throws `not_found` (unknown endpoint). */
  async predictions(
    actor: Actor,
    query: PredictionsFilter,
    count: number,
    after: PageKey | undefined,
  ): Promise<readonly Prediction[]> {
    authorize(actor, 'read');
    const found = await this.#search.list(query, count, after);
    if (found.length === 0) await this.#intake.requireEndpoint(query.endpoint);
    return found;
  }

  /** Which arms, versions, statuses and features a search of a span of event time can be narrowed to. */
  async facets(actor: Actor, query: Pick<PredictionsFilter, 'endpoint' | 'from' | 'to'>): Promise<LogFacets> {
    authorize(actor, 'read');
    await this.#intake.requireEndpoint(query.endpoint);
    return this.#search.facets(query);
  }

  /**
   * Writes the predictions that pass a filter to a Parquet file, newest first, with everything that was logged and
   * the label that counts: label, label_json, label_event_time_ms, label_received_at_ms, outcome. Returns how many.
   * A signal stops it.
   */
  async exportTo(
    actor: Actor,
    filter: PredictionsFilter,
    target: string,
    signal?: AbortSignal,
  ): Promise<number> {
    authorize(actor, 'read');
    return this.#search.exportTo(filter, target, signal);
  }

  /** Where a Parquet file may lie on its way out. What a crash leaves there is removed by the next start. */
  temporaryFile(): string {
    return join(rewritingDirectory(this.#options), `${uuidv7()}.parquet`);
  }

  /** With its label, if one was acknowledged. Throws `not_found`. Naming the endpoint makes it quicker. */
  async prediction(actor: Actor, id: string, endpoint?: string): Promise<PredictionDetail> {
    authorize(actor, 'read');
    return this.#search.find(id, endpoint);
  }

  /**
   * SQL (for `frames`) of an endpoint's predictions with their labels beside them: the columns named, and label
   * (NULL while waiting) and label_seq. null when nothing was logged in that time.
   *
   * @param columns of the prediction log, as SQL; prediction_id must be among them
   */
  async joined(actor: Actor, endpoint: string, filter: RowFilter, columns: string): Promise<string | null> {
    authorize(actor, 'read');
    const { predictions, labels } = await this.#files.of({ endpoint, ...filter });
    return predictions.length === 0 ? null : joinedSql(predictions, labels, filter, columns, 'value');
  }

  /**
   * Reads an endpoint's predictions of all arms with their labels, for who comes again and again: only what is new since
   * the last time is read from the log. See `NarrowTable.relation` for the columns.
   *
   * @param work gets SQL (for `frames`) that stays as it is until it is over; null when nothing was logged
   */
  async readNarrow<T>(
    actor: Actor,
    endpoint: string,
    selection: NarrowSelection,
    work: (relation: string | null) => Promise<T>,
  ): Promise<T> {
    authorize(actor, 'read');
    return this.#narrow.read(endpoint, selection, work);
  }

  /** How far an endpoint's log has been read for those who wait in `readNarrow`. */
  logReading(actor: Actor, endpoint: string): LogReading {
    authorize(actor, 'read');
    const reading = this.#narrow.reading(endpoint);
    if (!reading) return { reading: null };
    const { startedMs, ...rows } = reading;
    return { reading: { ...rows, startedAt: formatTime(startedMs) } };
  }

  /** As `joined`, without labels. */
  async logged(actor: Actor, endpoint: string, filter: RowFilter, columns: string): Promise<string | null> {
    authorize(actor, 'read');
    const segments = await this.#store.predictionSegments({ endpoint, ...filter });
    return segments.length === 0 ? null : predictionsSql(await this.#files.paths(segments), filter, columns);
  }

  /** Features that an endpoint's log has in a time range, by name. */
  async loggedFeatures(actor: Actor, endpoint: string, filter: RowFilter): Promise<readonly string[]> {
    authorize(actor, 'read');
    const segments = await this.#store.predictionSegments({ endpoint, ...filter });
    return segments.length === 0 ? [] : featureNames(this.#options.frames, await this.#files.paths(segments));
  }

  /**
   * SQL (for `frames`) of event_time_ms of the predictions before `toMs` that label segments behind this one speak of;
   * null if there are none.
   */
  async labelledSince(
    actor: Actor,
    endpoint: string,
    labelSegmentId: string,
    toMs: number,
  ): Promise<string | null> {
    authorize(actor, 'read');
    const labels = (await this.#store.labelSegments(endpoint)).filter(({ id }) => id > labelSegmentId);
    const predictions = await this.#store.predictionSegments({ endpoint, toMs });
    if (labels.length === 0 || predictions.length === 0) return null;
    return `(SELECT event_time_ms FROM ${parquet(await this.#files.paths(predictions))} WHERE event_time_ms < ${toMs}
      AND prediction_id IN (SELECT prediction_id FROM ${parquet(await this.#files.paths(labels))}))`;
  }

  /** Joins features and labels to a Parquet blob. See `writeLabelJoin`. */
  async labelJoin(actor: Actor, join_: LabelJoin, workDir: string): Promise<LabelJoinOutputs> {
    authorize(actor, 'read');
    const { predictions, labels } = await this.#files.of(join_);
    const target = join(workDir, 'label-join.parquet');
    const { rows, waiting } = await writeLabelJoin(this.#options.frames, predictions, labels, join_, target);
    const { digest, sizeBytes } = await this.#options.blobs.put(createReadStream(target));
    return { digest, sizeBytes, rows, waiting, from: formatTime(join_.fromMs), to: formatTime(join_.toMs) };
  }
}

/** Where files lie until they are blobs. */
function rewritingDirectory({ labelDirectory }: FeedbackServiceOptions): string {
  return join(labelDirectory, '.rewriting');
}
