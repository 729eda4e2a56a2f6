// Wire shapes of the data slice: dataset versions, their profiles, splits and contracts. Browser-safe.
import { z } from 'zod';
import { csvOptionsSchema } from '../../core/csv-dialect.ts';
import { digestSchema } from '../../core/model-types.ts';

const time = z.iso.datetime({ offset: true });

/** What a column holds, in the words a person would use; the stored Parquet type is kept beside it. */
export const columnTypeSchema = z.enum(['integer', 'number', 'boolean', 'string', 'time', 'other']);
export type ColumnType = z.infer<typeof columnTypeSchema>;

/** A column by name and type: what a schema, a signature or a frame has to say about itself. */
export const columnSchema = z.strictObject({ name: z.string().min(1), type: columnTypeSchema });
export type Column = z.infer<typeof columnSchema>;

/** Equal-width bins between the smallest and the largest finite value; `edges` has one more than `counts`. */
const histogramSchema = z.strictObject({ edges: z.array(z.number()), counts: z.array(z.int()) });
export type Histogram = z.infer<typeof histogramSchema>;

/** The most frequent values, most frequent first (ties by value). */
const topValueSchema = z.strictObject({
  value: z.string(),
  count: z.int(),
  /** Share of the rows that are not missing. */
  ratio: z.number(),
});
export type TopValue = z.infer<typeof topValueSchema>;

/** Statistics over finite values only; NaN counts as missing, infinities are counted apart. */
const numericProfileSchema = z.strictObject({
  min: z.number(),
  max: z.number(),
  mean: z.number(),
  /** Sample standard deviation (n - 1); 0 for a single row. */
  sd: z.number(),
  quantiles: z.array(z.strictObject({ probability: z.number(), value: z.number() })),
  histogram: histogramSchema,
});
export type NumericProfile = z.infer<typeof numericProfileSchema>;

/** One column of a dataset version, counted exactly over all its rows. */
const columnProfileSchema = z.strictObject({
  name: z.string(),
  type: columnTypeSchema,
  /** The column's type in the canonical Parquet copy, in DuckDB's words (DOUBLE, VARCHAR, ...). */
  storedType: z.string(),
  /** Rows that hold a value. */
  count: z.int(),
  /** Rows that hold none (null or NaN). count + missing = rows. */
  missing: z.int(),
  missingRatio: z.number(),
  /** Rows that hold +-infinity; part of `count`. */
  infinite: z.int(),
  distinct: z.int(),
  numeric: numericProfileSchema.nullable(),
  timeRange: z.strictObject({ min: time, max: time }).nullable(),
  top: z.array(topValueSchema),
});
export type ColumnProfile = z.infer<typeof columnProfileSchema>;

/** What a contract says of one column. Inferred; `categories` only up to CATEGORY_LIMIT distinct values. */
const contractColumnSchema = z.strictObject({
  name: z.string(),
  type: columnTypeSchema,
  /** True if no row of the data it was inferred from lacked it. */
  required: z.boolean(),
  missingRatio: z.number(),
  range: z.strictObject({ min: z.number(), max: z.number() }).nullable(),
  categories: z.array(z.string()).nullable(),
});
export type ContractColumn = z.infer<typeof contractColumnSchema>;

/** String columns with more distinct values than this get no list of categories. */
export const CATEGORY_LIMIT = 1000;

/**
 * What the rows of a dataset version are like, for whoever sends such rows: its columns, and which are the time,
 * the entity and the label.
 */
const dataContractSchema = z.strictObject({
  formatVersion: z.literal(1),
  dataset: z.string(),
  datasetVersion: z.int(),
  rows: z.int(),
  time: z.string().nullable(),
  entity: z.string().nullable(),
  label: z.string().nullable(),
  columns: z.array(contractColumnSchema),
});
export type DataContract = z.infer<typeof dataContractSchema>;

/** One way in which columns do not fit a contract. */
const contractProblemSchema = z.strictObject({
  code: z.enum(['missing-column', 'wrong-type']),
  column: z.string(),
  /** Names the column, the dataset and the nearest existing name, and says what to do. */
  message: z.string(),
  nearest: z.string().nullable(),
});
export type ContractProblem = z.infer<typeof contractProblemSchema>;

const signatureTypes = ['long', 'float', 'double', 'datetime', 'binary'] as const;

/** POST /api/v1/dataset-versions/:id/contract-checks: the columns that somebody has or needs. */
export const contractCheckRequestSchema = z.strictObject({
  /** `type` in our words or in those of a model signature (MLflow's); left out, any type will do. */
  columns: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        type: z.enum([...columnTypeSchema.options, ...signatureTypes]).optional(),
      }),
    )
    .min(1),
});
export type ContractCheckRequest = z.infer<typeof contractCheckRequestSchema>;

export const contractCheckSchema = z.strictObject({
  fits: z.boolean(),
  problems: z.array(contractProblemSchema),
});
export type ContractCheck = z.infer<typeof contractCheckSchema>;

const datasetFormatSchema = z.enum(['csv', 'parquet']);
export type DatasetFormat = z.infer<typeof datasetFormatSchema>;

/** A file that control can read, or a blob that was uploaded before. */
const datasetSourceSchema = z.union([
  z.strictObject({ path: z.string().min(1), format: datasetFormatSchema.optional() }),
  z.strictObject({
    digest: digestSchema,
    format: datasetFormatSchema.optional(),
  }),
]);

const datasetNameSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,127}$/,
    'expected small letters, digits, dot, dash or underscore (at most 128)',
  );

export const registerDatasetRequestSchema = z.strictObject({
  dataset: datasetNameSchema,
  source: datasetSourceSchema,
  /** Column with the event time: timestamp, date, or integer of epoch milliseconds. */
  time: z.string().min(1).optional(),
  entity: z.string().min(1).optional(),
  label: z.string().min(1).optional(),
  /** How a CSV file is to be read, where it cannot be seen. */
  csv: csvOptionsSchema.optional(),
});
export type RegisterDatasetRequest = z.infer<typeof registerDatasetRequestSchema>;

/** One immutable version: the same content with the same roles registered again is the same version. */
export const datasetVersionSummarySchema = z.strictObject({
  id: z.string(),
  dataset: z.string(),
  version: z.int(),
  /** Digest of the canonical Parquet copy: GET /api/v1/blobs/<digest> returns the rows. */
  digest: digestSchema,
  sizeBytes: z.int(),
  /** Digest of the bytes it was registered from. */
  sourceDigest: digestSchema,
  /** Where it came from, for people: a path or a digest. */
  source: z.string(),
  format: datasetFormatSchema,
  rows: z.int(),
  columns: z.array(columnSchema),
  time: z.string().nullable(),
  entity: z.string().nullable(),
  label: z.string().nullable(),
  timeRange: z.strictObject({ min: time, max: time }).nullable(),
  registeredAt: time,
  registeredBy: z.string(),
});
export type DatasetVersionSummary = z.infer<typeof datasetVersionSummarySchema>;

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const datasetVersionSchema = datasetVersionSummarySchema.extend({
  profile: z.array(columnProfileSchema),
  contract: dataContractSchema,
  /** The first rows (in time order where there is a time column), cells in the order of `columns`. */
  sample: z.array(z.array(cell)),
});
export type DatasetVersion = z.infer<typeof datasetVersionSchema>;

export const registerDatasetResponseSchema = z.strictObject({
  /** False if this content was registered before; the version is the one made then. */
  created: z.boolean(),
  version: datasetVersionSchema,
});
export type RegisterDatasetResponse = z.infer<typeof registerDatasetResponseSchema>;

export const datasetSchema = z.strictObject({
  name: z.string(),
  versions: z.int(),
  latest: datasetVersionSummarySchema,
});
export type Dataset = z.infer<typeof datasetSchema>;

/** Rows before `boundary` train, rows at or after it are held out, so equal times never fall on both sides. */
export const timeSplitSchema = z.strictObject({
  by: z.literal('time'),
  column: z.string(),
  holdoutRatio: z.number(),
  boundary: time,
  boundaryMs: z.int(),
  trainRows: z.int(),
  holdoutRows: z.int(),
  /** Rows without a time belong to neither part. */
  untimedRows: z.int(),
});
export type TimeSplit = z.infer<typeof timeSplitSchema>;

export const timeSplitQuerySchema = z.strictObject({
  holdout: z.coerce.number().gt(0).lt(1).default(0.2),
});

/** Event type; subject = the version's id. */
export const DATASET_VERSION_REGISTERED = 'dataset-version.registered';
/** Data of the event `dataset-version.registered`. */
const datasetVersionRegisteredSchema = z.strictObject({
  dataset: z.string(),
  version: z.int(),
  digest: digestSchema,
  rows: z.int(),
});
export type DatasetVersionRegistered = z.infer<typeof datasetVersionRegisteredSchema>;
