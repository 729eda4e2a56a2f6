import type { ColumnType } from '../../../core/model-package.ts';
import { datatypeOf } from '../../../platform/runtimes/index.ts';

export { datatypeOf };

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
