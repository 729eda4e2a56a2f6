import { fail } from '../../core/errors.ts';
import type { PackageManifest } from '../../core/model-package.ts';
import type { Prediction } from '../onnx/index.ts';
import type { PythonHost } from '../python-runtime/index.ts';
import { openGraph } from './graph-model.ts';
import { predictionOf, sampleRows } from './prediction.ts';
import { openRemote } from './remote-model.ts';

/** A loaded model, whatever computes it. */
export interface LoadedModel {
  /** Batches that it computes at the same time; one after the other unless told. */
  readonly concurrency?: number;
  /** Why it cannot answer at present, for what another process computes; null when it can. */
  problem?(): string | null;
  /**
   * Predicts from rows whose cells are in the order of the signature's inputs.
   *
   * @param params what the caller gives the model's own `predict` as params; only Python models take any
   */
  predictRows(
    rows: readonly (readonly unknown[])[],
    params?: Readonly<Record<string, unknown>> | null,
  ): Promise<Prediction>;
  /** Frees what it holds; no prediction may be running or come later. */
  close(): Promise<void>;
}

/** What this process has to run models with, beside ONNX. */
export interface RuntimeHosts {
  /** Null: it runs no Python. */
  readonly python: PythonHost | null;
}

/** What runtimes need to load a package. */
export interface RuntimeContext {
  readonly hosts: RuntimeHosts;
  /** What the version is called in messages. */
  readonly version: string;
  /** A blob of the package, or of one that it is made of. */
  readonly bytesOf: (digest: string) => Promise<Uint8Array>;
  /** Loads an ONNX graph. */
  readonly loadOnnx: (manifest: PackageManifest, onnx: string) => Promise<LoadedModel>;
  /** How many graphs of packages it is within. */
  readonly depth?: number;
}

/**
 * Loads what computes a package. Throws `runtime_unavailable` when this process has no such runtime, and what the
 * runtime throws when it cannot load it.
 */
export async function openModel(manifest: PackageManifest, context: RuntimeContext): Promise<LoadedModel> {
  const { runtime, onnx } = manifest;
  if (runtime.kind === 'onnx' && onnx !== null) return context.loadOnnx(manifest, onnx);
  if (runtime.kind === 'python') return openPython(manifest, runtime, context);
  if (runtime.kind === 'remote') return openRemote(manifest, runtime);
  if (runtime.kind === 'graph') return openGraph(manifest, runtime.step, context, openModel);
  throw fail('runtime_unavailable', { kind: runtime.kind, problem: 'its manifest has no graph' });
}

async function openPython(
  manifest: PackageManifest,
  runtime: Extract<PackageManifest['runtime'], { kind: 'python' }>,
  { hosts, version, bytesOf }: RuntimeContext,
): Promise<LoadedModel> {
  const { python } = hosts;
  if (!python)
    throw fail('runtime_unavailable', { kind: 'python', problem: 'it was started without Python' });
  const { model: name, signature, score } = manifest;
  const sample = sampleRows(manifest);
  const model = await python.open({
    model: name,
    version,
    runtime,
    inputs: signature.inputs,
    sample,
    bytesOf,
  });
  return {
    concurrency: python.workers,
    predictRows: async (rows, params = null) =>
      predictionOf(score, await model.predict(rows, params), rows.length),
    close: () => model.close(),
  };
}
