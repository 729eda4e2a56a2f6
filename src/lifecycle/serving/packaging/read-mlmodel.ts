import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import {
  type ColumnType,
  columnTypeSchema,
  type ElementType,
  type GraphTensor,
  type SignatureField,
  type SignatureParam,
  signatureParamSchema,
} from '../../../core/model-package.ts';
import { standardJson } from '../../../core/python-json.ts';
import { requireWhenUsed } from '../../../core/require-when-used.ts';
import { emptyExample } from './empty-example.ts';

/** What packaging needs of an MLmodel file. */
export interface MlflowModel {
  /** `onnx`, one with a converter, or whatever else MLflow loads. */
  readonly flavor: string;
  /** Can python/convert.py make ONNX of it? */
  readonly converter: boolean;
  /** Is what it predicts its probabilities, and not its labels? */
  readonly predictsProbabilities: boolean;
  /** Path of the ONNX file beside MLmodel; null for other flavors. */
  readonly onnxFile: string | null;
  /** Null when its signature tells no columns. */
  readonly inputs: readonly SignatureField[] | null;
  /** The tensors of a signature that has nothing else, all of element types that are known here; else null. */
  readonly tensors: readonly GraphTensor[] | null;
  /** Why its signature tells no columns: there is none, or it has a tensor whose dtype no column has. Else null. */
  readonly noColumns: string | null;
  /** Has a tensor a first dimension that is fixed, and so counts no rows? */
  readonly fixedRows: boolean;
  /** Params of `predict` by the signature; null when it has none. */
  readonly params: readonly SignatureParam[] | null;
  /** Path of the input example (pandas split form or a tensor as JSON); null when there is none. */
  readonly exampleFile: string | null;
  /** What stands in for an example that is not there, where inputs are nested; else null. */
  readonly emptyExample: string | null;
  /** Can it be run as Python (has it MLflow's flavor python_function)? */
  readonly python: boolean;
  /** Versions of Python and MLflow that it was logged with; null when it does not say. */
  readonly pythonVersion: string | null;
  readonly mlflowVersion: string | null;
}

const converted = ['sklearn', 'lightgbm', 'xgboost'];
/** The method that `predict` calls where a classifier was logged to give probabilities. */
const probabilities = 'predict_proba';

const fileSchema = z.object({
  flavors: z.record(z.string(), z.record(z.string(), z.unknown())),
  signature: z.object({ inputs: z.string().nullish(), params: z.string().nullish() }).nullish(),
  saved_input_example_info: z.object({ artifact_path: z.string() }).nullish(),
  mlflow_version: z.string().nullish(),
});

/** Frames made of arrays have columns that are numbers. */
const nameSchema = z.union([z.string(), z.int().transform(String)]).optional();

const inputSchema = z.union([
  z.object({ type: columnTypeSchema, name: nameSchema, required: z.boolean().default(true) }),
  z.object({
    type: z.literal('tensor'),
    name: nameSchema,
    'tensor-spec': z.object({ dtype: z.string(), shape: z.array(z.int()) }),
  }),
  z.object({
    type: z.enum(['array', 'object', 'map', 'any']),
    name: nameSchema,
    required: z.boolean().default(true),
  }),
]);
const nestedTypes: ReadonlySet<string> = new Set(['array', 'object', 'map', 'any']);
/** Types of columns that can be empty; others, where they are optional beside nested ones, travel as JSON too. */
const emptyTypes: ReadonlySet<string> = new Set(['double', 'float', 'string']);

/** numpy dtypes of tensor signatures in MLflow's column types. */
const dtypes: Readonly<Record<string, ColumnType>> = {
  bool: 'boolean',
  int8: 'integer',
  int16: 'integer',
  int32: 'integer',
  int64: 'long',
  uint8: 'integer',
  uint16: 'integer',
  uint32: 'long',
  float16: 'float',
  float32: 'float',
  float64: 'double',
  str: 'string',
  object: 'string',
};

/**
 * Reads an MLmodel file. Throws `package_refused` for one without a flavor that can be served, and for a signature
 * that is not understood.
 */
export function readMlmodel(text: string): MlflowModel {
  const parsed = fileSchema.safeParse(readYaml(text));
  if (!parsed.success)
    throw refused('its MLmodel file cannot be read', 'Log the model again with mlflow.<flavor>.log_model.');
  const { flavors: found, signature, saved_input_example_info: example } = parsed.data;
  const names = Object.keys(found).filter((f) => f !== 'python_function');
  const flavor = ['onnx', ...converted].find((f) => f in found) ?? names[0] ?? 'python_function';
  const python = 'python_function' in found;
  if (!python && flavor !== 'onnx' && !converted.includes(flavor)) {
    throw refused(
      `flavor ${flavor} cannot be served: the model has no flavor python_function`,
      'Log it with a flavor that MLflow can predict with, or as ONNX (mlflow.onnx.log_model).',
    );
  }
  const data = found.onnx?.data;
  const given = signature?.inputs ? readInputs(signature.inputs) : null;
  const noColumns = given === null ? 'it was logged without a signature' : noColumnsFor(given);
  const inputs = given === null || noColumns !== null ? null : fieldsOf(given);
  const { python_version: pythonVersion, predict_fn: predictFn = 'predict' } = found.python_function ?? {};
  return {
    flavor,
    converter: converted.includes(flavor) && ['predict', probabilities].includes(String(predictFn)),
    predictsProbabilities: predictFn === probabilities,
    python,
    pythonVersion: typeof pythonVersion === 'string' ? pythonVersion : null,
    mlflowVersion: parsed.data.mlflow_version ?? null,
    onnxFile: flavor === 'onnx' ? (typeof data === 'string' ? data : 'model.onnx') : null,
    inputs,
    noColumns,
    tensors: given && tensorsOf(given),
    fixedRows:
      given?.some((input) => input.type === 'tensor' && (input['tensor-spec'].shape[0] ?? -1) >= 0) ?? false,
    params: signature?.params ? readParams(signature.params) : null,
    exampleFile: example?.artifact_path ?? null,
    emptyExample: inputs?.some((field) => field.json) ? emptyExample(signature?.inputs ?? '[]') : null,
  };
}

/** Null for what is no YAML. */
function readYaml(text: string): unknown {
  try {
    return requireWhenUsed<typeof import('yaml')>('yaml').parse(text);
  } catch {
    return null;
  }
}

type SignatureInput = z.infer<typeof inputSchema>;

function readInputs(json: string): readonly SignatureInput[] {
  const parsed = z.array(inputSchema).safeParse(JSON.parse(json));
  if (!parsed.success) {
    const remedy =
      'Use a signature of columns or of one tensor (infer_signature on the training frame gives one).';
    throw refused('its signature has inputs that are neither columns nor tensors', remedy);
  }
  return parsed.data;
}

/** The column type of a tensor's elements; undefined where there is none. */
function typeOf(dtype: string): ColumnType | undefined {
  return dtypes[plainDtype(dtype)];
}

function plainDtype(dtype: string): string {
  return dtype.replace(/^<?U\d+$/, 'str');
}

/** numpy dtypes as element types; halves are computed as singles here, and called what they are. */
const elements: Readonly<Record<string, Pick<GraphTensor, 'type' | 'datatype'>>> = {
  bool: { type: 'bool' },
  ...Object.fromEntries(
    (['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'] satisfies ElementType[]).map(
      (type) => [type, { type }],
    ),
  ),
  float16: { type: 'float', datatype: 'FP16' },
  float32: { type: 'float' },
  float64: { type: 'double' },
  str: { type: 'string' },
  object: { type: 'string' },
};

function tensorsOf(inputs: readonly SignatureInput[]): readonly GraphTensor[] | null {
  const tensors = inputs.flatMap((input, i) => {
    if (input.type !== 'tensor') return [];
    const { dtype, shape } = input['tensor-spec'];
    const element = elements[plainDtype(dtype)];
    return element ? [{ name: nameOf(input, i, inputs.length), ...element, shape }] : [];
  });
  return tensors.length === inputs.length && tensors.length > 0 ? tensors : null;
}

function nameOf({ name }: SignatureInput, at: number, count: number): string {
  return name ?? (count === 1 ? 'input' : `input_${at}`);
}

function noColumnsFor(inputs: readonly SignatureInput[]): string | null {
  for (const input of inputs) {
    if (input.type !== 'tensor') continue;
    const { dtype } = input['tensor-spec'];
    if (!typeOf(dtype)) return `it has a tensor of ${dtype}, which no column has`;
  }
  return null;
}

function fieldsOf(inputs: readonly SignatureInput[]): readonly SignatureField[] {
  const isNested = inputs.some(({ type }) => nestedTypes.has(type));
  return inputs.map((input, i) => {
    const name = nameOf(input, i, inputs.length);
    const unnamed = input.name === undefined ? { unnamed: true as const } : {};
    if (input.type !== 'tensor') {
      const { type, required } = input;
      const asJson = nestedTypes.has(type) || (isNested && !required && !emptyTypes.has(type));
      const any = type === 'any' ? { any: true as const } : {};
      if (asJson) return { name, type: 'string', required, shape: [], json: true, ...any };
      return { name, type: type as ColumnType, required, shape: [], ...unnamed };
    }
    const { dtype, shape } = input['tensor-spec'];
    return { name, type: typeOf(dtype) ?? 'string', required: true, shape: shape.slice(1), ...unnamed };
  });
}

const paramsSchema = z.array(
  z
    .object({ name: z.string(), shape: z.array(z.int()).nullish() })
    .and(
      z.union([
        z.object({ type: z.string() }),
        z.object({ dtype: z.string() }).transform((p) => ({ type: p.dtype })),
      ]),
    ),
);

/** Params of kinds that this version of MLflow does not have are left to the model. */
function readParams(json: string): readonly SignatureParam[] | null {
  const parsed = paramsSchema.safeParse(JSON.parse(json));
  if (!parsed.success) return null;
  return parsed.data.flatMap(({ name, type, shape }) => {
    const known = signatureParamSchema.shape.type.safeParse(type);
    return known.success ? [{ name, type: known.data, list: (shape ?? null) !== null }] : [];
  });
}

/**
 * Rows of an input example, where a missing number is NaN: pandas' split form, a row with nested values, values by name,
 * or those of the only input (one, or a list of them).
 */
export function readExample(
  text: string,
  inputs: readonly SignatureField[],
): readonly Record<string, unknown>[] {
  const value: unknown = JSON.parse(standardJson(text));
  const split = value as { columns?: string[]; data?: unknown[][] } | null;
  if (split && !Array.isArray(value) && Array.isArray(split.columns) && Array.isArray(split.data)) {
    const { columns } = split;
    const nested = new Set(inputs.filter(({ json }) => json).map(({ name }) => name));
    const cell = (name: string, value: unknown) =>
      nested.has(name) && value !== undefined && value !== null ? nestedText(value) : value;
    return split.data.map((row) => Object.fromEntries(columns.map((name, i) => [name, cell(name, row[i])])));
  }
  const [only] = inputs;
  if (only?.json && inputs.length === 1 && Array.isArray(value))
    return value.map((row) => ({ [only.name]: JSON.stringify(row) }));
  if (inputs.some((field) => field.json) && typeof value === 'object' && value !== null) {
    const row = value as Readonly<Record<string, unknown>>;
    const known = inputs.filter(({ name }) => row[name] !== undefined && row[name] !== null);
    return [
      Object.fromEntries(known.map(({ name, json }) => [name, json ? nestedText(row[name]) : row[name]])),
    ];
  }
  const given = isObject(value) && value.inputs !== undefined ? value.inputs : value;
  if (isObject(given)) return namedExample(given, inputs);
  if (!only || inputs.length > 1) return [];
  if (Array.isArray(given)) return given.map((row) => ({ [only.name]: row }));
  return given === null ? [] : [{ [only.name]: given }];
}

/** A nested value as JSON; MLflow keeps lists of some pipelines of transformers as that already. */
function nestedText(value: unknown): string {
  return typeof value === 'string' && isListAsText(value) ? value : JSON.stringify(value);
}

function isListAsText(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

type Values = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An example of values by name: those of one row, or lists of them. */
function namedExample(values: Values, inputs: readonly SignatureField[]): readonly Values[] {
  if (inputs.some(({ name, required }) => required && values[name] === undefined)) return [];
  const known = inputs.filter(({ name }) => values[name] !== undefined && values[name] !== null);
  const columns = known.map(({ name }) => [name, values[name]] as const);
  const [, first] = columns[0] ?? [];
  if (!Array.isArray(first)) return [Object.fromEntries(columns)];
  if (!columns.every(([, column]) => Array.isArray(column) && column.length === first.length)) return [];
  return first.map((_, row) =>
    Object.fromEntries(columns.map(([name, column]) => [name, (column as readonly unknown[])[row]])),
  );
}

export function refused(problem: string, remedy: string) {
  return fail('package_refused', { problem, remedy });
}
