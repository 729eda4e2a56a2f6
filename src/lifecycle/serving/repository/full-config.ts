import type { GraphTensor } from '../../../core/model-package.ts';
import { configTypeOf } from './data-types.ts';
import type { DerivedPackage } from './derive-package.ts';
import type { ModelConfig } from './model-config.ts';

const defaultFileName = 'model.onnx';

/**
 * A model's whole configuration in Triton's JSON form, as `GET v2/models/<model>/config` gives it: what the
 * repository says, completed by what the graph says.
 */
export function fullConfig(
  name: string,
  config: ModelConfig,
  derived: DerivedPackage,
): Record<string, unknown> {
  const { input, output } = config;
  const tensor =
    (side: readonly { readonly name: string }[] | undefined) =>
    (t: GraphTensor, dims: readonly number[]) => ({
      ...side?.find((told) => told.name === t.name),
      name: t.name,
      data_type: configTypeOf(t),
      dims,
    });
  const { signature, graph } = derived;
  return {
    ...config,
    name,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    version_policy: config.version_policy ?? { latest: { num_versions: 1 } },
    max_batch_size: derived.maxBatchSize,
    input: graph.inputs.map((t, i) => tensor(input)(t, signature.inputs[i]?.shape ?? [])),
    output: graph.outputs.map((t, i) => tensor(output)(t, signature.outputs[i]?.shape ?? [])),
    instance_group: config.instance_group ?? [{ name: `${name}_0`, kind: 'KIND_CPU', count: 1 }],
    default_model_filename: config.default_model_filename ?? defaultFileName,
    ...(derived.maxBatchSize > 0 ? { dynamic_batching: config.dynamic_batching ?? {} } : {}),
  };
}

/** Where a version's graph lies, inside the model's folder. */
export function graphPath(version: string, config: ModelConfig): string {
  return `${version}/${config.default_model_filename || defaultFileName}`;
}
