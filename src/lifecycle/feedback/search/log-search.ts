import type { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import type { DirectoryBlobStore } from '../../../platform/blobs/index.ts';
import type { Frames } from '../../../platform/frames/index.ts';
import type {
  LogFacets,
  logFacetsQuerySchema,
  Prediction,
  PredictionDetail,
  PredictionsFilter,
} from '../contract.ts';
import type { LabelLog } from '../label-log.ts';
import { labelHistory } from '../labels/label-lists.ts';
import { type KnownFile, type LogPath, predictionsSql } from '../relations.ts';
import { entityRowsSql } from '../segments/entity-file.ts';
import type { LogHashKeys } from '../segments/log-hash-keys.ts';
import { keyOf } from '../segments/segment-filter.ts';
import type { EntitySpan, SegmentIndex } from '../segments/segment-index.ts';
import type { FeedbackStore, IndexedSegment, LabelKind, StoredPredictionSegment } from '../store.ts';
import { exportPredictions } from './export-predictions.ts';
import { findPrediction } from './find-prediction.ts';
import { endOf, type LogFilter, listPredictions, type PageKey, rangeOf } from './list-predictions.ts';
import { logFacets } from './log-facets.ts';
import { entitySlices, type LogFile, mostIds, newestSlices, type Slice } from './slices.ts';

interface LogSearchOptions {
  readonly store: FeedbackStore;
  readonly index: SegmentIndex;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  readonly labels: LabelLog;
  readonly signals: LabelLog;
  readonly hashKeys: Pick<LogHashKeys, 'entityForms'>;
}

/** Finds rows of the log with few files opened: by id, by entity, by time. */
export class LogSearch {
  readonly #options: LogSearchOptions;

  constructor(options: LogSearchOptions) {
    this.#options = options;
  }

  /** The newest `count` predictions that pass the filter, behind `after`. */
  async list(
    asked: PredictionsFilter,
    count: number,
    after: PageKey | undefined,
  ): Promise<readonly Prediction[]> {
    requireSense(asked);
    const filter = this.#asLogged(asked);
    const { endpoint, entities } = filter;
    const { fromMs } = rangeOf(filter);
    const endMs = endOf(filter, after);
    const toMs = Number.isFinite(endMs) ? endMs : undefined;
    const all = await this.#options.store.predictionSegments({ endpoint });
    const [first, end] = [fromMs ?? Number.NEGATIVE_INFINITY, endMs];
    const segments = all.filter((s) => s.maxEventTimeMs >= first && s.minEventTimeMs < end);
    const slices =
      entities === undefined
        ? newestSlices(await this.#logFiles(segments), count, endMs)
        : this.#entitySlices(segments, entities, count, { fromMs, toMs });
    const labelPaths = (ids?: readonly string[]) => this.#labelPaths(endpoint, 'label', ids);
    const holding = (ids: readonly string[]) => this.#holding(all, ids);
    const { frames } = this.#options;
    return listPredictions({ frames, slices, holding, labelPaths }, filter, count, after);
  }

  /** SQL for what is known of entities in these spans of event time, see `entityRowsSql`; null: nothing is. */
  async nearEntities(endpoint: string, wanted: readonly EntitySpan[]): Promise<string | null> {
    const fromMs = Math.min(...wanted.map((w) => w.fromMs));
    const toMs = Math.max(...wanted.map((w) => w.toMs));
    const segments = await this.#options.store.predictionSegments({ endpoint, fromMs, toMs });
    return entityRowsSql(await this.#options.index.placesOf(segments, wanted));
  }

  /** SQL for `prediction_id` of those of these predictions that callers got an answer to. */
  async answered(endpoint: string, ids: readonly string[]): Promise<string> {
    const files = await this.#holding(await this.#options.store.predictionSegments({ endpoint }), ids);
    if (files.length === 0) return `(SELECT NULL::VARCHAR AS prediction_id WHERE false)`;
    const rows = predictionsSql(files, { rows: 'answered' }, 'prediction_id, status');
    return `(SELECT prediction_id FROM ${rows} WHERE status = 'ok')`;
  }

  /** With its label, if one was acknowledged. Throws `not_found`, `prediction_of_rows`. Naming the endpoint makes it quicker. */
  async find(id: string, endpoint: string | undefined): Promise<PredictionDetail> {
    const { frames, labels, signals } = this.#options;
    const segments = await this.#mayHold(id, endpoint);
    for (const name of new Set(segments.map((s) => s.endpoint))) {
      await labels.flushForReader(name);
      await signals.flushForReader(name);
    }
    const labelPaths = await this.#labelPaths(endpoint, 'label', [id]);
    const signalPaths = await this.#labelPaths(endpoint, 'signal', [id]);
    const history = await labelHistory(frames, labelPaths, signalPaths, id);
    const found = await findPrediction(frames, await this.#paths(segments), history, id);
    if (found) return found;
    const first = `${id}-0`;
    const rows = await this.#paths(await this.#mayHold(first, endpoint));
    if (await findPrediction(frames, rows, [], first)) throw fail('prediction_of_rows', { id, first });
    throw fail('not_found', { kind: 'prediction', id, list: '/api/v1/predictions?endpoint=<name>' });
  }

  async #mayHold(id: string, endpoint: string | undefined): Promise<readonly StoredPredictionSegment[]> {
    const segments = await this.#options.store.predictionSegments({ endpoint });
    return this.#options.index.candidates(segments, [keyOf.predictionId(id)]);
  }

  /** See `FeedbackService.exportTo`. */
  async exportTo(asked: PredictionsFilter, target: string, signal?: AbortSignal): Promise<number> {
    requireSense(asked);
    const filter = this.#asLogged(asked);
    const { endpoint, entities } = filter;
    const { fromMs, toMs } = rangeOf(filter);
    await this.#options.labels.flushForReader(endpoint);
    const all = await this.#options.store.predictionSegments({ endpoint, fromMs, toMs });
    if (all.length === 0) throw fail('not_found', nothingLogged(endpoint));
    let from: Pick<Slice, 'paths' | 'ids'> = { paths: await this.#paths(all) };
    if (entities !== undefined) {
      const [first = 0, end = Number.MAX_SAFE_INTEGER] = [fromMs, toMs];
      const known = await this.#ofEntities(endpoint, entities, first, end);
      // A file without rows has columns all the same.
      const nothing = { paths: (await this.#paths(all)).map((path) => ({ path, ids: [] })), ids: [] };
      from = known.paths.length === 0 ? nothing : known;
    }
    const labels = await this.#labelPaths(endpoint, 'label', from.ids);
    return exportPredictions(this.#options.frames, from.paths, labels, filter, target, signal);
  }

  /** See `logFacets`. */
  async facets(query: z.infer<typeof logFacetsQuerySchema>): Promise<LogFacets> {
    const { fromMs, toMs } = rangeOf(query);
    const range = { endpoint: query.endpoint, fromMs, toMs };
    const segments = await this.#options.store.predictionSegments(range);
    return logFacets(this.#options.frames, await this.#paths(segments), range);
  }

  #asLogged({ entity, ...filter }: PredictionsFilter): LogFilter {
    return entity === undefined
      ? filter
      : { ...filter, entities: this.#options.hashKeys.entityForms(entity) };
  }

  async *#entitySlices(
    segments: readonly StoredPredictionSegment[],
    entities: readonly string[],
    count: number,
    range: { readonly fromMs: number | undefined; readonly toMs: number | undefined },
  ): AsyncGenerator<Slice, void, undefined> {
    const { index } = this.#options;
    const candidates = await index.candidates(segments, entities.map(keyOf.entity));
    yield* entitySlices(
      {
        newest: (limit) => index.entityRows(candidates, { entities, ...range, limit }),
        paths: () => this.#paths(candidates),
      },
      count,
    );
  }

  /** Where predictions of entities in [fromMs, toMs) may be; of not too many, row by row. */
  async #ofEntities(
    endpoint: string,
    entities: readonly string[],
    fromMs: number,
    toMs: number,
  ): Promise<Pick<Slice, 'paths' | 'ids'>> {
    const segments = await this.#options.store.predictionSegments({ endpoint, fromMs, toMs });
    const candidates = await this.#options.index.candidates(segments, entities.map(keyOf.entity));
    const question = { entities, fromMs, toMs, limit: mostIds };
    const rows = await this.#options.index.entityRows(candidates, question);
    const ids = rows.map(({ predictionId }) => predictionId);
    if (ids.length < mostIds) return { paths: await this.#holding(segments, ids), ids };
    return { paths: await this.#paths(candidates) };
  }

  async #holding(segments: readonly IndexedSegment[], ids: readonly string[]): Promise<KnownFile[]> {
    const held = await this.#options.index.holding(segments, ids);
    const paths = await this.#paths(held.map(({ segment }) => segment));
    return held.map((file, i) => ({ path: paths[i] ?? '', ids: file.ids }));
  }

  async #logFiles(segments: readonly StoredPredictionSegment[]): Promise<readonly LogFile[]> {
    const paths = await this.#paths(segments);
    return segments.map((segment, i) => ({ ...segment, path: paths[i] ?? '' }));
  }

  async #labelPaths(
    endpoint: string | undefined,
    kind: LabelKind,
    ids?: readonly string[],
  ): Promise<readonly LogPath[]> {
    const segments = await this.#options.store.labelSegments(endpoint, kind);
    return ids === undefined ? this.#paths(segments) : this.#holding(segments, ids);
  }

  #paths(segments: readonly { readonly digest: Digest }[]): Promise<string[]> {
    return Promise.all(segments.map(({ digest }) => this.#options.blobs.path(digest)));
  }
}

/** Throws `invalid_input` for what would be searched for in vain, or not at all. */
function requireSense({ feature, value, minScore, maxScore, from, to }: PredictionsFilter): void {
  const wrong = (field: string, problem: string) =>
    fail('invalid_input', { field: `query.${field}`, problem });
  if (value !== undefined && feature === undefined)
    throw wrong('value', 'it is the value of which feature? Name it with "feature"');
  if (minScore !== undefined && maxScore !== undefined && minScore > maxScore)
    throw wrong('minScore', `${minScore} is more than maxScore ${maxScore}`);
  if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to))
    throw wrong('from', `${from} is not before "to" ${to}`);
}

function nothingLogged(endpoint: string) {
  return { kind: 'prediction log of endpoint', id: endpoint, list: '/api/v1/endpoints' };
}
