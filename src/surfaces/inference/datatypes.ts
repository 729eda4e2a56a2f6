import type { ColumnType, ElementType } from '../../core/model-package.ts';

/** Open Inference Protocol names of ONNX element types. */
export const elementDatatypes: Readonly<Record<ElementType, string>> = {
  float: 'FP32',
  double: 'FP64',
  int8: 'INT8',
  uint8: 'UINT8',
  int16: 'INT16',
  uint16: 'UINT16',
  int32: 'INT32',
  uint32: 'UINT32',
  int64: 'INT64',
  uint64: 'UINT64',
  bool: 'BOOL',
  string: 'BYTES',
};

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
