import type { EndpointState, Plane, ServedArm } from '../../lifecycle/serving/index.ts';
import { columnDatatypes, elementDatatypes } from './datatypes.ts';

/** `GET v2`: the server. */
export function serverMetadata(version: string): object {
  return { name: 'millrace', version, extensions: [] };
}

/** `GET v2/models/<model>[/versions/<version>]`: an endpoint or one version that it serves. */
export function modelMetadata(state: EndpointState, arm: ServedArm): object {
  const { signature, graph } = arm.model.manifest;
  const versions = state.arms.map((a) => a.modelVersion);
  return {
    name: state.route.endpoint,
    versions: [...new Set(versions)],
    platform: 'onnxruntime_onnx',
    inputs: signature.inputs.map((field) => ({
      name: field.name,
      datatype: columnDatatypes[field.type],
      shape: [-1, ...(field.shape.length > 0 ? field.shape : [1])],
      ...(field.required ? {} : { optional: true }),
    })),
    outputs: graph.outputs.map((o) => ({
      name: o.name,
      datatype: elementDatatypes[o.type],
      shape: o.shape.length > 0 ? o.shape : [-1],
    })),
  };
}

/** Is the endpoint (or the version) loaded and warm? Throws `endpoint_unknown`, `model_version_unknown`. */
export function isModelReady(plane: Plane, name: string, version: string | null): boolean {
  return plane.arm(name, version) !== null;
}
