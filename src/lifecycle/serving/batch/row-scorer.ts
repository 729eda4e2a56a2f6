import { MillraceError } from '../../../core/errors.ts';
import type { PackageManifest } from '../../../core/model-package.ts';
import {
  type ColumnValues,
  OnnxModel,
  type OutputTensor,
  type Prediction,
  runtimeMessage,
  valueJson,
  valuesJson,
} from '../../../platform/onnx/index.ts';
import { badScore, sampleRows } from '../../../platform/runtimes/index.ts';
import type { FeatureContract } from '../plane/row-check.ts';
import { RowCheck } from '../plane/row-check.ts';
import type { ModelRuntime } from '../plane/runtime.ts';
import type { Cells } from './input-columns.ts';
import { PlainRows } from './plain-rows.ts';

/** What became of the rows of a chunk, in their order. */
export interface ScoredRows {
  /** Null for a row that failed. */
  readonly predictions: unknown[];
  /** NaN for a row that failed and for models without a score. */
  readonly scores: Float64Array;
  /** Error code and message; '' for a row that was predicted. */
  readonly codes: string[];
  readonly errors: string[];
  /** JSON texts for the prediction log, '' for none; both empty unless they were asked for. */
  readonly flags: string[];
  readonly outputs: string[];
  /** JSON text of all outputs by name, '' for none; empty unless they were asked for. */
  readonly allOutputs: string[];
}

const awayStatuses: ReadonlySet<number> = new Set([502, 503, 504]);

/** Sizes of which the fastest per row is taken: trees like small ones, dense models large ones. */
const batchSizes = [64, 256, 2048] as const;

/** The output that is the prediction: the primary one, else the first that is not the score's, else the score's. */
export function predictionOutput({
  graph,
  score,
  primary,
}: PackageManifest): PackageManifest['graph']['outputs'][number] {
  const [first] = graph.outputs;
  const named = graph.outputs.find((output) => output.name === primary);
  const chosen = named ?? graph.outputs.find((output) => output.name !== score?.output) ?? first;
  if (!chosen) throw new Error('the graph has no outputs');
  return chosen;
}

/** Whether an output has one value a row. */
function isScalar({ shape }: { readonly shape: readonly number[] }): boolean {
  return shape.slice(1).every((d) => d === 1);
}

/** Whether a model gives more than its prediction and its score tell: three probabilities, or a second table column. */
export function givesMore(manifest: PackageManifest): boolean {
  const prediction = predictionOutput(manifest);
  const { graph, score } = manifest;
  return graph.outputs.some(({ name, shape }) => {
    const width = shape.slice(1).reduce((product, d) => product * d, 1);
    // Of two probabilities one tells the other.
    const isTold = name === score?.output && width >= 1 && width <= 2;
    return name !== prediction.name && !isTold;
  });
}

/**
 * Whether a model gives one value a row as its prediction: by what it answers to the package's own sample, as graphs
 * may tell other sizes than they give; as it is told where there is no sample.
 */
export async function givesScalar(manifest: PackageManifest, runtime: ModelRuntime): Promise<boolean> {
  const told = predictionOutput(manifest);
  const sample = sampleRows(manifest);
  if (!isScalar(told) || sample.length === 0) return isScalar(told);
  const { outputs } = await runtime.predictRows(sample);
  return outputs.find((output) => output.name === told.name)?.width === 1;
}

/**
 * Checks and predicts rows by column. A row that the check refuses, or that the model fails on, gets its own error and
 * spoils no other. Nothing but missing memory makes it throw.
 */
export class RowScorer {
  readonly #manifest: PackageManifest;
  readonly #runtime: ModelRuntime;
  readonly #check: RowCheck;
  readonly #plain: PlainRows;
  readonly #names: readonly string[];
  readonly #output: ReturnType<typeof predictionOutput>;
  readonly #scalar: boolean;
  readonly #logged: boolean;
  readonly #more: boolean;
  /** Names of the outputs that have one value a row. */
  readonly #scalars: ReadonlySet<string>;
  readonly #endpoint: string;
  #batchRows: number | null = null;

  constructor(options: {
    readonly manifest: PackageManifest;
    readonly runtime: ModelRuntime;
    readonly contract: FeatureContract | null;
    /** See `givesScalar`. */
    readonly scalar: boolean;
    /** Whether flags and outputs are wanted for the prediction log. */
    readonly logged: boolean;
    /** Whether all outputs are wanted; see `givesMore`. */
    readonly more: boolean;
    /** Who asks, for messages. */
    readonly endpoint: string;
  }) {
    this.#manifest = options.manifest;
    this.#runtime = options.runtime;
    this.#check = new RowCheck(options.manifest.signature, options.contract);
    this.#plain = new PlainRows(options.manifest.signature.inputs, options.contract);
    this.#names = options.manifest.signature.inputs.map((field) => field.name);
    this.#output = predictionOutput(options.manifest);
    this.#scalar = options.scalar;
    this.#logged = options.logged;
    this.#more = options.more;
    this.#scalars = new Set(options.manifest.graph.outputs.filter(isScalar).map(({ name }) => name));
    this.#endpoint = options.endpoint;
  }

  /**
   * @param cells the inputs in the order of the signature; an empty one is missing in every row
   * @param problems what is wrong with a row before any of its cells is looked at; null: nothing
   */
  async score(
    cells: readonly Cells[],
    rowCount: number,
    problems: readonly unknown[] | null,
  ): Promise<ScoredRows> {
    const scored: ScoredRows = {
      predictions: new Array(rowCount).fill(null),
      scores: new Float64Array(rowCount).fill(Number.NaN),
      codes: new Array(rowCount).fill(''),
      errors: new Array(rowCount).fill(''),
      flags: this.#logged ? new Array(rowCount).fill('') : [],
      outputs: this.#logged ? new Array(rowCount).fill('') : [],
      allOutputs: this.#more ? new Array(rowCount).fill('') : [],
    };
    const good = this.#checkRows(cells, rowCount, problems, scored);
    this.#batchRows ??= await this.#measure(cells, good);
    for (let from = 0; from < good.length; from += this.#batchRows) {
      await this.#predict(cells, good.subarray(from, from + this.#batchRows), scored);
    }
    return scored;
  }

  /** The numbers of the rows that may be predicted. */
  #checkRows(
    cells: readonly Cells[],
    rowCount: number,
    problems: readonly unknown[] | null,
    scored: ScoredRows,
  ): Uint32Array {
    const good = new Uint32Array(rowCount);
    let count = 0;
    const row: unknown[] = new Array(cells.length);
    const suspects = this.#plain.suspects(cells, rowCount);
    for (let r = 0; r < rowCount; r++) {
      const problem = problems?.[r];
      if (typeof problem === 'string') {
        refuse(scored, r, 'request_malformed', problem);
        continue;
      }
      if (suspects?.[r] === 0) {
        good[count++] = r;
        continue;
      }
      for (let c = 0; c < cells.length; c++) row[c] = (cells[c] as Cells)[r];
      try {
        const flags = this.#check.check(row, null, this.#endpoint);
        if (flags && this.#logged) scored.flags[r] = JSON.stringify(flags);
        good[count++] = r;
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error;
        refuse(scored, r, error.code, error.message.replace(/ is NaN;/, ' is missing;'));
      }
    }
    return good.subarray(0, count);
  }

  async #predict(cells: readonly Cells[], rows: Uint32Array, scored: ScoredRows): Promise<void> {
    try {
      this.#place(await this.#run(cells, rows), rows, scored);
    } catch (error) {
      // Who computes is away: that is no fault of the rows, and the step is tried again.
      if (error instanceof MillraceError && error.code !== 'python_timeout' && awayStatuses.has(error.status))
        throw error;
      if (rows.length > 1) {
        // One of them is to blame: halves are tried until it stands alone.
        const middle = rows.length >> 1;
        await this.#predict(cells, rows.subarray(0, middle), scored);
        await this.#predict(cells, rows.subarray(middle), scored);
        return;
      }
      const [row = 0] = rows;
      if (error instanceof MillraceError) refuse(scored, row, error.code, error.message);
      else refuse(scored, row, 'inference_failed', runtimeMessage(error));
    }
  }

  #run(cells: readonly Cells[], rows: Uint32Array): Promise<Prediction> {
    const first = rows[0] ?? 0;
    const together = (rows.at(-1) ?? 0) - first === rows.length - 1;
    const part = (column: Cells): ColumnValues => {
      if (column.length === 0) return new Array(rows.length);
      if (!together) return Array.from(rows, (row) => column[row]);
      return ArrayBuffer.isView(column)
        ? column.subarray(first, first + rows.length)
        : column.slice(first, first + rows.length);
    };
    if (this.#runtime instanceof OnnxModel) {
      const columns = Object.fromEntries(this.#names.map((name, i) => [name, part(cells[i] ?? [])]));
      return this.#runtime.predict(columns, rows.length);
    }
    return this.#runtime.predictRows(Array.from(rows, (row) => cells.map((column) => column[row])));
  }

  #place(prediction: Prediction, rows: Uint32Array, scored: ScoredRows): void {
    const output = prediction.outputs.find((o) => o.name === this.#output.name);
    if (!output) throw new Error(`the model gave no output "${this.#output.name}"`);
    const { data, width, type } = output;
    if (this.#scalar && width !== 1)
      throw new Error(`output "${output.name}" has ${width} values a row, where the model tells of one`);
    const integer = type === 'int64' || type === 'uint64';
    const { score } = prediction;
    const names = prediction.outputs.map((o) => JSON.stringify(o.name));
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      const value = score?.[i];
      if (value !== undefined && !Number.isFinite(value)) {
        refuse(
          scored,
          row,
          'output_not_finite',
          `the model gave ${badScore(this.#manifest, prediction, i)} as ${this.#manifest.score?.output}`,
        );
        continue;
      }
      if (value !== undefined) scored.scores[row] = value;
      if (!this.#scalar) scored.predictions[row] = cellJson(output, i, output.shape.slice(1));
      else scored.predictions[row] = integer ? BigInt(data[i] as number | bigint) : data[i];
      if (this.#logged) scored.outputs[row] = outputsText(prediction, names, i);
      if (this.#more) scored.allOutputs[row] = this.#allOutputs(prediction, names, i);
    }
  }

  /** One row's outputs as the file has them: JSON text {name: value}, lists in their dimensions. */
  #allOutputs({ outputs }: Prediction, names: readonly string[], row: number): string {
    const cells = outputs.map((output, i) => {
      const isOne = output.width === 1 && this.#scalars.has(output.name);
      return `${names[i]}:${cellJson(output, row, isOne ? [] : output.shape.slice(1))}`;
    });
    return `{${cells.join(',')}}`;
  }

  async #measure(cells: readonly Cells[], rows: Uint32Array): Promise<number> {
    let best: { readonly size: number; readonly perRowMs: number } | null = null;
    // Elsewhere a row may cost, and is logged: it is asked for no more often than it takes to know what works.
    const repeats = this.#runtime instanceof OnnxModel ? 3 : 1;
    for (const size of batchSizes) {
      const some = rows.subarray(0, size);
      if (some.length === 0) break;
      let ms = Number.POSITIVE_INFINITY;
      for (let repeat = 0; repeat < repeats; repeat++) {
        const startMs = performance.now();
        try {
          await this.#run(cells, some);
        } catch {
          return batchSizes[0];
        }
        ms = Math.min(ms, performance.now() - startMs);
      }
      if (!best || ms / some.length < best.perRowMs) best = { size, perRowMs: ms / some.length };
    }
    return best?.size ?? batchSizes[0];
  }
}

function refuse(scored: ScoredRows, row: number, code: string, message: string): void {
  scored.codes[row] = code;
  scored.errors[row] = message;
  scored.predictions[row] = null;
  scored.scores[row] = Number.NaN;
}

/**
 * One row's outputs as the prediction log has them: JSON text {name: value}.
 *
 * @param names of the outputs, as JSON
 */
function outputsText({ outputs }: Prediction, names: readonly string[], row: number): string {
  let text = '{';
  for (const [i, { data, type, width }] of outputs.entries()) {
    const values = valuesJson(data, type, row * width, (row + 1) * width);
    text += `${i === 0 ? '' : ','}${names[i]}:${width === 1 ? values : `[${values}]`}`;
  }
  return `${text}}`;
}

/**
 * What an output has for a row as JSON: lists in these dimensions, and what the model gave nested as itself.
 *
 * @param dims of a row, whose product is the output's width; none: its only value
 */
function cellJson({ data, type, width, json }: OutputTensor, row: number, dims: readonly number[]): string {
  const listAt = (depth: number, from: number, size: number): string => {
    const length = dims[depth];
    if (length === undefined) return json ? String(data[from]) : valueJson(data[from], type);
    const part = size / length;
    return `[${Array.from({ length }, (_, i) => listAt(depth + 1, from + i * part, part)).join(',')}]`;
  };
  return listAt(0, row * width, width);
}
