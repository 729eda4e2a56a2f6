import { fail } from '../../core/errors.ts';
import type { PackageManifest } from '../../core/model-package.ts';
import type { Prediction } from '../onnx/index.ts';

/** A loaded model, whatever computes it. */
export interface LoadedModel {
  /** Predicts from rows whose cells are in the order of the signature's inputs. */
  predictRows(rows: readonly (readonly unknown[])[]): Promise<Prediction>;
  /** Frees what it holds; no prediction may be running or come later. */
  close(): Promise<void>;
}

/** What runtimes need of the process that they are in. */
export interface RuntimeContext {
  /** A blob of the package, or of one that it is made of. */
  readonly bytesOf: (digest: string) => Promise<Uint8Array>;
  /** Loads an ONNX graph. */
  readonly loadOnnx: (manifest: PackageManifest, onnx: string) => Promise<LoadedModel>;
}

/** Loads what computes a package. Throws what its runtime throws when it cannot. */
export async function openModel(manifest: PackageManifest, context: RuntimeContext): Promise<LoadedModel> {
  const { runtime, onnx } = manifest;
  if (runtime.kind === 'onnx' && onnx !== null) return context.loadOnnx(manifest, onnx);
  throw fail('runtime_unavailable', { kind: runtime.kind, problem: 'this process has none' });
}
