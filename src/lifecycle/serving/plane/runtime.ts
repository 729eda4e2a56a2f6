import type { Digest } from '../../../core/json.ts';
import type { PackageManifest } from '../../../core/model-package.ts';
import { type ModelPlacer, OnnxModel, type Placement } from '../../../platform/onnx/index.ts';
import {
  type LoadedModel,
  openModel,
  type RuntimeHosts,
  sampleRows,
} from '../../../platform/runtimes/index.ts';

/** A loaded model, whatever computes it. */
export type ModelRuntime = LoadedModel;

type BytesOf = (digest: Digest) => Promise<Uint8Array>;

/**
 * Loads what computes a package, on this thread.
 *
 * @param bytesOf gives a blob of the package by its digest
 * @param hosts what the process has to run models that are no ONNX graphs
 * @param version what the version is called in messages
 */
export async function loadRuntime(
  manifest: PackageManifest,
  bytesOf: BytesOf,
  hosts: RuntimeHosts = { python: null },
  version = manifest.model,
): Promise<ModelRuntime> {
  const loadOnnx = async (graph: PackageManifest, onnx: Digest) => OnnxModel.load(await bytesOf(onnx), graph);
  return openModel(manifest, { version, bytesOf, loadOnnx, hosts });
}

/**
 * Loads what computes a package without holding up the thread that answers requests. `placement` tells where the
 * package's own ONNX graph computes; null when it has none.
 */
export async function placeRuntime(
  manifest: PackageManifest,
  bytesOf: BytesOf,
  placer: ModelPlacer,
  hosts: RuntimeHosts,
  version: string,
): Promise<{ readonly model: ModelRuntime; readonly placement: Placement | null }> {
  let placement: Placement | null = null;
  const loadOnnx = async (graph: PackageManifest, onnx: Digest) => {
    const name = `${graph.model} ${version}`;
    const placed = await placer.place(() => bytesOf(onnx), graph, sampleOf(graph), name);
    if (graph === manifest) placement = placed.placement;
    return placed.model;
  };
  const model = await openModel(manifest, { version, bytesOf, loadOnnx, hosts });
  return { model, placement };
}

function sampleOf(manifest: PackageManifest): readonly (readonly unknown[])[] {
  return manifest.sample.length > 0 ? sampleRows(manifest) : [];
}
