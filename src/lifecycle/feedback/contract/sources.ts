import { z } from 'zod';
import { csvDialectSchema, csvOptionsSchema } from '../../../core/csv-dialect.ts';
import { digestSchema } from '../../../core/model-types.ts';

const time = z.iso.datetime({ offset: true });

export const rowErrorSchema = z.strictObject({
  /** Line of a CSV file (from 1, the header included), else number of the row (from 1). */
  row: z.int(),
  problem: z.string(),
});
export type RowError = z.infer<typeof rowErrorSchema>;

const labelFileFormatSchema = z.enum(['csv', 'parquet']);
export type LabelFileFormat = z.infer<typeof labelFileFormatSchema>;

/**
 * A file of labels. Sending the same bytes for the same endpoint again gives the same upload: rows that were taken stay,
 * those that were refused are tried again, and `lastTry` tells what came of it.
 */
export const labelUploadSchema = z.strictObject({
  id: z.string(),
  endpoint: z.string(),
  digest: digestSchema,
  format: labelFileFormatSchema,
  state: z.enum(['running', 'done', 'failed']),
  /** Progress: rows read so far; accepted + refused = read. */
  rowsRead: z.int(),
  rowsAccepted: z.int(),
  rowsRefused: z.int(),
  /** The first hundred problems of the last try; other rows were taken all the same. */
  errors: z.array(rowErrorSchema),
  /** How it was read; null for Parquet, and until it was looked at. */
  csv: csvDialectSchema.nullable(),
  /** The last time that it was sent. */
  lastTry: z.strictObject({
    startedAt: time,
    /** Rows that were tried then: at first all, later those that were refused before. */
    rowsTried: z.int(),
    rowsAccepted: z.int(),
  }),
  createdAt: time,
  updatedAt: time,
});
export type LabelUpload = z.infer<typeof labelUploadSchema>;

/** POST /api/v1/label-uploads with the file as body. */
export const labelUploadQuerySchema = csvOptionsSchema.extend({
  endpoint: z.string().min(1),
  format: labelFileFormatSchema,
  /** Answer only when all rows are worked through. */
  wait: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(false),
});

/**
 * A query whose rows are labels: columns prediction_id (or entity and at), value, event_time, perhaps signal.
 * `:watermark` in the SQL stands for the greatest value of `watermarkColumn` that was read before. Use >= with it:
 * rows that are read twice do no harm, rows that share a time with the last one are not missed.
 */
export const labelQueryInputSchema = z
  .strictObject({
    endpoint: z.string().min(1).max(200),
    /** postgres://… or sqlite:<path of the file>. Kept encrypted. */
    url: z.string().regex(/^(postgres(ql)?:\/\/|sqlite:).+/, 'expected postgres://… or sqlite:<path>'),
    sql: z.string().min(1).max(100_000),
    watermarkColumn: z.string().min(1).default('event_time'),
    /** What `:watermark` is in the first run. */
    initialWatermark: z.union([z.string(), z.number()]).nullable().default(null),
    /** When it runs by itself, in UTC; null: only when it is told to. */
    cron: z.string().nullable().default(null),
  })
  .refine(({ sql, initialWatermark }) => !sql.includes(':watermark') || initialWatermark !== null, {
    path: ['initialWatermark'],
    error: 'is needed for the first run when the SQL names :watermark',
  });
export type LabelQueryInput = z.infer<typeof labelQueryInputSchema>;

export const labelQueryRunSchema = z.strictObject({
  startedAt: time,
  rows: z.int(),
  accepted: z.int(),
  refused: z.int(),
  errors: z.array(rowErrorSchema),
  watermark: z.union([z.string(), z.number()]).nullable(),
  /** Why it ended early; null if it did not. What it had read by then is in. */
  error: z.string().nullable(),
});
export type LabelQueryRun = z.infer<typeof labelQueryRunSchema>;

export const labelQuerySchema = z.strictObject({
  name: z.string(),
  endpoint: z.string(),
  /** Without its password. */
  url: z.string(),
  sql: z.string(),
  watermarkColumn: z.string(),
  watermark: z.union([z.string(), z.number()]).nullable(),
  cron: z.string().nullable(),
  nextAt: time.nullable(),
  lastRun: labelQueryRunSchema.nullable(),
});
export type LabelQuery = z.infer<typeof labelQuerySchema>;
