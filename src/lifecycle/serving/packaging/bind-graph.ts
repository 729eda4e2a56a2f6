import {
  columnTypes,
  type GraphInput,
  type GraphTensor,
  type SignatureField,
} from '../../../core/model-package.ts';
import { refused } from './read-mlmodel.ts';

/** The signature that a graph itself tells, for ONNX models that were logged without one. */
export function signatureOf(tensors: readonly GraphTensor[]): SignatureField[] {
  return tensors.map(({ name, type, shape }) => {
    const row = shape.slice(1);
    const scalar = row.length === 0 || (row.length === 1 && row[0] === 1);
    return { name, type: columnTypes[type], required: true, shape: scalar ? [] : row };
  });
}

/**
 * Finds out which columns of the signature fill which input of the graph: by equal names, or all columns side by
 * side when the graph has one input as wide as the signature. Throws `package_refused`, naming the input.
 */
export function bindGraph(inputs: readonly GraphTensor[], fields: readonly SignatureField[]): GraphInput[] {
  const known = new Map(fields.map((f) => [f.name, f]));
  const [only] = inputs;
  const [field] = fields;
  if (only && inputs.length === 1 && !known.has(only.name)) {
    const width = only.shape.length > 1 ? only.shape.slice(1).reduce((a, b) => a * Math.max(1, b), 1) : 1;
    const free = only.shape.slice(1).some((d) => d < 0);
    const scalars = fields.every((f) => f.shape.length === 0);
    if ((fields.length === 1 && field) || (scalars && (free || width === fields.length))) {
      for (const f of fields) requireFit(only, f);
      return [{ ...only, columns: fields.map((f) => f.name) }];
    }
    throw refused(
      `the graph takes "${only.name}" with ${width} values a row, the signature has ${fields.length} columns`,
      'Log the model with a signature inferred from the frame that it was trained on.',
    );
  }
  return inputs.map((input) => {
    const column = known.get(input.name);
    if (!column) {
      const names = fields.map((f) => f.name).join(', ');
      throw refused(
        `the graph takes an input "${input.name}" that the signature (${names}) does not have`,
        'Log the model with a signature whose columns are named like the inputs of the graph.',
      );
    }
    requireFit(input, column);
    return { ...input, columns: [column.name] };
  });
}

function requireFit(input: GraphTensor, field: SignatureField): void {
  const text = (type: SignatureField['type']) => type === 'string';
  if (text(columnTypes[input.type]) === text(field.type) && !['datetime', 'binary'].includes(field.type))
    return;
  throw refused(
    `column "${field.name}" is ${field.type} in the signature, but the graph takes ${input.type}`,
    'Convert the column before training, and log the model with a signature of the converted frame.',
  );
}
