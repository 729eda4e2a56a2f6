import type { Digest } from '../../core/json.ts';
import type { DirectoryBlobStore } from '../../platform/blobs/index.ts';
import type { LabelSegment, PredictionSegment } from './contract.ts';
import type { LabelFiles } from './labels/label-service.ts';
import type { NarrowFiles } from './narrow/narrow-table.ts';
import type { LabelLogs } from './open-label-logs.ts';
import { parquet } from './relations.ts';
import type { FeedbackStore, SegmentFilter } from './store.ts';

/** The local files of logs. What was acknowledged of labels and signals is in them, unless sealing takes too long. */
export class LogFiles {
  readonly #store: FeedbackStore;
  readonly #blobs: DirectoryBlobStore;
  readonly #logs: LabelLogs;

  constructor(store: FeedbackStore, blobs: DirectoryBlobStore, logs: LabelLogs) {
    this.#store = store;
    this.#blobs = blobs;
    this.#logs = logs;
  }

  /** Of the predictions in a time range and of all labels. */
  async of(filter: SegmentFilter & { readonly endpoint: string }): Promise<Omit<LabelFiles, 'signals'>> {
    await this.#logs.labels.flushForReader(filter.endpoint);
    const predictions = await this.paths(await this.#store.predictionSegments(filter));
    const labels = await this.paths(await this.#store.labelSegments(filter.endpoint));
    return { predictions, labels };
  }

  /** The same, and those of signals. */
  async withSignals(filter: SegmentFilter & { readonly endpoint: string }): Promise<LabelFiles> {
    await this.#logs.signals.flushForReader(filter.endpoint);
    const signals = await this.paths(await this.#store.labelSegments(filter.endpoint, 'signal'));
    return { ...(await this.of(filter)), signals };
  }

  /** All of an endpoint, each with its rows. */
  async narrow(endpoint: string): Promise<NarrowFiles> {
    await this.#logs.labels.flushForReader(endpoint);
    const named = async (segments: readonly LabelSegment[]) => {
      const paths = await this.paths(segments);
      return segments.map(({ id, rows }, i) => ({ id, rows, path: paths[i] ?? '' }));
    };
    const predictions = await this.#store.predictionSegments({ endpoint });
    return {
      predictions: (await named(predictions)).map((file, i) => ({ ...file, ...replicaOf(predictions[i]) })),
      labels: await named(await this.#store.labelSegments(endpoint)),
    };
  }

  /** Relations (SQL for `frames`) of an endpoint's files that are there by now, oldest first, all columns. */
  async relations(endpoint: string) {
    const of = async (segments: readonly { readonly id: string; readonly digest: Digest }[]) => {
      const paths = await this.paths(segments);
      return segments.map(({ id }, i) => ({ id, sql: parquet([paths[i] ?? '']) })).reverse();
    };
    const predictions = await this.#store.predictionSegments({ endpoint });
    const replicas = new Map(predictions.map((segment) => [segment.id, replicaOf(segment)]));
    return {
      rows: (await of(predictions)).map((file) => ({ ...file, ...replicas.get(file.id) })),
      labels: await of(await this.#store.labelSegments(endpoint)),
    };
  }

  paths(segments: readonly { readonly digest: Digest }[]): Promise<string[]> {
    return Promise.all(segments.map(({ digest }) => this.#blobs.path(digest)));
  }
}

/** Who wrote a segment; nothing for one that was made of several. */
function replicaOf(segment: PredictionSegment | undefined): { readonly replica?: string } {
  return segment?.replicaId === undefined ? {} : { replica: segment.replicaId };
}
