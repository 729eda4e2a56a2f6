import { z } from 'zod';
import { halfTypes } from './half-floats.ts';
import { type ColumnType, columnTypeSchema, digestSchema } from './model-types.ts';
import { packageRuntimeSchema } from './package-runtime.ts';

export * from './model-types.ts';
export * from './package-runtime.ts';

/**
 * The model package: what a model version is made of once it can be served. Packaging writes it, serving and
 * evaluation read it. Browser-safe.
 */

/**
 * One input or output of a model. `shape` is the shape of one row: `[]` a scalar column, `[30]` a vector of
 * 30; the leading batch dimension is never part of it, -1 is a free dimension.
 */
export const signatureFieldSchema = z.object({
  name: z.string().min(1),
  type: columnTypeSchema,
  required: z.boolean().default(true),
  shape: z.array(z.int()).default([]),
  /**
   * Whether a column that has to be there may hold no value: the model knows what to do with one that is missing. A
   * data contract that knows the column decides instead.
   */
  nullable: z.boolean().optional(),
  /** Set where the model's own signature gives no name, and this one is ours: it is known by its place. */
  unnamed: z.literal(true).optional(),
  /** Set for an optional column that is none for the model where it was not sent, whatever its type: so MLflow has it. */
  omittable: z.literal(true).optional(),
  /** Set where the value is nested, or of any kind: it travels as the text of its JSON, its type is `string`. */
  json: z.literal(true).optional(),
  /** Set beside `json` where the value may be a text as well, which is told from JSON by its quotes. */
  any: z.literal(true).optional(),
  /** Set for the only input of a model that is given requests as they come: one as text of JSON. */
  request: z.literal(true).optional(),
});
export type SignatureField = z.infer<typeof signatureFieldSchema>;

/**
 * What a model takes that was logged without a signature, or does not answer row by row. Its manifest has
 * `tensors: 'whole'`: a request is one row.
 */
export const requestField: SignatureField = {
  name: 'request',
  type: 'string',
  required: true,
  shape: [],
  json: true,
  request: true,
};

/** Is the model given requests as they come? */
export function takesRequests({ inputs }: { readonly inputs: readonly SignatureField[] }): boolean {
  return inputs[0]?.request === true;
}

/** A param of a model's `predict`: one value, or a list of them; `object` is one with members, which the model checks. */
export const signatureParamSchema = z.object({
  name: z.string(),
  type: z.union([columnTypeSchema, z.literal('object')]),
  list: z.boolean(),
});
export type SignatureParam = z.infer<typeof signatureParamSchema>;

/** `params` is left out where the model's signature has none: the model gets none then. */
export const modelSignatureSchema = z.object({
  inputs: z.array(signatureFieldSchema),
  outputs: z.array(signatureFieldSchema),
  params: z.array(signatureParamSchema).optional(),
});
export type ModelSignature = z.infer<typeof modelSignatureSchema>;

/** ONNX element types that the runtime accepts, by their ONNX names. */
const elementTypeSchema = z.enum([
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

/** The element type in which a column of a signature travels as a tensor. */
export const elementOfColumn: Readonly<Record<ColumnType, ElementType>> = {
  boolean: 'bool',
  integer: 'int32',
  long: 'int64',
  float: 'float',
  double: 'double',
  string: 'string',
  datetime: 'string',
  binary: 'string',
};

/** The signature's type of a tensor's elements, which the prediction log and its readers know. */
export const columnTypes: Readonly<Record<ElementType, ColumnType>> = {
  float: 'float',
  double: 'double',
  int8: 'integer',
  uint8: 'integer',
  int16: 'integer',
  uint16: 'integer',
  int32: 'integer',
  uint32: 'long',
  int64: 'long',
  uint64: 'long',
  bool: 'boolean',
  string: 'string',
};

/**
 * A graph tensor; shape includes the batch dimension, -1 is free. `datatype` is what callers know it by where that is
 * not told by the type that it is computed with: FP16 and BF16, whose `type` is float. `unranked` is set where the graph
 * does not even tell how many dimensions there are, and `shape` is then `[]` as that of one value.
 */
export const graphTensorSchema = z.object({
  name: z.string(),
  type: elementTypeSchema,
  shape: z.array(z.int()),
  datatype: z.enum(halfTypes).optional(),
  unranked: z.literal(true).optional(),
});
export type GraphTensor = z.infer<typeof graphTensorSchema>;

/** A graph input and the signature columns that fill it, in order (one column, or many side by side). */
const graphInputSchema = graphTensorSchema.extend({
  columns: z.array(z.string()).min(1),
  /** Set where the graph has a value of its own for a request that leaves the input out. */
  hasDefault: z.literal(true).optional(),
});
export type GraphInput = z.infer<typeof graphInputSchema>;

/** A graph output; its values may have names by their number in a row: the classes that they are scores of. */
const graphOutputSchema = graphTensorSchema.extend({ labels: z.array(z.string()).optional() });
export type GraphOutput = z.infer<typeof graphOutputSchema>;

/**
 * What the converter measured between the Python model and the ONNX graph on the sample rows. `used` says
 * whether the graph is served; where it is not, `problem` says why. The difference is null when the model could
 * not be converted at all. `holdout` is the same on rows that were held out of the training, where they were given.
 */
export const conversionReportSchema = z.object({
  flavor: z.string(),
  rows: z.int(),
  maxAbsDifference: z.number().nullable(),
  bound: z.number(),
  used: z.boolean().default(true),
  problem: z.string().nullable().default(null),
  holdout: z.object({ rows: z.int(), maxAbsDifference: z.number() }).nullable().default(null),
});
export type ConversionReport = z.infer<typeof conversionReportSchema>;

/**
 * The manifest blob of a model package; its digest is the digest of the model version. `runtime` says what
 * computes it: `onnx` is the digest of the graph, and null for every other kind. `score` says which
 * output (and which column of it) is the score that is logged and monitored; null when there is none.
 * `primary` names the output that is what the model's own `predict` gives, where that gives no names.
 * `sample` holds input rows ({column: value}) used for warm-up and for the try-it page.
 */
export const packageManifestSchema = z
  .object({
    formatVersion: z.literal(1),
    /** Which way of packaging a logged model made it; packages of other makings, and those of before, have none. */
    packager: z.int().optional(),
    model: z.string(),
    runtime: packageRuntimeSchema.default({ kind: 'onnx' }),
    onnx: digestSchema.nullable(),
    signature: modelSignatureSchema,
    graph: z.object({ inputs: z.array(graphInputSchema), outputs: z.array(graphOutputSchema) }),
    score: z.object({ output: z.string(), index: z.int().min(0) }).nullable(),
    primary: z.string().nullable().default(null),
    classes: z.array(z.union([z.string(), z.number()])).nullable(),
    contract: digestSchema.nullable(),
    sample: z.array(z.record(z.string(), z.unknown())),
    /**
     * Set when the model is served by the tensors of its graph and not by the columns of a table: `rows`: the first
     * dimension of every tensor counts rows; `whole`: the tensors of a request are one row. A column is a tensor then,
     * with the dimensions of a row as its shape, and NaN and infinities are values.
     */
    tensors: z.enum(['rows', 'whole']).optional(),
    /** Of a model that takes requests as they come: the tensors that its own signature wants of one, where it has such. */
    asked: z.array(graphTensorSchema).min(1).optional(),
    conversion: conversionReportSchema.nullable().default(null),
  })
  .refine(({ runtime, onnx }) => (runtime.kind === 'onnx') === (onnx !== null), {
    path: ['onnx'],
    error: 'must be a digest for the runtime onnx, and null for every other',
  });
export type PackageManifest = z.infer<typeof packageManifestSchema>;
