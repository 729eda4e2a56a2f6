import { fail } from '../../../core/errors.ts';
import type { ElementType, GraphTensor, SignatureField } from '../../../core/model-package.ts';
import { datatypeOf, datatypes } from '../../../platform/runtimes/index.ts';
import type { RequestTensor } from './request.ts';

/** Datatypes whose every value a tensor of the type holds as it is, beside the type's own. */
const widened: Readonly<Partial<Record<ElementType, readonly string[]>>> = {
  int16: ['INT8', 'UINT8'],
  int32: ['INT8', 'INT16', 'UINT8', 'UINT16'],
  int64: ['INT8', 'INT16', 'INT32', 'UINT8', 'UINT16', 'UINT32'],
  uint16: ['UINT8'],
  uint32: ['UINT8', 'UINT16'],
  uint64: ['UINT8', 'UINT16', 'UINT32'],
  float: ['FP16', 'BF16', 'INT8', 'INT16', 'UINT8', 'UINT16'],
  double: ['FP32', 'FP16', 'BF16', 'INT8', 'INT16', 'INT32', 'UINT8', 'UINT16', 'UINT32'],
};

/** Throws `input_datatype` where a graph's tensor of the type does not hold all values of the declared datatype. */
export function refuseDatatype(
  endpoint: string,
  tensor: RequestTensor,
  input: Pick<GraphTensor, 'type' | 'datatype'>,
): void {
  const { name, datatype } = tensor;
  const { type } = input;
  if (datatype === undefined || datatype === datatypes[type] || widened[type]?.includes(datatype)) return;
  throw fail('input_datatype', { input: name, given: datatype, expected: datatypeOf(input), endpoint });
}

/**
 * Throws `input_datatype` where a tensor is declared to be text and none of the columns that it fills is, or the other
 * way round. Columns take every number that they hold, whatever it was declared to be: a frame of whole numbers is
 * INT64 for columns of doubles, and the values themselves are checked.
 */
export function refuseKind(endpoint: string, tensor: RequestTensor, fields: readonly SignatureField[]): void {
  const { name, datatype } = tensor;
  if (datatype === undefined) return;
  const text = datatype === 'BYTES';
  if (fields.some(({ type }) => isText(type) === text)) return;
  const expected = text ? 'a datatype of numbers, or BOOL' : 'BYTES';
  throw fail('input_datatype', { input: name, given: datatype, expected, endpoint });
}

const isText = (type: SignatureField['type']) =>
  type === 'string' || type === 'datetime' || type === 'binary';
