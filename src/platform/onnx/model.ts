import { Tensor } from 'onnxruntime-node';
import { fail } from '../../core/errors.ts';
import { asHalves } from '../../core/half-floats.ts';
import type { GraphTensor, PackageManifest } from '../../core/model-package.ts';
import { defaultFlag } from './default-inputs.ts';
import { fillFlat } from './flat-tensor.ts';
import { fillFreeTensor } from './free-tensors.ts';
import type { RowBlock } from './row-block.ts';
import { type GraphOutputs, type GraphSession, openSession } from './session.ts';
import { isList, reshapedDimensions } from './shaped-cells.ts';
import {
  type CellSource,
  type ColumnValues,
  emptyTensor,
  fillTensor,
  type InputColumn,
  type OutputTensor,
  readOutput,
} from './tensors.ts';

/** Outputs of one run; `score` is one value per row when the package names a score. */
export interface Prediction {
  readonly rowCount: number;
  readonly outputs: readonly OutputTensor[];
  readonly score: Float64Array | null;
  /** The rows are one, and no dimension of the outputs counts them. */
  readonly whole?: true;
  /** Where the time of the run went, in milliseconds: making tensors, computing, reading outputs; left out: computing. */
  readonly timesMs?: { readonly input: number; readonly infer: number; readonly output: number };
}

/** What of the manifest the runtime needs. */
export type OnnxPackage = Pick<PackageManifest, 'signature' | 'graph' | 'score'> & {
  readonly tensors?: PackageManifest['tensors'];
};

interface BoundInput {
  readonly input: PackageManifest['graph']['inputs'][number];
  readonly columns: readonly ReturnType<typeof columnOf>[];
  /** Takes its dimensions from the cells. */
  readonly free: boolean;
}

/** A loaded ONNX model: rows in, outputs out, by a session on this thread or on another. */
export class OnnxModel {
  readonly #session: GraphSession;
  readonly #package: OnnxPackage;
  readonly #bound: readonly BoundInput[];
  readonly #positions: ReadonlyMap<string, number>;
  /** Graphs with a batch dimension fixed at 1 are run row by row. */
  readonly #singleRow: boolean;
  /** Inputs that callers know as FP16 or BF16. */
  readonly #halves: readonly GraphTensor[];
  /** The only input of the graph, when it takes all columns of the signature side by side, as numbers. */
  readonly #flatInput: PackageManifest['graph']['inputs'][number] | null;

  constructor(session: GraphSession, pkg: OnnxPackage) {
    this.#session = session;
    this.#package = pkg;
    this.#positions = new Map(pkg.signature.inputs.map((field, i) => [field.name, i]));
    this.#singleRow = pkg.tensors !== 'whole' && pkg.graph.inputs.some((i) => i.shape[0] === 1);
    this.#bound = pkg.graph.inputs.map((input) => ({
      input,
      columns: input.columns.map((name) => columnOf(pkg, name)),
      free: pkg.tensors === 'whole' || (pkg.tensors === 'rows' && input.shape.slice(1).some((d) => d < 0)),
    }));
    this.#halves = pkg.graph.inputs.filter(({ datatype }) => datatype !== undefined);
    this.#flatInput = flatInput(pkg);
  }

  /** Loads a graph that importOnnx gave, on this thread. Throws `onnx_invalid` when the runtime refuses it. */
  static async load(onnx: Uint8Array, pkg: OnnxPackage): Promise<OnnxModel> {
    return new OnnxModel(openSession(onnx), pkg);
  }

  /**
   * Predicts from columns by name (evaluation, batch). Every column of the signature must be there and hold
   * `rowCount` values.
   */
  async predict(columns: Readonly<Record<string, ColumnValues>>, rowCount: number): Promise<Prediction> {
    return this.#run({
      rowCount,
      column: (name) => {
        const values = columns[name];
        if (!values) throw fail('input_missing', { input: name, expected: 'a column', extra: '' });
        return (row) => values[row];
      },
    });
  }

  /** Predicts from rows whose cells are in the order of the signature's inputs (requests). */
  async predictRows(rows: readonly (readonly unknown[])[]): Promise<Prediction> {
    return this.#run(this.#cellsOf(rows));
  }

  /**
   * Predicts from the rows of several requests, at once where the graph computes on this thread. Numbers that lie as
   * the graph takes them are not looked at singly.
   */
  predictBlocks(blocks: readonly RowBlock[]): Prediction | Promise<Prediction> {
    const rowCount = blocks.reduce((sum, block) => sum + block.rowCount, 0);
    const input = this.#flatInput;
    if (input && (!this.#singleRow || rowCount === 1) && blocks.every((b) => b.flat !== null)) {
      const startedMs = performance.now();
      const { type, data } = fillFlat(input, blocks, rowCount, !this.#session.movesFeeds);
      const dims = [rowCount, input.columns.length];
      return this.#compute({ [input.name]: new Tensor(type as 'float32', data, dims) }, rowCount, startedMs);
    }
    return this.#run(
      this.#cellsOf(
        blocks.flatMap((block) => Array.from({ length: block.rowCount }, (_, i) => block.row(i))),
      ),
    );
  }

  #cellsOf(rows: readonly (readonly unknown[])[]): CellSource {
    return {
      rowCount: rows.length,
      column: (name) => {
        const position = this.#positions.get(name) ?? 0;
        return (row) => rows[row]?.[position];
      },
    };
  }

  /** Frees the native memory; no prediction may be running or come later. */
  async close(): Promise<void> {
    await this.#session.close();
  }

  #run(cells: CellSource): Prediction | Promise<Prediction> {
    return !this.#singleRow || cells.rowCount === 1 ? this.#runOnce(cells) : this.#runEach(cells);
  }

  async #runEach(cells: CellSource): Promise<Prediction> {
    const parts: Prediction[] = [];
    for (let row = 0; row < cells.rowCount; row++) {
      parts.push(await this.#runOnce({ rowCount: 1, column: (name) => () => cells.column(name)(row) }));
    }
    return concatenate(parts);
  }

  #runOnce(cells: CellSource): Prediction | Promise<Prediction> {
    const startedMs = performance.now();
    const feeds: Record<string, Tensor> = {};
    const whole = this.#package.tensors === 'whole';
    for (const { input, columns, free } of this.#bound) {
      if (input.hasDefault) {
        const leftOut = (cells.column(input.name)(0) ?? null) === null;
        feeds[defaultFlag(input.name)] = new Tensor('bool', [leftOut], []);
        if (leftOut) {
          feeds[input.name] = emptyTensor(input.type);
          continue;
        }
      }
      feeds[input.name] = free
        ? fillFreeTensor(input, whole, cells)
        : fillTensor(
            input,
            columns.map((column) => measured(column, cells)),
            cells,
          );
    }
    return this.#compute(feeds, cells.rowCount, startedMs);
  }

  #compute(
    feeds: Readonly<Record<string, Tensor>>,
    rowCount: number,
    startedMs: number,
  ): Prediction | Promise<Prediction> {
    const filledMs = performance.now();
    const result = this.#session.run(this.#halves.length > 0 ? this.#rounded(feeds) : feeds);
    return result instanceof Promise
      ? result.then((outputs) => this.#read(outputs, rowCount, startedMs, filledMs))
      : this.#read(result, rowCount, startedMs, filledMs);
  }

  /** The runtime leaves casts out that only cost precision: what a half float cannot hold would reach the graph. */
  #rounded(feeds: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    const rounded = { ...feeds };
    for (const { name, datatype } of this.#halves) {
      const tensor = feeds[name];
      if (!tensor || !datatype) continue;
      rounded[name] = new Tensor('float32', asHalves(datatype, tensor.data as Float32Array), tensor.dims);
    }
    return rounded;
  }

  #read(result: GraphOutputs, rowCount: number, startedMs: number, filledMs: number): Prediction {
    const computedMs = performance.now();
    const outputs = this.#package.graph.outputs.map((told) => {
      const tensor = result[told.name];
      if (!tensor) throw new Error(`the graph gave no output "${told.name}"`);
      const output = readOutput(told, tensor, rowCount);
      return this.#package.tensors ? reshaped(output, this.#package, rowCount) : output;
    });
    const score = this.#score(outputs, rowCount);
    const timesMs = {
      input: filledMs - startedMs,
      infer: computedMs - filledMs,
      output: performance.now() - computedMs,
    };
    const whole = this.#package.tensors === 'whole';
    return { rowCount, outputs, score, timesMs, ...(whole ? { whole } : {}) };
  }

  #score(outputs: readonly OutputTensor[], rowCount: number): Float64Array | null {
    const place = this.#package.score;
    const output = place && outputs.find((o) => o.name === place.output);
    if (!place || !output) return null;
    const score = new Float64Array(rowCount);
    for (let row = 0; row < rowCount; row++)
      score[row] = Number(output.data[row * output.width + place.index]);
    return score;
  }
}

/**
 * An output with the dimensions that callers get, of a model that is served by its tensors. Throws when the graph gave
 * another number of rows than it was asked for.
 */
function reshaped(
  output: OutputTensor,
  { signature, graph, tensors }: OnnxPackage,
  rowCount: number,
): OutputTensor {
  const { name, shape } = output;
  const rows = tensors === 'rows';
  if (rows && shape[0] !== rowCount) {
    throw new Error(
      `output "${name}" has ${shape[0] ?? 1} rows for ${rowCount}: its first dimension counts none`,
    );
  }
  const field = signature.outputs.find((f) => f.name === name)?.shape ?? [];
  const told = graph.outputs.find((o) => o.name === name);
  if (told?.unranked) return output;
  const inside = told?.shape ?? [];
  const [own, pattern] = rows ? [shape.slice(1), inside.slice(1)] : [shape, inside];
  const dims =
    field.length > 0 && own.length === pattern.length ? reshapedDimensions(own, pattern, field) : field;
  const asked = rows ? [rowCount, ...dims] : dims;
  const fits = asked.every((d) => d >= 0) && asked.reduce((size, d) => size * d, 1) === output.data.length;
  return fits ? { ...output, shape: asked } : output;
}

function flatInput(pkg: OnnxPackage): PackageManifest['graph']['inputs'][number] | null {
  const { inputs } = pkg.signature;
  const [input] = pkg.graph.inputs;
  const same =
    pkg.tensors === undefined &&
    pkg.graph.inputs.length === 1 &&
    input !== undefined &&
    input.shape.length === 2 &&
    input.type !== 'string' &&
    input.columns.length === inputs.length &&
    inputs.every((field, i) => field.shape.length === 0 && field.name === input.columns[i]);
  return same && input ? input : null;
}

/** Values per row of a signature column: 1 for a scalar; null where a dimension is free. */
function columnOf(pkg: OnnxPackage, name: string): { readonly name: string; readonly width: number | null } {
  const shape = pkg.signature.inputs.find((f) => f.name === name)?.shape ?? [];
  return { name, width: shape.some((d) => d < 0) ? null : shape.reduce((product, d) => product * d, 1) };
}

/** A free column is as wide as its first cell; the others must be as wide. */
function measured({ name, width }: ReturnType<typeof columnOf>, cells: CellSource): InputColumn {
  const first = width === null ? cells.column(name)(0) : null;
  return { name, width: width ?? (isList(first) ? first.length : 1) };
}

function concatenate(parts: readonly Prediction[]): Prediction {
  const [first] = parts;
  if (!first) return { rowCount: 0, outputs: [], score: null };
  const outputs = first.outputs.map((output, i) => ({
    ...output,
    shape: [parts.length, ...output.shape.slice(1)],
    data: parts.flatMap((p) => Array.from(p.outputs[i]?.data ?? [])),
  }));
  const score = first.score && Float64Array.from(parts, (p) => p.score?.[0] ?? Number.NaN);
  return { rowCount: parts.length, outputs, score };
}
