import type { CsvOptions } from '../../../core/csv-dialect.ts';
import { fail, MillraceError } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { Digest } from '../../../core/json.ts';
import { type Clock, formatTime } from '../../../core/time.ts';
import type { BlobSource, DirectoryBlobStore } from '../../../platform/blobs/index.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import type { Frames } from '../../../platform/frames/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { LabelFileFormat, LabelUpload, RowError } from '../contract.ts';
import type { LabelStore } from '../store/label-store.ts';
import type { Refusals, SourceStore, StoredUpload, UploadPage } from '../store/source-store.ts';
import type { Incoming, Intake } from './intake.ts';
import { csvRows, dialectOf, type FileRow, LabelFile, parquetRows } from './label-file.ts';
import { readLabelRow } from './read-label-row.ts';

export interface UploadsOptions {
  readonly db: Database;
  readonly sources: SourceStore;
  readonly settings: LabelStore;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly log: Logger;
}

const pageRows = 5000;
export const keptErrors = 100;

/**
 * Files of labels. A file is stored whole first, then its rows go through the intake page by page; how far it came
 * is kept with each page, so that it goes on there after a crash. Rows that are no labels are told and left out.
 */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #running = new Map<string, Promise<void>>();
  /** One after the other, so that a file that is sent twice at once is one upload. */
  #taking: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier process began. */
  async resume(): Promise<void> {
    for (const upload of await this.#options.sources.uploads({ state: 'running' })) void this.#start(upload);
  }

  /** Ends after the page that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running.values());
  }

  /**
   * Takes a file. The same bytes for the same endpoint, read in the same way, are one upload: rows that were taken stay,
   * those that were refused (in the future, of another type than is declared), or that a failure left out, are tried
   * again, for they may be right by now.
   */
  async take(
    endpoint: string,
    format: LabelFileFormat,
    body: BlobSource,
    options: CsvOptions = {},
  ): Promise<LabelUpload> {
    const { digest } = await this.#options.blobs.put(body);
    const taken = this.#taking.then(() => this.#take({ endpoint, format, digest, options }));
    this.#taking = taken.catch(() => undefined);
    return resource(await taken);
  }

  async #take(file: Pick<StoredUpload, 'endpoint' | 'format' | 'digest' | 'options'>): Promise<StoredUpload> {
    const { sources, db, clock } = this.#options;
    const same = await sources.uploads({ endpoint: file.endpoint, digest: file.digest });
    const known =
      same.find((u) => u.format === file.format && isSame(u.options, file.options)) ??
      same.find((u) => u.state !== 'running' && u.rowsAccepted === 0);
    if (known?.state === 'running') return known;
    const now = formatTime(clock.nowMs());
    const lastTry = { startedAt: now, rowsTried: 0, rowsAccepted: 0 };
    const isOpen = known?.rowsAccepted === 0 || known?.state === 'failed';
    if (known && !isOpen && !(await sources.refusals(known.id, 0))) return this.#put({ ...known, lastTry });
    const common = { state: 'running' as const, lastTry, errors: [], updatedAt: now };
    const again = known !== undefined && known.rowsAccepted > 0;
    const upload: StoredUpload = again
      ? { ...known, ...common, triedAgainTo: 0 }
      : {
          ...file,
          ...common,
          id: known?.id ?? uuidv7(),
          createdAt: known?.createdAt ?? now,
          csv: null,
          rowsRead: 0,
          rowsAccepted: 0,
          rowsRefused: 0,
          triedAgainTo: null,
        };
    await db.write(async (tx) => {
      if (!again) await sources.forgetRefusals(tx, upload.id);
      await sources.putUpload(tx, upload);
    });
    void this.#start(upload);
    return upload;
  }

  /** Resolves when an upload is no longer under way, with its end. Throws `not_found`. */
  async finished(id: string): Promise<LabelUpload> {
    await this.#running.get(id);
    return this.find(id);
  }

  async find(id: string): Promise<LabelUpload> {
    const [upload] = await this.#options.sources.uploads({ id });
    if (!upload) throw fail('not_found', { kind: 'label upload', id, list: '/api/v1/label-uploads' });
    return resource(upload);
  }

  /** Newest first. */
  async list(page: UploadPage, endpoint?: string): Promise<readonly LabelUpload[]> {
    const uploads = await this.#options.sources.uploads(endpoint === undefined ? {} : { endpoint }, page);
    return uploads.map(resource);
  }

  /** The files that were worked through. */
  digests(): Promise<readonly Digest[]> {
    return this.#options.sources.uploadedDigests();
  }

  #start(upload: StoredUpload): Promise<void> {
    const known = this.#running.get(upload.id);
    if (known) return known;
    const run = this.#work(upload).finally(() => this.#running.delete(upload.id));
    this.#running.set(upload.id, run);
    return run;
  }

  async #work(upload: StoredUpload): Promise<void> {
    let state = upload;
    try {
      const { blobs, frames, sources } = this.#options;
      const path = await blobs.path(upload.digest);
      const bytes = () => blobStream(blobs, upload.digest);
      if (upload.format === 'csv' && upload.csv === null)
        state = await this.#put({ ...upload, csv: await dialectOf(bytes, upload.options) });
      const rows = state.csv ? csvRows(bytes, state.csv) : parquetRows(frames, path, firstWanted(state));
      const file = await LabelFile.open(rows);
      try {
        // What was refused comes first, then what was never read.
        for (let at = state.triedAgainTo; at !== null && !this.#closed; at = state.triedAgainTo) {
          const refusals = await sources.refusals(upload.id, at);
          const page = refusals && { ...refusals, rows: await file.rowsIn(refusals.ranges) };
          state = page ? await this.#takePage(state, file, page) : { ...state, triedAgainTo: null };
        }
        while (!this.#closed) {
          const firstRow = state.rowsRead;
          const rows = await file.rowsIn([[firstRow, firstRow + pageRows - 1]]);
          if (rows.length === 0) break;
          state = await this.#takePage(state, file, { firstRow, rows });
        }
      } finally {
        await file.close();
      }
      if (!this.#closed) await this.#put({ ...state, state: 'done' });
    } catch (error) {
      const problem = error instanceof MillraceError ? error.message : String(error);
      if (!(error instanceof MillraceError)) this.#options.log.error({ err: error }, 'label upload failed');
      const errors = [...state.errors.slice(0, keptErrors - 1), { row: 0, problem }];
      await this.#put({ ...state, state: 'failed', errors }).catch(() => undefined);
    }
  }

  /** @param page new rows, or those of a page that were refused before */
  async #takePage(
    upload: StoredUpload,
    { columns }: LabelFile,
    {
      firstRow,
      rows,
      ranges,
    }: Pick<Refusals, 'firstRow'> & Partial<Refusals> & { readonly rows: readonly FileRow[] },
  ): Promise<StoredUpload> {
    const { settings, intake, clock, sources } = this.#options;
    const nowMs = clock.nowMs();
    const { labelType } = await settings.settings(upload.endpoint);
    const reading = { type: labelType, nowMs, decimal: upload.csv?.decimal ?? null };
    const taken: Incoming[] = [];
    const problems: RowError[] = [];
    const refused: number[] = [];
    for (const { at, row, cells, problem } of rows) {
      const label = problem ?? readLabelRow(cells, columns, reading);
      if (typeof label !== 'string') {
        taken.push(label);
        continue;
      }
      problems.push({ row, problem: label });
      refused.push(at);
    }
    if (taken.length > 0) await intake.take(upload.endpoint, taken, `upload:${upload.id}`);
    const again = ranges !== undefined;
    const { lastTry } = upload;
    return this.#put(
      {
        ...upload,
        rowsRead: upload.rowsRead + (again ? 0 : rows.length),
        rowsAccepted: upload.rowsAccepted + taken.length,
        rowsRefused: upload.rowsRefused + problems.length - (again ? rows.length : 0),
        errors: [...upload.errors, ...problems].slice(0, keptErrors),
        triedAgainTo: again ? firstRow + 1 : upload.triedAgainTo,
        lastTry: {
          ...lastTry,
          rowsTried: lastTry.rowsTried + rows.length,
          rowsAccepted: lastTry.rowsAccepted + taken.length,
        },
      },
      (tx) => sources.putRefusals(tx, upload.id, { firstRow, ranges: rangesOf(refused) }),
    );
  }

  async #put(upload: StoredUpload, more?: (tx: Tx) => Promise<void>): Promise<StoredUpload> {
    const { db, sources, clock } = this.#options;
    const changed = { ...upload, updatedAt: formatTime(clock.nowMs()) };
    await db.write(async (tx) => {
      await more?.(tx);
      await sources.putUpload(tx, changed);
    });
    return changed;
  }
}

function resource({ options, triedAgainTo, ...upload }: StoredUpload): LabelUpload {
  return upload;
}

/** The first row that a Parquet file need be read from. */
function firstWanted({ triedAgainTo, rowsRead }: StoredUpload): number {
  return triedAgainTo === null ? rowsRead : 0;
}

async function* blobStream(blobs: DirectoryBlobStore, digest: Digest): AsyncGenerator<Uint8Array> {
  yield* await blobs.get(digest);
}

function isSame(a: CsvOptions, b: CsvOptions): boolean {
  return a.delimiter === b.delimiter && a.decimal === b.decimal && a.encoding === b.encoding;
}

function rangesOf(rows: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const row of rows) {
    const last = ranges.at(-1);
    if (last && last[1] === row - 1) last[1] = row;
    else ranges.push([row, row]);
  }
  return ranges;
}
