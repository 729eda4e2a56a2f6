import { fail } from '../../core/errors.ts';
import { type Digest, digestOf } from '../../core/json.ts';
import { type PackageManifest, packageManifestSchema } from '../../core/model-package.ts';
import { OnnxModel } from '../../platform/onnx/index.ts';
import type { StepBlobs } from '../../platform/registries/index.ts';
import { type LoadedModel, openModel, type RuntimeHosts } from '../../platform/runtimes/index.ts';
import type { HoldoutRows } from './load-holdout.ts';

/** Rows scored in one run. */
const BATCH_ROWS = 256;

/** A model package opened for scoring: the same graph, types and score that are served. */
export class PackagedModel {
  readonly digest: Digest;
  readonly manifest: PackageManifest;
  readonly #model: LoadedModel;

  private constructor(digest: Digest, manifest: PackageManifest, model: LoadedModel) {
    this.digest = digest;
    this.manifest = manifest;
    this.#model = model;
  }

  /**
   * Opens a package by the digest of its manifest. Throws `blob_missing`, `onnx_invalid`, `evaluation_no_score`,
   * and `evaluation_class_mismatch` where the score is the probability of another class than the positive one.
   */
  static async open(
    blobs: StepBlobs,
    digest: Digest,
    positiveClass: string,
    hosts: RuntimeHosts = { python: null },
  ): Promise<PackagedModel> {
    const bytes = await blobs.bytes(digest);
    const manifest = packageManifestSchema.parse(JSON.parse(bytes.toString('utf8')));
    const name = `${manifest.model} (${digestOf(bytes).slice(0, 19)})`;
    const { score, classes } = manifest;
    if (score === null) {
      const outputs = manifest.graph.outputs.map((output) => output.name).join(', ');
      throw fail('evaluation_no_score', { model: name, outputs });
    }
    const scored = classes?.[score.index];
    const knowsPositive = classes?.some((value) => sameClass(value, positiveClass)) ?? false;
    if (knowsPositive && scored !== undefined && !sameClass(scored, positiveClass)) {
      throw fail('evaluation_class_mismatch', { model: name, scored, positiveClass });
    }
    const bytesOf = (blob: Digest) => blobs.bytes(blob);
    const loadOnnx = async (graph: PackageManifest, onnx: Digest) =>
      OnnxModel.load(await bytesOf(onnx), graph);
    const version = digest.slice(0, 'sha256:'.length + 12);
    const model = await openModel(manifest, { hosts, version, bytesOf, loadOnnx });
    return new PackagedModel(digest, manifest, model);
  }

  get inputs(): readonly string[] {
    return this.manifest.signature.inputs.map((input) => input.name);
  }

  /**
   * Scores of rows in their order. A column that the signature does not require may be absent: it is missing then.
   * Throws `evaluation_column_missing` for one that is required, `input_invalid` for a value of the wrong type.
   */
  async score({ columns, labels }: HoldoutRows, signal: AbortSignal): Promise<Float64Array> {
    for (const { name, required } of this.manifest.signature.inputs) {
      if (name in columns || !required) continue;
      const known = Object.keys(columns).join(', ') || 'none of its inputs';
      throw fail('evaluation_column_missing', { column: name, role: 'an input of the model', known });
    }
    const scores = new Float64Array(labels.length);
    for (let from = 0; from < labels.length; from += BATCH_ROWS) {
      signal.throwIfAborted();
      const rows = Math.min(BATCH_ROWS, labels.length - from);
      const cells = this.inputs.map((name) => columns[name]);
      const batch = Array.from({ length: rows }, (_, row) => cells.map((column) => column?.[from + row]));
      const { score } = await this.#model.predictRows(batch);
      scores.set(score ?? new Float64Array(rows).fill(Number.NaN), from);
    }
    return scores;
  }

  /** Scores one row alone, as a request would. */
  async scoreRow(columns: HoldoutRows['columns'], row: number): Promise<void> {
    await this.#model.predictRows([this.inputs.map((name) => columns[name]?.[row] ?? null)]);
  }

  async close(): Promise<void> {
    await this.#model.close();
  }
}

/** `1`, `1.0` and `true` are one class, as are `0`, `0.0` and `false`. */
function sameClass(a: string | number, b: string): boolean {
  const number = (value: string | number) =>
    value === 'true' || value === 'True' ? 1 : value === 'false' || value === 'False' ? 0 : Number(value);
  return String(a) === b || number(a) === number(b);
}
