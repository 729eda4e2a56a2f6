import {
  type ColumnType,
  type PackageManifest,
  requestField,
  type SignatureField,
  takesRequests,
} from '../../../core/model-package.ts';
import { tensorsOf } from '../oip/metadata.ts';

/** One request in the words of each protocol. */
interface ExampleBodies {
  readonly infer: object;
  readonly invocations: object;
  readonly predict: object;
  /** For a model that streams: answers in pieces. */
  readonly generate: object;
}

const exampleValues: Readonly<Record<ColumnType, unknown>> = {
  boolean: true,
  integer: 1,
  long: 1,
  float: 0.5,
  double: 0.5,
  string: 'text',
  datetime: '2001-02-03T04:05:06Z',
  binary: 'AAEC',
};

/** A row for a model without a signature, of which nothing is known. */
const unknownRow = { column: 0.5 };
const unknownBodies: ExampleBodies = {
  infer: { inputs: [{ name: 'column', datatype: 'FP64', shape: [1], data: [unknownRow.column] }] },
  invocations: { dataframe_records: [unknownRow] },
  predict: { instances: [unknownRow] },
  generate: { [requestField.name]: { dataframe_records: [unknownRow] } },
};

/** A request for one row: the first of the package's sample rows, else a value of each input's type. */
export function exampleBodies(manifest: PackageManifest): ExampleBodies {
  if (takesRequests(manifest.signature)) return manifest.asked ? tensorBodies(manifest) : unknownBodies;
  const [sample = {}] = manifest.sample;
  const fields = manifest.signature.inputs;
  const row = new Map<string, unknown>();
  for (const field of fields) {
    const value = sample[field.name];
    if (value !== undefined && value !== null) row.set(field.name, nested(value, field.shape));
    else if (field.required) row.set(field.name, exampleCell(field));
  }
  const { inputs } = tensorsOf(manifest);
  const tensors = inputs.flatMap(({ name, datatype, shape }) => {
    const value = row.get(name);
    if (value === undefined) return [];
    const data = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
    return [{ name, datatype, shape: fitted(shape, data.length, manifest.tensors === 'whole'), data }];
  });
  const record = Object.fromEntries(fields.flatMap((field) => itself(field, row.get(field.name))));
  return {
    infer: { inputs: tensors },
    invocations: { dataframe_split: { columns: Object.keys(record), data: [Object.values(record)] } },
    predict: { instances: [record] },
    generate: record,
  };
}

/** A request of tensors as a model's own signature has them: one row, and two of every other size that is free. */
function tensorBodies(manifest: PackageManifest): ExampleBodies {
  const inputs = tensorsOf(manifest).inputs.map(({ name, datatype, shape }) => {
    const sizes = shape.map((d, i) => (d >= 0 ? d : i === 0 ? 1 : 2));
    const cell =
      datatype === 'BYTES' ? 'text' : datatype === 'BOOL' ? true : datatype.startsWith('FP') ? 0.5 : 1;
    const data = new Array<unknown>(sizes.reduce((product, d) => product * d, 1)).fill(cell);
    const values = sizes.reduceRight<unknown>((inner, size) => new Array(size).fill(inner), cell);
    return { tensor: { name, datatype, shape: sizes, data }, values };
  });
  const [only] = inputs;
  const values =
    inputs.length === 1
      ? only?.values
      : Object.fromEntries(inputs.map(({ tensor, values }) => [tensor.name, values]));
  return {
    infer: { inputs: inputs.map(({ tensor }) => tensor) },
    invocations: { inputs: values },
    predict: { inputs: values },
    generate: { [requestField.name]: { inputs: values } },
  };
}

/** A member of a record: in JSON what is nested stands as itself; as its text it travels in tensors alone. */
function itself({ name, json }: SignatureField, value: unknown): [string, unknown][] {
  if (value === undefined) return [];
  return [[name, json && typeof value === 'string' ? parsed(value) : value]];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A cell in the lists that its field has: warm-up rows have it flat, or as the graph takes it. */
function nested(value: unknown, shape: readonly number[]): unknown {
  let depth = 0;
  for (let level = value; Array.isArray(level); level = level[0]) depth++;
  if (depth === 0 || depth === shape.length) return value;
  const flat: unknown[] = (value as unknown[]).flat(Number.POSITIVE_INFINITY);
  const inner = fitted(shape, flat.length, true).slice(1);
  return inner.reduceRight<readonly unknown[]>((cells, size) => {
    return Array.from({ length: cells.length / size }, (_, i) => cells.slice(i * size, (i + 1) * size));
  }, flat);
}

/** A value of a field's type, in the lists that its shape has. */
function exampleCell({ type, shape }: SignatureField): unknown {
  return shape.reduceRight<unknown>(
    (cell, size) => Array.from({ length: Math.max(1, size) }, () => cell),
    exampleValues[type],
  );
}

/** The shape with its free dimensions fixed so that it holds `count` values: one row, the last takes what is left. */
function fitted(shape: readonly number[], count: number, whole: boolean): readonly number[] {
  const sizes = shape.map((d, i) => (!whole && i === 0 ? 1 : d));
  const free = sizes.lastIndexOf(-1);
  const fixed = sizes.reduce((product, d) => (d > 0 ? product * d : product), 1);
  return sizes.map((d, i) => (d > 0 ? d : i === free ? Math.max(1, count / fixed) : 1));
}
