import type { PackageManifest } from '../../../core/model-package.ts';
import type { RuntimeHosts } from '../../../platform/runtimes/index.ts';
import type { SegmentColumn } from '../../../platform/segments/index.ts';
import { featureColumnPrefix } from '../contract.ts';
import { Batcher, type BatchPart } from './batcher.ts';
import { type FeatureContract, RowCheck } from './row-check.ts';
import { loadRuntime, type ModelRuntime } from './runtime.ts';

/** Largest batch by default; a model whose big batches cost more per row gets a smaller one at warm-up. */
const largestBatch = 128;
const batchSizes = [8, 32, largestBatch] as const;
/** Rows that may wait for one model before callers are told to come back. */
const maxWaitingRows = 8192;

type Cells = readonly (readonly unknown[])[];

/** A model package, loaded and warm: checks rows, predicts in batches, and is closed when nobody uses it. */
export class ServedModel {
  readonly digest: string;
  readonly manifest: PackageManifest;
  readonly check: RowCheck;
  /** Names of the signature's inputs, in order, and the columns that they are logged in. */
  readonly inputNames: ReadonlySet<string>;
  readonly featureColumns: readonly SegmentColumn[];
  readonly #model: ModelRuntime;
  readonly #batcher: Batcher;
  #users = 0;
  #retired = false;

  private constructor(
    digest: string,
    manifest: PackageManifest,
    contract: FeatureContract | null,
    model: ModelRuntime,
    maxRows: number,
  ) {
    this.digest = digest;
    this.manifest = manifest;
    this.check = new RowCheck(manifest.signature, contract, manifest.tensors !== undefined);
    this.inputNames = new Set(manifest.signature.inputs.map((f) => f.name));
    this.featureColumns = manifest.signature.inputs.map((f) => ({
      name: featureColumnPrefix + f.name,
      type: f.shape.length > 0 ? 'VARCHAR' : logTypes[f.type],
    }));
    this.#model = model;
    const name = { model: manifest.model, version: digest.slice(0, 15) };
    this.#batcher = new Batcher((rows) => model.predictRows(rows), name, { maxRows, maxWaitingRows });
  }

  /**
   * Loads a package and warms it up with its sample rows, so that the first caller does not pay for it.
   * Throws `onnx_invalid` when the runtime refuses the graph, `inference_failed` when the samples fail.
   */
  static async load(
    digest: string,
    manifest: PackageManifest,
    bytesOf: (digest: string) => Promise<Uint8Array>,
    contract: FeatureContract | null,
    hosts: RuntimeHosts,
  ): Promise<ServedModel> {
    const model = await loadRuntime(manifest, bytesOf, hosts, digest.slice(0, 15));
    const names = manifest.signature.inputs.map((f) => f.name);
    const sample = manifest.sample.map((row) => names.map((name) => row[name]));
    const maxRows = sample.length > 0 ? await measureBatch(model, sample) : largestBatch;
    return new ServedModel(digest, manifest, contract, model, maxRows);
  }

  get idle(): boolean {
    return this.#batcher.idle;
  }

  predict(rows: Cells, endpoint: string): Promise<BatchPart> {
    return this.#batcher.predict(rows, endpoint);
  }

  /** A user keeps the model open until the matching `release`. */
  acquire(): this {
    this.#users++;
    return this;
  }

  release(): void {
    this.#users--;
    this.#closeIfUnused();
  }

  /** No new users will come: the model is closed as soon as the present ones are done. */
  retire(): void {
    this.#retired = true;
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (this.#retired && this.#users === 0) void this.#model.close();
  }
}

const logTypes = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  long: 'BIGINT',
  float: 'DOUBLE',
  double: 'DOUBLE',
  string: 'VARCHAR',
  datetime: 'VARCHAR',
  binary: 'VARCHAR',
} as const;

/** The largest batch whose time per row is at most a quarter above the best one seen. */
async function measureBatch(model: ModelRuntime, sample: Cells): Promise<number> {
  await model.predictRows(sample);
  const perRow: { size: number; ms: number }[] = [];
  for (const size of batchSizes) {
    const rows = Array.from({ length: size }, (_, i) => sample[i % sample.length] ?? []);
    let bestMs = Number.POSITIVE_INFINITY;
    for (let repeat = 0; repeat < 3; repeat++) {
      const start = performance.now();
      await model.predictRows(rows);
      bestMs = Math.min(bestMs, performance.now() - start);
    }
    perRow.push({ size, ms: bestMs / size });
  }
  const best = Math.min(...perRow.map((p) => p.ms));
  return perRow.findLast((p) => p.ms <= best * 1.25)?.size ?? largestBatch;
}
