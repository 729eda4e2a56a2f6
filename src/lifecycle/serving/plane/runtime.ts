import type { PackageManifest } from '../../../core/model-package.ts';
import { OnnxModel, type Prediction } from '../../../platform/onnx/index.ts';

/** A loaded model, whatever computes it. */
export interface ModelRuntime {
  /** Predicts from rows whose cells are in the order of the signature's inputs. */
  predictRows(rows: readonly (readonly unknown[])[]): Promise<Prediction>;
  /** Frees what it holds; no prediction may be running or come later. */
  close(): Promise<void>;
}

/** Loads what computes a package. `bytesOf` gives a blob of the package by its digest. */
export async function loadRuntime(
  manifest: PackageManifest,
  bytesOf: (digest: string) => Promise<Uint8Array>,
): Promise<ModelRuntime> {
  return OnnxModel.load(await bytesOf(manifest.onnx), manifest);
}
