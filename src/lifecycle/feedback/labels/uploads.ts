import { readCsv } from '../../../core/csv.ts';
import { fail, MillraceError } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { Digest } from '../../../core/json.ts';
import { type Clock, formatTime } from '../../../core/time.ts';
import type { BlobSource, DirectoryBlobStore } from '../../../platform/blobs/index.ts';
import type { Database } from '../../../platform/db/index.ts';
import { type Frames, framesReason, sqlLiteral } from '../../../platform/frames/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { LabelFileFormat, LabelUpload, RowError } from '../contract.ts';
import type { LabelStore } from '../store/label-store.ts';
import type { SourceStore } from '../store/source-store.ts';
import type { Incoming, Intake } from './intake.ts';
import { labelColumns, readLabelRow } from './read-label-row.ts';

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

/** A row of a file: its line or number, and its cells. */
interface FileRow {
  readonly row: number;
  readonly cells: readonly unknown[];
  /** What is wrong with it as a row. */
  readonly problem?: string;
}

/**
 * Files of labels. A file is stored whole first, then its rows go through the intake page by page; how far it came
 * is kept with each page, so that it goes on there after a crash. Rows that are no labels are told and left out.
 */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #running = new Map<string, Promise<void>>();
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
   * Takes a file. The same bytes for the same endpoint are worked through once, unless that failed or no row was taken:
   * what was refused as a whole (in the future, of another type than is declared) may be right by now.
   */
  async take(endpoint: string, format: LabelFileFormat, body: BlobSource): Promise<LabelUpload> {
    const { blobs, sources, db, clock } = this.#options;
    const { digest } = await blobs.put(body);
    const [known] = await sources.uploads({ endpoint, digest });
    if (known?.state === 'running' || (known?.state === 'done' && known.rowsAccepted > 0)) return known;
    const now = formatTime(clock.nowMs());
    const upload: LabelUpload = {
      id: known?.id ?? uuidv7(),
      endpoint,
      digest,
      format,
      state: 'running',
      rowsRead: 0,
      rowsAccepted: 0,
      rowsRefused: 0,
      errors: [],
      createdAt: known?.createdAt ?? now,
      updatedAt: now,
    };
    await db.write((tx) => sources.putUpload(tx, upload));
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
    return upload;
  }

  /** The files that were worked through. */
  async digests(): Promise<readonly string[]> {
    const uploads = await this.#options.sources.uploads({});
    return uploads.filter(({ state }) => state !== 'running').map(({ digest }) => digest);
  }

  #start(upload: LabelUpload): Promise<void> {
    const known = this.#running.get(upload.id);
    if (known) return known;
    const run = this.#work(upload).finally(() => this.#running.delete(upload.id));
    this.#running.set(upload.id, run);
    return run;
  }

  async #work(upload: LabelUpload): Promise<void> {
    let state = upload;
    try {
      for await (const page of this.#pages(upload)) {
        state = await this.#takePage(state, page);
        if (this.#closed) return;
      }
      await this.#put({ ...state, state: 'done' });
    } catch (error) {
      const problem = error instanceof MillraceError ? error.message : String(error);
      if (!(error instanceof MillraceError)) this.#options.log.error({ err: error }, 'label upload failed');
      const errors = [...state.errors.slice(0, keptErrors - 1), { row: 0, problem }];
      await this.#put({ ...state, state: 'failed', errors }).catch(() => undefined);
    }
  }

  async #takePage(upload: LabelUpload, page: Page): Promise<LabelUpload> {
    const { settings, intake, clock } = this.#options;
    const nowMs = clock.nowMs();
    const { labelType } = await settings.settings(upload.endpoint);
    const taken: Incoming[] = [];
    const problems: RowError[] = [];
    for (const { row, cells, problem } of page.rows) {
      const label = problem ?? readLabelRow(cells, page.columns, labelType, nowMs);
      if (typeof label === 'string') problems.push({ row, problem: label });
      else taken.push(label);
    }
    if (taken.length > 0) await intake.take(upload.endpoint, taken, `upload:${upload.id}`);
    return this.#put({
      ...upload,
      rowsRead: upload.rowsRead + page.rows.length,
      rowsAccepted: upload.rowsAccepted + taken.length,
      rowsRefused: upload.rowsRefused + problems.length,
      errors: [...upload.errors, ...problems].slice(0, keptErrors),
    });
  }

  async #put(upload: LabelUpload): Promise<LabelUpload> {
    const { db, sources, clock } = this.#options;
    const changed = { ...upload, updatedAt: formatTime(clock.nowMs()) };
    await db.write((tx) => sources.putUpload(tx, changed));
    return changed;
  }

  async *#pages({ digest, format, rowsRead }: LabelUpload): AsyncGenerator<Page> {
    const path = await this.#options.blobs.path(digest as Digest);
    const file = format === 'csv' ? this.#csv(digest) : this.#parquet(path, rowsRead);
    let columns: Page['columns'] | null = null;
    let skip = format === 'csv' ? rowsRead : 0;
    let rows: FileRow[] = [];
    for await (const row of file) {
      if (!columns) {
        const found = labelColumns(row.cells.map(String));
        if (typeof found === 'string') throw fail('label_upload_invalid', { problem: found });
        columns = found;
        continue;
      }
      if (skip-- > 0) continue;
      rows.push(row);
      if (rows.length < pageRows) continue;
      yield { columns, rows };
      rows = [];
    }
    if (!columns) throw fail('label_upload_invalid', { problem: 'it is empty' });
    if (rows.length > 0) yield { columns, rows };
  }

  async *#csv(digest: string): AsyncGenerator<FileRow> {
    const text = utf8Of(await this.#options.blobs.get(digest as Digest));
    for await (const { line, cells, unclosed } of readCsv(text))
      yield {
        row: line,
        cells,
        ...(unclosed ? { problem: 'a quote is opened and never closed: the rest of the file is in it' } : {}),
      };
  }

  /** Names first, then the rows from a number on. */
  async *#parquet(path: string, from: number): AsyncGenerator<FileRow> {
    const { frames } = this.#options;
    for (let at = from, first = true; ; at += pageRows, first = false) {
      const read = await frames
        .columns(
          `SELECT * EXCLUDE (file_row_number) FROM read_parquet(${sqlLiteral(path)}, file_row_number = true, binary_as_string = true)
           WHERE file_row_number >= ${at} AND file_row_number < ${at + pageRows} ORDER BY file_row_number`,
        )
        .catch((error: unknown) => {
          throw fail(
            'label_upload_invalid',
            { problem: `it cannot be read as Parquet: ${framesReason(error)}` },
            error,
          );
        });
      if (first) yield { row: 0, cells: read.names };
      const count = read.columns[0]?.length ?? 0;
      for (let i = 0; i < count; i++)
        yield { row: at + i + 1, cells: read.columns.map((column) => column[i]) };
      if (count < pageRows) return;
    }
  }
}

async function* utf8Of(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw fail('label_upload_invalid', { problem: 'it is not UTF-8' }, error);
  }
}

interface Page {
  readonly columns: Exclude<ReturnType<typeof labelColumns>, string>;
  readonly rows: readonly FileRow[];
}
