import type { ColumnType, GraphTensor, PackageManifest } from '../../../core/model-package.ts';
import type { EndpointState, Plane, ServedArm } from '../../../lifecycle/serving/index.ts';
import { columnDatatypes, datatypeOf } from './datatypes.ts';
import { versionsOf } from './statistics.ts';

/** Triton's extensions that are served here. */
const extensions = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'parameters',
  'statistics',
  'trace',
  'logging',
] as const;

const platforms: Readonly<Record<PackageManifest['runtime']['kind'], { platform: string; backend: string }>> =
  {
    onnx: { platform: 'onnxruntime_onnx', backend: 'onnxruntime' },
    python: { platform: 'mlflow_pyfunc', backend: 'python' },
    remote: { platform: 'open_inference_protocol', backend: 'remote' },
    graph: { platform: 'ensemble', backend: '' },
  };

/** `GET v2`: the server. */
export function serverMetadata(name: string, version: string): object {
  return { name, version, extensions };
}

interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly optional?: true;
}

/** `GET v2/models/<model>[/versions/<version>]`: an endpoint or one version that it serves. */
export function modelMetadata(state: EndpointState, arm: ServedArm): object {
  const { manifest } = arm.model;
  return {
    name: state.route.endpoint,
    versions: versionsOf(state),
    platform: platforms[manifest.runtime.kind].platform,
    ...tensorsOf(manifest),
    ...placementOf(arm),
  };
}

/** Where the model computes, and the measurements of its warm-up that decided it. */
function placementOf({ model }: ServedArm): { readonly properties?: Readonly<Record<string, string>> } {
  const { placement, maxRows } = model.package;
  if (!placement) return {};
  const runs = placement.runs.map(({ rows, ms }) => [`run_ms_${rows}_rows`, ms.toFixed(3)]);
  const loadMs = placement.loadMs.toFixed(1);
  const { place } = placement;
  return {
    properties: { place, max_batch_rows: String(maxRows), load_ms: loadMs, ...Object.fromEntries(runs) },
  };
}

/**
 * The inputs and outputs of a model as callers send and get them, the dimension of rows first (-1) unless the
 * model has none.
 */
export function tensorsOf({ signature, graph, tensors, asked }: PackageManifest): {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
} {
  const rows = tensors === 'whole' ? [] : [-1];
  return {
    inputs:
      asked?.map((tensor) => ({ name: tensor.name, datatype: datatypeOf(tensor), shape: tensor.shape })) ??
      signature.inputs.map(({ name, type, shape, required, request }) => ({
        name,
        datatype: inputDatatype(name, type, tensors ? graph.inputs : []),
        shape: [...rows, ...(shape.length > 0 || (tensors && !request) ? shape : [1])],
        ...(required ? {} : { optional: true as const }),
      })),
    outputs: graph.outputs.map((o) => ({
      name: o.name,
      datatype: datatypeOf(o),
      shape: outputShape(
        o,
        tensors ? signature.outputs.find((f) => f.name === o.name)?.shape : undefined,
        rows,
      ),
    })),
  };
}

/** As callers get it: of a model that is served by its tensors, what the configuration makes of the graph's. */
function outputShape(
  { shape }: GraphTensor,
  told: readonly number[] | undefined,
  rows: readonly number[],
): readonly number[] {
  if (told) return [...rows, ...told];
  return shape.length > 0 ? shape : [-1];
}

/** The tensor's own type where the model is served by its tensors: columns know fewer types. */
function inputDatatype(name: string, type: ColumnType, tensors: readonly GraphTensor[]): string {
  const tensor = tensors.find((t) => t.name === name);
  return tensor ? datatypeOf(tensor) : columnDatatypes[type];
}

/** `GET v2/models/<model>[/versions/<version>]/config` in Triton's form, made from what is known of the model. */
export function modelConfig(state: EndpointState, arm: ServedArm): object {
  const { manifest } = arm.model;
  const { inputs, outputs } = tensorsOf(manifest);
  const { batching } = state.route.options;
  const batched = manifest.tensors !== 'whole';
  const tensor = ({ name, datatype, shape }: TensorMetadata) => ({
    name,
    data_type: datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`,
    dims: batched ? shape.slice(1) : shape,
  });
  const name = state.route.endpoint;
  return {
    name,
    ...platforms[manifest.runtime.kind],
    version_policy: { latest: { num_versions: state.arms.length } },
    max_batch_size: batched ? batching.maxWaitingRows : 0,
    input: inputs.map((i) => ({ ...tensor(i), ...(i.optional ? { optional: true } : {}) })),
    output: outputs.map((o) => ({
      ...tensor(o),
      dims: batched && o.shape.length < 2 ? [1] : tensor(o).dims,
    })),
    instance_group: [{ name: `${name}_0`, kind: 'KIND_CPU', count: 1 }],
    ...(arm.model.streams ? { model_transaction_policy: { decoupled: true } } : {}),
    ...(batched ? { dynamic_batching: { max_queue_delay_microseconds: batching.maxDelayUs } } : {}),
  };
}

/** Is the endpoint (or the version) loaded, warm, and able to answer? Throws `endpoint_unknown`, `model_version_unknown`. */
export function isModelReady(plane: Plane, name: string, version: string | null): boolean {
  const absence = plane.absence(name);
  if (absence === 'loading' || absence === 'unavailable') return false;
  const arm = plane.arm(name, version);
  return arm !== null && arm.model.package.problem === null;
}
