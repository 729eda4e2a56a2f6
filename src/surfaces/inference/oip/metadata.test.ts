import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PackageManifest, packageManifestSchema, requestField } from '../../../core/model-package.ts';
import { exampleBodies } from '../docs/examples.ts';
import { tensorsOf } from './metadata.ts';

function manifestOf(asked?: PackageManifest['asked']): PackageManifest {
  return packageManifestSchema.parse({
    formatVersion: 1,
    model: 'm',
    runtime: {
      kind: 'python',
      flavor: 'f',
      files: [{ path: 'MLmodel', digest: `sha256:${'0'.repeat(64)}` }],
      requirements: [],
      pythonVersion: null,
    },
    onnx: null,
    signature: { inputs: [requestField], outputs: [] },
    graph: {
      inputs: [{ name: 'request', type: 'string', shape: [1], columns: ['request'] }],
      outputs: [{ name: 'output', type: 'string', shape: [-1] }],
    },
    score: null,
    classes: null,
    contract: null,
    sample: [],
    tensors: 'whole',
    ...(asked ? { asked } : {}),
  });
}

test('a model that takes requests as they come tells the tensors of its own signature', () => {
  assert.deepEqual(tensorsOf(manifestOf()).inputs, [{ name: 'request', datatype: 'BYTES', shape: [1] }]);
  const ids = { name: 'ids', type: 'int64' as const, shape: [-1, -1] };
  const one = manifestOf([ids]);
  assert.deepEqual(tensorsOf(one).inputs, [{ name: 'ids', datatype: 'INT64', shape: [-1, -1] }]);
  const { infer, invocations } = exampleBodies(one);
  assert.deepEqual(infer, { inputs: [{ name: 'ids', datatype: 'INT64', shape: [1, 2], data: [1, 1] }] });
  assert.deepEqual(invocations, { inputs: [[1, 1]] });
  const gain = { name: 'gain', type: 'float' as const, datatype: 'FP16' as const, shape: [-1] };
  const both = manifestOf([ids, gain]);
  assert.equal(tensorsOf(both).inputs[1]?.datatype, 'FP16');
  assert.deepEqual(exampleBodies(both).invocations, { inputs: { ids: [[1, 1]], gain: [0.5] } });
});
