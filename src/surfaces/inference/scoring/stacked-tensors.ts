import type { ModelSignature } from '../../../core/model-package.ts';
import { isObject, type ScoringForm, type ScoringTable } from './table.ts';

/**
 * Reads a request of a model that takes whole tensors as MLflow and KServe's v1 send it: `instances` and `inputs` stack
 * to the tensors themselves, whose first dimension may count rows for the caller and does not for the graph. They are
 * one row here. Null where the data does not stack to every input's dimensions: a list of whole tensors, one per row,
 * and whatever is wrong.
 */
export function readStacked(
  form: ScoringForm,
  value: unknown,
  { inputs }: ModelSignature,
): ScoringTable | null {
  const column = stackedColumns(form, value, inputs.length === 1);
  if (!column) return null;
  const tensors = [];
  for (const { name, shape, required } of inputs) {
    const data = column(name);
    if (data === undefined && !required) continue;
    const dims = dimensions(data);
    if (dims?.length !== shape.length || shape.some((size, i) => size >= 0 && size !== dims[i])) return null;
    tensors.push({ name, width: 1, data: [data] });
  }
  return { tensors, rowCount: 1 };
}

/** Gives the values of an input by its name; undefined for one that is not there. Null for forms that stack nothing. */
function stackedColumns(form: ScoringForm, value: unknown, isOnly: boolean) {
  if (form === 'inputs' && isObject(value)) return (name: string) => value[name];
  if ((form !== 'inputs' && form !== 'instances') || !Array.isArray(value)) return null;
  const rows: readonly unknown[] = value;
  if (rows.length > 0 && rows.every(isObject)) {
    return (name: string) => (name in (rows[0] ?? {}) ? rows.map((row) => row[name]) : undefined);
  }
  return isOnly ? () => rows : null;
}

/** Sizes of nested lists; null where lists stand beside values, or beside lists of another size. */
function dimensions(value: unknown): readonly number[] | null {
  if (!Array.isArray(value)) return [];
  const size = sizeOf(value[0]);
  if (value.some((item) => sizeOf(item) !== size)) return null;
  if (size < 0) return [value.length];
  const inner = value.map(dimensions);
  const [one] = inner;
  return one && inner.every((dims) => dims?.join() === one.join()) ? [value.length, ...one] : null;
}

/** -1 for what is no list. */
function sizeOf(value: unknown): number {
  return Array.isArray(value) ? value.length : -1;
}
