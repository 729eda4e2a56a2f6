import { z } from 'zod';

/**
 * The model package: what a model version is made of once it can be served. Packaging writes it, serving and
 * evaluation read it. Browser-safe.
 */

/** `sha256:` and 64 lower-case hex digits: the name of a blob. */
export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256:<64 hex digits>');

/** MLflow's column types; `datetime` travels as RFC 3339 text and `binary` as base64. */
export const columnTypeSchema = z.enum([
  'boolean',
  'integer',
  'long',
  'float',
  'double',
  'string',
  'datetime',
  'binary',
]);
export type ColumnType = z.infer<typeof columnTypeSchema>;

/**
 * One input or output of a model. `shape` is the shape of one row: `[]` a scalar column, `[30]` a vector of
 * 30; the leading batch dimension is never part of it, -1 is a free dimension.
 */
export const signatureFieldSchema = z.object({
  name: z.string().min(1),
  type: columnTypeSchema,
  required: z.boolean().default(true),
  shape: z.array(z.int()).default([]),
});
export type SignatureField = z.infer<typeof signatureFieldSchema>;

export const modelSignatureSchema = z.object({
  inputs: z.array(signatureFieldSchema),
  outputs: z.array(signatureFieldSchema),
});
export type ModelSignature = z.infer<typeof modelSignatureSchema>;

/** ONNX element types that the runtime accepts, by their ONNX names. */
export const elementTypeSchema = z.enum([
  'float',
  'double',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
  'string',
]);
export type ElementType = z.infer<typeof elementTypeSchema>;

/** A graph tensor; shape includes the batch dimension, -1 is free. */
export const graphTensorSchema = z.object({
  name: z.string(),
  type: elementTypeSchema,
  shape: z.array(z.int()),
});
export type GraphTensor = z.infer<typeof graphTensorSchema>;

/** A graph input and the signature columns that fill it, in order (one column, or many side by side). */
export const graphInputSchema = graphTensorSchema.extend({ columns: z.array(z.string()).min(1) });
export type GraphInput = z.infer<typeof graphInputSchema>;

/** What the converter measured between the Python model and the ONNX graph on the sample rows. */
export const conversionReportSchema = z.object({
  flavor: z.string(),
  rows: z.int(),
  maxAbsDifference: z.number(),
  bound: z.number(),
});
export type ConversionReport = z.infer<typeof conversionReportSchema>;

/**
 * The manifest blob of a model package; its digest is the digest of the model version. `score` says which
 * output (and which column of it) is the score that is logged and monitored; null when there is none.
 * `sample` holds input rows ({column: value}) used for warm-up and for the try-it page.
 */
export const packageManifestSchema = z.object({
  formatVersion: z.literal(1),
  model: z.string(),
  onnx: digestSchema,
  signature: modelSignatureSchema,
  graph: z.object({ inputs: z.array(graphInputSchema), outputs: z.array(graphTensorSchema) }),
  score: z.object({ output: z.string(), index: z.int().min(0) }).nullable(),
  classes: z.array(z.union([z.string(), z.number()])).nullable(),
  contract: digestSchema.nullable(),
  sample: z.array(z.record(z.string(), z.unknown())),
  conversion: conversionReportSchema.nullable().default(null),
});
export type PackageManifest = z.infer<typeof packageManifestSchema>;
