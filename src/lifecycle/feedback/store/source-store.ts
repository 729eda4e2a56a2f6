import { z } from 'zod';
import { type CsvOptions, csvDialectSchema, csvOptionsSchema } from '../../../core/csv-dialect.ts';
import type { Digest } from '../../../core/json.ts';
import { formatTime } from '../../../core/time.ts';
import { type Database, type Tx, tables } from '../../../platform/db/index.ts';
import {
  type LabelFileFormat,
  type LabelQueryRun,
  type LabelUpload,
  labelQueryInputSchema,
  labelQueryRunSchema,
  labelUploadSchema,
  rowErrorSchema,
} from '../contract.ts';

interface UploadRow {
  readonly id: string;
  readonly endpoint: string;
  readonly digest: Digest;
  readonly format: LabelFileFormat;
  readonly state: LabelUpload['state'];
  readonly rows_read: number;
  readonly rows_accepted: number;
  readonly rows_refused: number;
  readonly errors_json: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly options_json: string;
  readonly csv_json: string | null;
  /** Null in uploads of earlier versions. */
  readonly last_try_json: string | null;
  readonly tried_again_to: number | null;
}

interface RefusalsRow {
  readonly upload_id: string;
  readonly first_row: number;
  readonly ranges_json: string;
}

interface QueryRow {
  readonly name: string;
  readonly endpoint: string;
  readonly settings_json: string;
  readonly url_sealed: string;
  readonly watermark_json: string | null;
  readonly next_at_ms: number | null;
  readonly last_json: string | null;
  readonly updated_at_ms: number;
}

interface SourceTables {
  label_uploads: UploadRow;
  label_upload_refusals: RefusalsRow;
  label_queries: QueryRow;
}

/** What a label query is kept with, apart from its URL. */
const storedQuerySchema = z.strictObject({
  sql: z.string(),
  watermarkColumn: z.string(),
  initialWatermark: z.union([z.string(), z.number()]).nullable(),
  cron: z.string().nullable(),
});
export type StoredQuerySettings = z.infer<typeof storedQuerySchema>;

export interface StoredQuery extends StoredQuerySettings {
  readonly name: string;
  readonly endpoint: string;
  readonly urlSealed: string;
  readonly watermark: string | number | null;
  readonly nextAtMs: number | null;
  readonly lastRun: LabelQueryRun | null;
}

/** An upload with how it is to be read, and how far its refused rows have been tried again. */
export interface StoredUpload extends LabelUpload {
  readonly options: CsvOptions;
  /** Refused rows before this one were tried; null: none is to be. */
  readonly triedAgainTo: number | null;
}

/** So many uploads, those that are older than the one of an id where that is given. */
export interface UploadPage {
  readonly limit: number;
  readonly afterId: string | undefined;
}

/** Rows of a file that were refused together; numbers count from 0, each range with its last row. */
export interface Refusals {
  readonly firstRow: number;
  readonly ranges: readonly (readonly [number, number])[];
}

const rangesSchema = z.array(z.tuple([z.int(), z.int()]));
const watermarkSchema = labelQueryInputSchema.shape.initialWatermark;

/** The only reader and writer of `label_uploads`, `label_upload_refusals` and `label_queries`. */
export class SourceStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  async putUpload(tx: Tx, upload: StoredUpload): Promise<void> {
    const row: UploadRow = {
      id: upload.id,
      endpoint: upload.endpoint,
      digest: upload.digest,
      format: upload.format,
      state: upload.state,
      rows_read: upload.rowsRead,
      rows_accepted: upload.rowsAccepted,
      rows_refused: upload.rowsRefused,
      errors_json: JSON.stringify(upload.errors),
      created_at_ms: Date.parse(upload.createdAt),
      updated_at_ms: Date.parse(upload.updatedAt),
      options_json: JSON.stringify(upload.options),
      csv_json: upload.csv === null ? null : JSON.stringify(upload.csv),
      last_try_json: JSON.stringify(upload.lastTry),
      tried_again_to: upload.triedAgainTo,
    };
    await tables<SourceTables>(tx)
      .insertInto('label_uploads')
      .values(row)
      .onConflict((c) => c.column('id').doUpdateSet(row))
      .execute();
  }

  /** Newest first (ids grow with time); all unless a page is asked for. */
  async uploads(
    filter: {
      readonly id?: string;
      readonly endpoint?: string;
      readonly digest?: Digest;
      readonly state?: LabelUpload['state'];
    },
    page?: UploadPage,
  ): Promise<readonly StoredUpload[]> {
    let query = tables<SourceTables>(this.#read).selectFrom('label_uploads').selectAll();
    for (const [column, value] of Object.entries(filter))
      query = query.where(column as 'id' | 'endpoint' | 'digest', '=', value);
    if (page?.afterId !== undefined) query = query.where('id', '<', page.afterId);
    if (page) query = query.limit(page.limit);
    const rows = await query.orderBy('id', 'desc').execute();
    return rows.map((row) => ({
      id: row.id,
      endpoint: row.endpoint,
      digest: row.digest,
      format: row.format,
      state: row.state,
      rowsRead: row.rows_read,
      rowsAccepted: row.rows_accepted,
      rowsRefused: row.rows_refused,
      errors: z.array(rowErrorSchema).parse(JSON.parse(row.errors_json)),
      createdAt: formatTime(row.created_at_ms),
      updatedAt: formatTime(row.updated_at_ms),
      options: csvOptionsSchema.parse(JSON.parse(row.options_json)),
      csv: row.csv_json === null ? null : csvDialectSchema.parse(JSON.parse(row.csv_json)),
      lastTry: lastTryOf(row),
      triedAgainTo: row.tried_again_to,
    }));
  }

  /** The files of all uploads that are not under way. */
  async uploadedDigests(): Promise<readonly Digest[]> {
    const rows = await tables<SourceTables>(this.#read)
      .selectFrom('label_uploads')
      .select('digest')
      .distinct()
      .where('state', '!=', 'running')
      .execute();
    return rows.map(({ digest }) => digest);
  }

  /** Which rows of a page were refused; none: those that were before are taken or forgotten. */
  async putRefusals(tx: Tx, uploadId: string, { firstRow, ranges }: Refusals): Promise<void> {
    await tables<SourceTables>(tx)
      .deleteFrom('label_upload_refusals')
      .where('upload_id', '=', uploadId)
      .where('first_row', '=', firstRow)
      .execute();
    if (ranges.length === 0) return;
    const row = { upload_id: uploadId, first_row: firstRow, ranges_json: JSON.stringify(ranges) };
    await tables<SourceTables>(tx).insertInto('label_upload_refusals').values(row).execute();
  }

  async forgetRefusals(tx: Tx, uploadId: string): Promise<void> {
    await tables<SourceTables>(tx)
      .deleteFrom('label_upload_refusals')
      .where('upload_id', '=', uploadId)
      .execute();
  }

  /** The first refused rows of a page that begins with this row or a later one. */
  async refusals(uploadId: string, fromRow: number): Promise<Refusals | undefined> {
    const row = await tables<SourceTables>(this.#read)
      .selectFrom('label_upload_refusals')
      .selectAll()
      .where('upload_id', '=', uploadId)
      .where('first_row', '>=', fromRow)
      .orderBy('first_row')
      .limit(1)
      .executeTakeFirst();
    return row && { firstRow: row.first_row, ranges: rangesSchema.parse(JSON.parse(row.ranges_json)) };
  }

  async putQuery(tx: Tx, query: StoredQuery, nowMs: number): Promise<void> {
    const { name, endpoint, urlSealed, watermark, nextAtMs, lastRun, ...settings } = query;
    const row: QueryRow = {
      name,
      endpoint,
      settings_json: JSON.stringify(settings),
      url_sealed: urlSealed,
      watermark_json: watermark === null ? null : JSON.stringify(watermark),
      next_at_ms: nextAtMs,
      last_json: lastRun === null ? null : JSON.stringify(lastRun),
      updated_at_ms: nowMs,
    };
    await tables<SourceTables>(tx)
      .insertInto('label_queries')
      .values(row)
      .onConflict((c) => c.column('name').doUpdateSet(row))
      .execute();
  }

  async deleteQuery(tx: Tx, name: string): Promise<void> {
    await tables<SourceTables>(tx).deleteFrom('label_queries').where('name', '=', name).execute();
  }

  /** A query as it is, which no other transaction changes or removes before this one is over. */
  async lockedQuery(tx: Tx, name: string): Promise<StoredQuery | undefined> {
    // Postgres holds the row from here on; SQLite has one writer anyway.
    const held = tables<SourceTables>(tx)
      .updateTable('label_queries')
      .set((row) => ({ updated_at_ms: row.ref('updated_at_ms') }));
    await held.where('name', '=', name).execute();
    return (await this.queries({ name }, tx))[0];
  }

  async queries(
    filter: { readonly name?: string; readonly dueAtMs?: number } = {},
    tx: Tx = this.#read,
  ): Promise<readonly StoredQuery[]> {
    let query = tables<SourceTables>(tx).selectFrom('label_queries').selectAll();
    if (filter.name !== undefined) query = query.where('name', '=', filter.name);
    if (filter.dueAtMs !== undefined) query = query.where('next_at_ms', '<=', filter.dueAtMs);
    const rows = await query.orderBy('name').execute();
    return rows.map((row) => ({
      name: row.name,
      endpoint: row.endpoint,
      ...storedQuerySchema.parse(JSON.parse(row.settings_json)),
      urlSealed: row.url_sealed,
      watermark: row.watermark_json === null ? null : watermarkSchema.parse(JSON.parse(row.watermark_json)),
      nextAtMs: row.next_at_ms,
      lastRun: row.last_json === null ? null : labelQueryRunSchema.parse(JSON.parse(row.last_json)),
    }));
  }
}

function lastTryOf(row: UploadRow): LabelUpload['lastTry'] {
  if (row.last_try_json !== null) return labelUploadSchema.shape.lastTry.parse(JSON.parse(row.last_try_json));
  const startedAt = formatTime(row.created_at_ms);
  return { startedAt, rowsTried: row.rows_read, rowsAccepted: row.rows_accepted };
}
