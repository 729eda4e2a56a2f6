import type { SignatureField } from '../../core/model-package.ts';
import type { OnnxPackage } from './model.ts';

/** A row of empty values of the right types, for a model that was logged without an example. */
export function emptyCells({ signature, tensors }: OnnxPackage): readonly unknown[] {
  return signature.inputs.map((field) => {
    const value = emptyValue(field);
    if (field.shape.length === 0) return value;
    const dims = field.shape.map((d) => Math.max(1, d));
    const nested = tensors === 'whole' || (tensors === 'rows' && field.shape.some((d) => d < 0));
    return filled(nested ? dims : [dims.reduce((product, d) => product * d, 1)], value);
  });
}

function filled([length = 0, ...rest]: readonly number[], value: unknown): unknown[] {
  return Array.from({ length }, () => (rest.length > 0 ? filled(rest, value) : value));
}

function emptyValue({ type }: SignatureField): unknown {
  if (type === 'boolean') return false;
  return type === 'string' || type === 'datetime' || type === 'binary' ? '' : 0;
}
