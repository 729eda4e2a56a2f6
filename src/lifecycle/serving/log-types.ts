import type { SignatureField } from '../../core/model-package.ts';

/** The column type, in the prediction log and in outputs of batches, of a feature that has one value a row. */
export const logTypes = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  long: 'BIGINT',
  float: 'DOUBLE',
  double: 'DOUBLE',
  string: 'VARCHAR',
  datetime: 'VARCHAR',
  binary: 'VARCHAR',
} as const satisfies Readonly<Record<SignatureField['type'], string>>;
