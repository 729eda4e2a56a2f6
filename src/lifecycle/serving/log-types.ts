import type { PackageManifest, SignatureField } from '../../core/model-package.ts';

/** The column type in the prediction log of what has one value a row; see `logTypeOf` for whole numbers without a sign. */
const logTypes = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  long: 'BIGINT',
  float: 'DOUBLE',
  double: 'DOUBLE',
  string: 'VARCHAR',
  datetime: 'VARCHAR',
  binary: 'VARCHAR',
} as const satisfies Readonly<Record<SignatureField['type'], string>>;

/** The column type of a feature in the prediction log: text for what is a list, and room for all that a UINT64 may be. */
export function logTypeOf(field: SignatureField, { graph }: Pick<PackageManifest, 'graph'>): string {
  if (field.shape.length > 0) return 'VARCHAR';
  const isUnsigned = graph.inputs.some(
    ({ type, columns }) => type === 'uint64' && columns.includes(field.name),
  );
  return isUnsigned ? 'UBIGINT' : logTypes[field.type];
}
