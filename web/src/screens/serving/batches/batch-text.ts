import type { Digest } from '../../../../../src/core/json.ts';
import type {
  BatchPrediction,
  CreateBatchPrediction,
} from '../../../../../src/lifecycle/serving/batch/contract.ts';
import type { State } from '../../../charts/prepare/wheel.ts';
import { formatCount, formatPercent, plural } from '../../../kit/format.ts';

export const BATCH_STATE: Readonly<Record<BatchPrediction['status'], State>> = {
  queued: 'none',
  running: 'running',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'none',
};

export const isOpen = (batch: BatchPrediction): boolean =>
  batch.status === 'queued' || batch.status === 'running';

/** What is wrong with the input itself: the same rows would be refused again. */
const OF_THE_INPUT: ReadonlySet<string> = new Set(['batch_input_unreadable', 'batch_column_missing']);

/** Whether it ended before its end, and going on with it may help. */
export const canGoOn = ({ status, error }: Pick<BatchPrediction, 'status' | 'error'>): boolean =>
  status === 'cancelled' || (status === 'failed' && !OF_THE_INPUT.has(error?.code ?? ''));

/** Share of the rows that are kept, 0..1; null until the number of rows is known. */
export function doneShare({ progress, status }: BatchPrediction): number | null {
  if (status === 'succeeded') return 1;
  return progress.totalRows === null ? null : Math.min(1, progress.rows / Math.max(1, progress.totalRows));
}

/** `262 144 of 1 000 000 rows, 26 %`. */
export function progressText(batch: BatchPrediction): string {
  const { rows, totalRows } = batch.progress;
  const share = doneShare(batch);
  if (totalRows === null || share === null) {
    if (batch.status === 'queued') return 'waits for a worker';
    return batch.status === 'running' ? 'reading the input' : plural(rows, 'row');
  }
  return batch.status === 'succeeded'
    ? plural(totalRows, 'row')
    : `${formatCount(rows)} of ${plural(totalRows, 'row')}, ${formatPercent(share)}`;
}

/** Fewer rows say more of the start of a process than of its speed. */
const LEAST_ROWS = 20_000;

/** Rows a second since it was begun; null before it is known, and for one that began with rows of another. */
export function rowsPerSecond(batch: BatchPrediction, nowMs: number): number | null {
  if (batch.resumes !== null || batch.startedAt === null || batch.progress.rows < LEAST_ROWS) return null;
  const endMs = batch.finishedAt === null ? nowMs : Date.parse(batch.finishedAt);
  const tookMs = endMs - Date.parse(batch.startedAt);
  return tookMs <= 0 ? null : (batch.progress.rows / tookMs) * 1000;
}

/** What is asked for, as people choose it. */
export type BatchDraft = {
  /** The champion of an endpoint, or a version of a model. */
  readonly by: 'endpoint' | 'version';
  readonly endpoint: string;
  /** `model/version`. */
  readonly version: string;
  readonly source: 'file' | 'dataset' | 'log';
  readonly datasetVersion: string;
  readonly log: string;
  /** Times as the fields of a browser have them, in UTC. */
  readonly from: string;
  readonly to: string;
  readonly format: 'parquet' | 'csv';
  readonly keep: string;
  readonly intoLog: boolean;
};

/** A file that the server has, and what it was called here. */
export type StoredFile = { readonly digest: Digest; readonly name: string };

/** `churn/3` as a model and its version; null when it is not written so. */
export function versionOf(written: string): { readonly model: string; readonly version: number } | null {
  const [, model = '', version] = /^(.+)\/(\d{1,9})$/.exec(written.trim()) ?? [];
  return version === undefined ? null : { model, version: Number(version) };
}

/** The body of the request; the digest is that of the file, where one is scored. */
export function batchOf(draft: BatchDraft, file: StoredFile | null): CreateBatchPrediction {
  const version = versionOf(draft.version);
  const keep = draft.keep
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return {
    target: draft.by === 'version' && version ? version : { endpoint: draft.endpoint },
    source:
      draft.source === 'log'
        ? { log: draft.log, from: `${draft.from}:00Z`, to: `${draft.to}:00Z` }
        : draft.source === 'dataset'
          ? { datasetVersion: draft.datasetVersion }
          : { digest: file?.digest ?? 'sha256:', name: file?.name },
    format: draft.format,
    keep: keep.length === 0 ? null : keep,
    // Only an endpoint has a log.
    log: draft.by === 'endpoint' && draft.intoLog,
  };
}
