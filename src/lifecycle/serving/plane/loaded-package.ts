import type { Digest } from '../../../core/json.ts';
import type { PackageManifest } from '../../../core/model-package.ts';
import { OnnxModel, type Placement, type Prediction, type RowBlock } from '../../../platform/onnx/index.ts';
import type { ModelCall, ScoredPiece } from '../../../platform/runtimes/index.ts';
import type { SegmentColumn } from '../../../platform/segments/index.ts';
import { featureColumnPrefix } from '../contract.ts';
import { logTypeOf } from '../log-types.ts';
import { type FeatureContract, RowCheck } from './row-check.ts';
import type { ModelRuntime } from './runtime.ts';

/** Largest batch of a model that was not measured. */
const largestBatch = 128;
/** Those of a model that streams, whose answers may take minutes: it is not measured. */
const streamingBatch = 8;
const batchSizes = [1, 8, 32, largestBatch] as const;
/** A larger batch is not tried when the one before took this long. */
const longRunMs = 500;

type Cells = readonly (readonly unknown[])[];

/** A model package in memory, warm; endpoints share it. It is closed when nobody uses it. */
export class LoadedPackage {
  readonly digest: Digest;
  readonly manifest: PackageManifest;
  readonly check: RowCheck;
  /** Names of the signature's inputs, in order, and the columns that they are logged in. */
  readonly inputNames: ReadonlySet<string>;
  readonly featureColumns: readonly SegmentColumn[];
  /** Rows of a run that warm-up found best, and runs that may go on at the same time. */
  readonly maxRows: number;
  readonly concurrency: number;
  /** How long rows wait for a run of it before they are refused. */
  readonly longestWaitMs: number;
  /** Where it computes, for an ONNX graph. */
  readonly placement: Placement | null;
  readonly #runtime: ModelRuntime;
  #users = 0;
  readonly #closed = Promise.withResolvers<void>();
  #retired = false;

  private constructor(
    digest: Digest,
    manifest: PackageManifest,
    contract: FeatureContract | null,
    { model, placement }: { model: ModelRuntime; placement: Placement | null },
    maxRows: number,
  ) {
    this.digest = digest;
    this.manifest = manifest;
    this.check = new RowCheck(manifest.signature, contract, manifest.tensors !== undefined);
    this.inputNames = new Set(manifest.signature.inputs.map((f) => f.name));
    this.featureColumns = manifest.signature.inputs.map((f) => ({
      name: featureColumnPrefix + f.name,
      type: logTypeOf(f, manifest),
    }));
    this.#runtime = model;
    this.placement = placement;
    // Rows of such a model have no dimension in common: each request is a run of its own.
    this.maxRows = manifest.tensors === 'whole' ? 1 : maxRows;
    this.concurrency = model.concurrency ?? 1;
    this.longestWaitMs = model.longestWaitMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Takes a loaded model and warms it up with its sample rows where its placement did not, so that the first
   * caller does not pay for it. Throws what the model throws for its samples.
   */
  static async warm(
    digest: Digest,
    manifest: PackageManifest,
    contract: FeatureContract | null,
    loaded: { readonly model: ModelRuntime; readonly placement: Placement | null },
  ): Promise<LoadedPackage> {
    const names = manifest.signature.inputs.map((f) => f.name);
    const sample = manifest.sample.map((row) => names.map((name) => row[name]));
    const measured = loaded.placement?.maxRows;
    const isMeasured = sample.length > 0 && manifest.tensors !== 'whole';
    const maxRows = measured ?? (isMeasured ? await measureBatch(loaded.model, sample) : largestBatch);
    return new LoadedPackage(digest, manifest, contract, loaded, maxRows);
  }

  /** Computes the rows of several requests in one run, at once where the model computes on this thread. */
  run(blocks: readonly RowBlock[], call: ModelCall): Prediction | Promise<Prediction> {
    const runtime = this.#runtime;
    if (runtime instanceof OnnxModel) return runtime.predictBlocks(blocks);
    const rows = blocks.flatMap((block) => Array.from({ length: block.rowCount }, (_, i) => block.row(i)));
    return runtime.predictRows(rows, call);
  }

  /** Does it give answers in pieces? */
  get streams(): boolean {
    return this.#runtime.predictStream !== undefined;
  }

  /** Gives the answer to one row in pieces; it must have some. */
  stream(row: readonly unknown[], call: ModelCall, signal: AbortSignal): AsyncIterable<ScoredPiece> {
    const pieces = this.#runtime.predictStream?.(row, call, signal);
    if (!pieces) throw new Error(`${this.manifest.model} does not stream`);
    return pieces;
  }

  /** Why it cannot answer at present, for what another process computes; null when it can. */
  get problem(): string | null {
    return this.#runtime.problem?.() ?? null;
  }

  /** A user keeps the model open until the matching `release`. */
  acquire(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
    this.#closeIfUnused();
  }

  /** No new users will come: the model is closed as soon as the present ones are done. Resolves when it is. */
  retire(): Promise<void> {
    this.#retired = true;
    this.#closeIfUnused();
    return this.#closed.promise;
  }

  #closeIfUnused(): void {
    if (this.#retired && this.#users === 0) this.#closed.resolve(this.#runtime.close());
  }
}

/**
 * The largest batch whose time per row is at most a quarter above the best one seen. A larger one is not tried where the
 * one before took long, or the model fails on it: what it needs for many rows keeps no model from being served.
 */
async function measureBatch(model: ModelRuntime, sample: Cells): Promise<number> {
  if (model.predictStream) return streamingBatch;
  const perRow: { size: number; ms: number }[] = [];
  for (const size of batchSizes) {
    const rows = Array.from({ length: size }, (_, i) => sample[i % sample.length] ?? []);
    const ms = await bestMs(model, rows).catch((error: unknown) => {
      if (perRow.length === 0) throw error;
      return null;
    });
    if (ms === null) break;
    perRow.push({ size, ms: ms / size });
    if (ms > longRunMs) break;
  }
  const best = Math.min(...perRow.map((p) => p.ms));
  return perRow.findLast((p) => p.ms <= best * 1.25)?.size ?? largestBatch;
}

/** The best time of three runs, of one where that takes long; the first run of all is not counted. */
async function bestMs(model: ModelRuntime, rows: Cells): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  if (rows.length === 1) await model.predictRows(rows);
  for (let repeat = 0; repeat < 3 && (repeat === 0 || best <= longRunMs); repeat++) {
    const start = performance.now();
    await model.predictRows(rows);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
