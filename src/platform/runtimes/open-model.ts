import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import type { PackageManifest } from '../../core/model-package.ts';
import type { Prediction } from '../onnx/index.ts';
import type { PythonCall, PythonHost, StreamPiece } from '../python-runtime/index.ts';
import { openGraph } from './graph-model.ts';
import { predictionOf, sampleRows } from './prediction.ts';
import { openRemote } from './remote-model.ts';

/** What goes to a model beside the rows; only Python models take params. */
export type ModelCall = PythonCall;

/** A piece of an answer, with the score where it has one. */
export interface ScoredPiece extends StreamPiece {
  readonly score: number | null;
}

/** A loaded model, whatever computes it. */
export interface LoadedModel {
  /** Batches that it computes at the same time; one after the other unless told. */
  readonly concurrency?: number;
  /** How long rows wait for a run before they are refused; for ever unless told. */
  readonly longestWaitMs?: number;
  /** Why it cannot answer at present, for what another process computes; null when it can. */
  problem?(): string | null;
  /** Predicts from rows whose cells are in the order of the signature's inputs. */
  predictRows(rows: readonly (readonly unknown[])[], call?: ModelCall): Promise<Prediction>;
  /** Gives the answer to one row in pieces, until the signal is aborted; left out by models that answer at once. */
  predictStream?(row: readonly unknown[], call: ModelCall, signal: AbortSignal): AsyncIterable<ScoredPiece>;
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
  readonly bytesOf: (digest: Digest) => Promise<Uint8Array>;
  /** Loads an ONNX graph. */
  readonly loadOnnx: (manifest: PackageManifest, onnx: Digest) => Promise<LoadedModel>;
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
  if (runtime.kind === 'remote') return openRemote(manifest, runtime, context.bytesOf);
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
  const { model: name, signature } = manifest;
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
    // Whoever waits when all workers are lost to requests that take too long has a run when these are started anew.
    longestWaitMs: 2 * python.timeoutMs + model.startMs,
    predictRows: async (rows, call) => predictionOf(manifest, await model.predict(rows, call), rows.length),
    ...(model.streams
      ? { predictStream: (row, call, signal) => scored(model.stream(row, call, signal)) }
      : {}),
    close: () => model.close(),
  };

  async function* scored(pieces: AsyncIterable<StreamPiece>): AsyncGenerator<ScoredPiece> {
    for await (const piece of pieces) {
      const value = predictionOf(manifest, piece.outputs, 1).score?.[0] ?? null;
      yield { ...piece, score: value };
    }
  }
}
