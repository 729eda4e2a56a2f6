import type { PackageManifest } from '../../../core/model-package.ts';
import { OnnxModel } from '../../../platform/onnx/index.ts';
import { type LoadedModel, openModel, type RuntimeHosts } from '../../../platform/runtimes/index.ts';

/** A loaded model, whatever computes it. */
export type ModelRuntime = LoadedModel;

/**
 * Loads what computes a package.
 *
 * @param bytesOf gives a blob of the package by its digest
 * @param hosts what the process has to run models that are no ONNX graphs
 * @param version what the version is called in messages
 */
export async function loadRuntime(
  manifest: PackageManifest,
  bytesOf: (digest: string) => Promise<Uint8Array>,
  hosts: RuntimeHosts = { python: null },
  version = manifest.model,
): Promise<ModelRuntime> {
  const loadOnnx = async (graph: PackageManifest, onnx: string) => OnnxModel.load(await bytesOf(onnx), graph);
  return openModel(manifest, { version, bytesOf, loadOnnx, hosts });
}
