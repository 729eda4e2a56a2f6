import type { ElementType, GraphTensor } from '../../../core/model-package.ts';

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

/** What a model configuration calls the elements of a tensor. */
export function configTypeOf({ type, datatype }: Pick<GraphTensor, 'type' | 'datatype'>): string {
  return datatype ? `TYPE_${datatype}` : configTypes[type];
}
