import type { ColumnType } from '../../../core/model-package.ts';
import { datatypes as elementDatatypes } from '../../../platform/runtimes/index.ts';

/** Open Inference Protocol names of ONNX element types. */
export { elementDatatypes };

/** Open Inference Protocol names of signature types. */
export const columnDatatypes: Readonly<Record<ColumnType, string>> = {
  boolean: 'BOOL',
  integer: 'INT32',
  long: 'INT64',
  float: 'FP32',
  double: 'FP64',
  string: 'BYTES',
  datetime: 'BYTES',
  binary: 'BYTES',
};

/** Datatypes that a JSON request may declare; the values themselves are checked against the signature. */
export const jsonDatatypes: ReadonlySet<string> = new Set(Object.values(elementDatatypes));

/** Datatypes of the protocol that have no JSON form. */
export const binaryDatatypes: ReadonlySet<string> = new Set(['FP16', 'BF16']);
