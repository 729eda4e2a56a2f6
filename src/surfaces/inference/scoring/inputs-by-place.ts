import type { ModelSignature } from '../../../core/model-package.ts';
import type { RequestTensor } from '../../../lifecycle/serving/index.ts';
import type { ScoringTable } from './table.ts';

/** What packaging calls the only input of a signature that gives it no name. */
const unnamed = 'input';
/** Columns that say who a row is about, not what. */
const aboutRows = new Set(['prediction_id', 'entity', 'event_time']);

/**
 * A table for a model whose signature names no inputs, as of one that was trained on an array or takes texts: MLflow
 * takes its columns by their places, whatever they are called, and lets be those that are too many. The columns of one
 * that takes rows of a tensor are these rows side by side. Any other table is let be.
 */
export function inputsByPlace(table: ScoringTable, { inputs }: ModelSignature): ScoringTable {
  const [field, ...others] = inputs;
  if (!field || table.tensors.some(({ name }) => inputs.some((input) => input.name === name)))
    return unwrapped(table, inputs);
  const isColumn = ({ name, width }: RequestTensor) => width === 1 && !aboutRows.has(name);
  const columns = table.tensors.filter(isColumn);
  const about = table.tensors.filter((tensor) => !isColumn(tensor));
  const isTensor = others.length === 0 && field.shape.length === 1 && field.name === unnamed;
  if (isTensor && !holdsLists(columns)) {
    const [size = -1] = field.shape;
    if (columns.length === 0 || (size >= 0 && size !== columns.length)) return table;
    const data = Array.from({ length: table.rowCount }, (_, i) => columns.map((column) => column.data[i]));
    return { ...table, tensors: [{ name: unnamed, width: 1, data }, ...about] };
  }
  if (columns.length < inputs.length || !inputs.every((input) => input.unnamed)) return table;
  const named = inputs.map(({ name }, i) => ({ ...(columns[i] as RequestTensor), name }));
  return unwrapped({ ...table, tensors: [...named, ...about] }, inputs);
}

/** One column of lists is what the tensor holds already. */
function holdsLists([column, ...others]: readonly RequestTensor[]): boolean {
  return others.length === 0 && column !== undefined && Array.isArray(column.data[0]);
}

/** The only input may come as rows of one value, `[["a"], ["b"]]`. */
function unwrapped(table: ScoringTable, [field, ...others]: ModelSignature['inputs']): ScoringTable {
  if (!field?.unnamed || others.length > 0 || field.shape.length > 0) return table;
  const tensors = table.tensors.map((tensor) =>
    tensor.name === field.name ? { ...tensor, data: Array.from(tensor.data, onlyOf) } : tensor,
  );
  return { ...table, tensors };
}

function onlyOf(cell: unknown): unknown {
  return Array.isArray(cell) && cell.length === 1 ? cell[0] : cell;
}
