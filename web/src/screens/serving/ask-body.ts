import type { PackageManifest } from '../../../../src/core/model-package.ts';

const DATATYPES: Readonly<Record<string, string>> = {
  boolean: 'BOOL',
  integer: 'INT32',
  long: 'INT64',
  float: 'FP32',
  double: 'FP64',
};

/** A request of the Open Inference Protocol for the package's first sample row, two lines for each input. */
export function askBody(manifest: Pick<PackageManifest, 'signature' | 'sample'>): string {
  const row = manifest.sample[0] ?? {};
  const inputs = manifest.signature.inputs.map((input) => {
    const value = row[input.name] ?? (input.type === 'string' ? '' : 0);
    const data = Array.isArray(value) ? value : [value];
    const shape = Array.isArray(value) ? [1, value.length] : [1, 1];
    const datatype = DATATYPES[input.type] ?? 'BYTES';
    return `  {"name": ${JSON.stringify(input.name)}, "datatype": "${datatype}",\n   "shape": ${JSON.stringify(shape)}, "data": ${JSON.stringify(data)}}`;
  });
  return `{"inputs": [\n${inputs.join(',\n')}\n]}`;
}
