import type { SignatureField } from '../../../core/model-package.ts';
import { readExample } from './read-mlmodel.ts';

/** Sample rows kept with the package, for warm-up and to try it. */
export const sampleRows = 5;

/** Rows of the input example; one of empty values for a model that was logged without an example. */
export function readSample(
  example: string | null,
  fields: readonly SignatureField[],
): readonly Record<string, unknown>[] {
  const rows = example === null ? [] : readExample(example, fields);
  return rows.length > 0 ? rows : [Object.fromEntries(fields.map((f) => [f.name, emptyValue(f)]))];
}

const emptyTexts = { string: '', datetime: '1970-01-01T00:00:00Z', binary: '' } as const;

/** A value of the right type. */
export function emptyValue(field: SignatureField): unknown {
  const { type, shape, json } = field;
  if (json) return 'null';
  const scalar = type === 'boolean' ? false : type in emptyTexts ? emptyTexts[type as 'string'] : 0;
  const size = shape.reduce((product, d) => product * Math.max(1, d), 1);
  return shape.length === 0 ? scalar : new Array(size).fill(scalar);
}

/** Rows as cells in the order of the fields. */
export function cellsOf(
  rows: readonly Readonly<Record<string, unknown>>[],
  fields: readonly SignatureField[],
): readonly (readonly unknown[])[] {
  return rows.map((row) => fields.map((f) => row[f.name] ?? emptyValue(f)));
}
