import type { ModelSignature } from '../../../core/model-package.ts';
import type { RequestTensor } from '../../../lifecycle/serving/index.ts';
import type { ScoringTable } from './table.ts';

/** What packaging calls the only input of a signature that gives it no name. */
const unnamed = 'input';
/** Columns that say who a row is about, not what. */
const aboutRows = new Set(['prediction_id', 'entity', 'event_time']);

/**
 * A model whose signature is one tensor without a name, as of one that was trained on an array, takes a table too, as
 * MLflow does: its columns side by side, in their order, are the rows of the tensor. Any other table is let be.
 */
export function asUnnamedTensor(table: ScoringTable, { inputs }: ModelSignature): ScoringTable {
  const [field, ...others] = inputs;
  if (!field || others.length > 0 || field.name !== unnamed || field.shape.length !== 1) return table;
  if (table.tensors.some(({ name }) => name === unnamed)) return table;
  const columns = table.tensors.filter(({ name, width }) => width === 1 && !aboutRows.has(name));
  const [size = -1] = field.shape;
  if (columns.length === 0 || (size >= 0 && size !== columns.length)) return table;
  const row = (_: unknown, i: number) => columns.map(({ data }) => data[i]);
  const tensor: RequestTensor = {
    name: unnamed,
    width: 1,
    data: Array.from({ length: table.rowCount }, row),
  };
  return { ...table, tensors: [tensor, ...table.tensors.filter((t) => !columns.includes(t))] };
}
