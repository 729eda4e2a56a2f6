import { InferenceSession } from 'onnxruntime-node';
import { fail } from '../../core/errors.ts';
import type { ElementType, PackageManifest } from '../../core/model-package.ts';
import { fillFreeTensor } from './free-tensors.ts';
import {
  type CellSource,
  type ColumnValues,
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
}

/** What of the manifest the runtime needs. */
export type OnnxPackage = Pick<PackageManifest, 'signature' | 'graph' | 'score'> & {
  readonly tensors?: PackageManifest['tensors'];
};

interface BoundInput {
  readonly input: PackageManifest['graph']['inputs'][number];
  readonly columns: readonly InputColumn[];
  /** Takes its dimensions from the cells. */
  readonly free: boolean;
}

/**
 * A loaded ONNX model. It computes on the calling thread (onnxruntime-node's run is synchronous), with one
 * thread and without spinning: for models of a few microseconds more threads cost twice the CPU for nothing.
 */
export class OnnxModel {
  readonly #session: InferenceSession;
  readonly #package: OnnxPackage;
  readonly #bound: readonly BoundInput[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #types: ReadonlyMap<string, ElementType>;
  /** Graphs with a batch dimension fixed at 1 are run row by row. */
  readonly #singleRow: boolean;

  private constructor(session: InferenceSession, pkg: OnnxPackage) {
    this.#session = session;
    this.#package = pkg;
    this.#positions = new Map(pkg.signature.inputs.map((field, i) => [field.name, i]));
    this.#types = new Map(pkg.graph.outputs.map((o) => [o.name, o.type]));
    this.#singleRow = pkg.tensors !== 'whole' && pkg.graph.inputs.some((i) => i.shape[0] === 1);
    this.#bound = pkg.graph.inputs.map((input) => ({
      input,
      columns: input.columns.map((name) => ({ name, width: columnWidth(pkg, name) })),
      free: pkg.tensors === 'whole' || (pkg.tensors === 'rows' && input.shape.slice(1).some((d) => d < 0)),
    }));
  }

  /** Loads a graph that importOnnx gave. Throws `onnx_invalid` when the runtime refuses it. */
  static async load(onnx: Uint8Array, pkg: OnnxPackage): Promise<OnnxModel> {
    try {
      const session = await InferenceSession.create(onnx, {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
        extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
      });
      return new OnnxModel(session, pkg);
    } catch (cause) {
      throw fail('onnx_invalid', { problem: runtimeMessage(cause) }, cause);
    }
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
    return this.#run({
      rowCount: rows.length,
      column: (name) => {
        const position = this.#positions.get(name) ?? 0;
        return (row) => rows[row]?.[position];
      },
    });
  }

  /** Frees the native memory; no prediction may be running or come later. */
  async close(): Promise<void> {
    await this.#session.release();
  }

  async #run(cells: CellSource): Promise<Prediction> {
    if (!this.#singleRow || cells.rowCount === 1) return this.#runOnce(cells);
    const parts: Prediction[] = [];
    for (let row = 0; row < cells.rowCount; row++) {
      parts.push(await this.#runOnce({ rowCount: 1, column: (name) => () => cells.column(name)(row) }));
    }
    return concatenate(parts);
  }

  async #runOnce(cells: CellSource): Promise<Prediction> {
    const feeds: Record<string, ReturnType<typeof fillTensor>> = {};
    const whole = this.#package.tensors === 'whole';
    for (const { input, columns, free } of this.#bound) {
      feeds[input.name] = free ? fillFreeTensor(input, whole, cells) : fillTensor(input, columns, cells);
    }
    const result = await this.#session.run(feeds);
    const outputs = this.#package.graph.outputs.map(({ name, type }) => {
      const tensor = result[name];
      if (!tensor) throw new Error(`the graph gave no output "${name}"`);
      return readOutput(name, this.#types.get(name) ?? type, tensor, cells.rowCount);
    });
    const score = this.#score(outputs, cells.rowCount);
    return { rowCount: cells.rowCount, outputs, score, ...(whole ? { whole } : {}) };
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

/** Values per row of a signature column: 1 for a scalar; a free dimension counts as 1. */
function columnWidth(pkg: OnnxPackage, name: string): number {
  const shape = pkg.signature.inputs.find((f) => f.name === name)?.shape ?? [];
  return shape.reduce((product, d) => product * Math.max(1, d), 1);
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

/** The runtime's message without its source location. */
export function runtimeMessage(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return (
    message
      .replace(/^.*?(?:\.cc|\.h):\d+ \S+ /s, '')
      .split('\n')[0]
      ?.slice(0, 300) ?? ''
  );
}
