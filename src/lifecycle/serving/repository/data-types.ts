import type { ColumnType, ElementType } from '../../../core/model-package.ts';

/** Names of element types in a model configuration. */
export const configTypes: Readonly<Record<ElementType, string>> = {
  float: 'TYPE_FP32',
  double: 'TYPE_FP64',
  int8: 'TYPE_INT8',
  uint8: 'TYPE_UINT8',
  int16: 'TYPE_INT16',
  uint16: 'TYPE_UINT16',
  int32: 'TYPE_INT32',
  uint32: 'TYPE_UINT32',
  int64: 'TYPE_INT64',
  uint64: 'TYPE_UINT64',
  bool: 'TYPE_BOOL',
  string: 'TYPE_STRING',
};

/** The signature's type of a tensor, which the prediction log and its readers know. */
export const columnTypes: Readonly<Record<ElementType, ColumnType>> = {
  float: 'float',
  double: 'double',
  int8: 'integer',
  uint8: 'integer',
  int16: 'integer',
  uint16: 'integer',
  int32: 'integer',
  uint32: 'long',
  int64: 'long',
  uint64: 'long',
  bool: 'boolean',
  string: 'string',
};
