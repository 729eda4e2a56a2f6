import type { PackageManifest } from '../../../core/model-package.ts';
import { OnnxModel } from '../../../platform/onnx/index.ts';
import { type LoadedModel, openModel } from '../../../platform/runtimes/index.ts';

/** A loaded model, whatever computes it. */
export type ModelRuntime = LoadedModel;

/** Loads what computes a package. `bytesOf` gives a blob of the package by its digest. */
export async function loadRuntime(
  manifest: PackageManifest,
  bytesOf: (digest: string) => Promise<Uint8Array>,
): Promise<ModelRuntime> {
  const loadOnnx = async (graph: PackageManifest, onnx: string) => OnnxModel.load(await bytesOf(onnx), graph);
  return openModel(manifest, { bytesOf, loadOnnx });
}
