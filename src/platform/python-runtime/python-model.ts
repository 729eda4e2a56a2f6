import { fail } from '../../core/errors.ts';
import type { SignatureField } from '../../core/model-package.ts';
import type { OutputTensor } from '../onnx/index.ts';
import { OtherRows } from '../runtimes/other-rows.ts';
import type { TraceHeaders } from '../tracing/index.ts';
import { decodeOutputs, encodeColumns } from './columns.ts';
import { groupsOf, reordered } from './row-groups.ts';
import { PieceJoiner, type StreamPiece } from './stream-pieces.ts';
import type { WorkerPool } from './worker-pool.ts';

type Rows = readonly (readonly unknown[])[];
type Params = Readonly<Record<string, unknown>>;

interface Parts {
  readonly pool: WorkerPool;
  readonly inputs: readonly SignatureField[];
  readonly described: Readonly<Record<string, unknown>>;
  readonly onClose: () => Promise<void>;
}

/** What beside the rows goes to a model. */
export interface PythonCall {
  /** What the model's `predict` gets as `params`. */
  readonly params?: Params | null;
  /** The trace that the model's own spans join. */
  readonly trace?: TraceHeaders | null;
  /** Requests that the rows are of, one unless told; see `RunOptions`. */
  readonly requests?: number;
  readonly apart?: boolean;
  readonly brief?: boolean;
  readonly waitMs?: number;
}

/** A logged model that its workers have loaded. */
export class PythonModel {
  readonly #parts: Parts;
  #unnamed: string | null = null;
  /** Its `predict` said that there is none; it answers in pieces alone. */
  #onlyStreams = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * What a worker is sent for rows whose cells are in the order of the inputs, all with the same columns. Throws
   * `input_invalid`.
   */
  static request(inputs: readonly SignatureField[], rows: Rows, { params, trace }: PythonCall = {}) {
    const without = omitted(inputs, rows[0] ?? []);
    const header = {
      op: 'predict',
      rows: rows.length,
      ...(without.length > 0 ? { without } : {}),
      ...(params ? { params } : {}),
      ...(trace ? { trace } : {}),
    };
    return { header, body: encodeColumns(inputs, rows, new Set(without)) };
  }

  /** Classes of a classifier with probabilities; null for every other model. */
  get classes(): readonly (string | number)[] | null {
    return (this.#parts.described.classes as (string | number)[] | null) ?? null;
  }

  /**
   * The output that is what the model's own `predict` gives, where that gives no names; models of code are known by
   * their first prediction.
   */
  get primary(): string | null {
    return (this.#parts.described.primary as string | null) ?? this.#unnamed;
  }

  /** Workers that are there. */
  get workers(): number {
    return this.#parts.pool.alive;
  }

  /** How long a worker takes to start, with the model loaded and warm. */
  get startMs(): number {
    return this.#parts.pool.startMs;
  }

  /** Does it give answers in pieces (`predict_stream`, or a `predict` that yields)? */
  get streams(): boolean {
    return this.#parts.described.streams === true;
  }

  /**
   * Predicts; a model that answers in pieces alone is asked row by row, and its pieces are put together. Throws
   * `input_invalid`, `input_refused` where MLflow or the model says so, `python_crashed`, `model_restarting`,
   * `python_timeout`, `OtherRows`; an `Error` with the model's own words when its code throws.
   */
  async predict(rows: Rows, call: PythonCall = {}): Promise<readonly OutputTensor[]> {
    const groups = groupsOf(rows, (row) => omitted(this.#parts.inputs, row).join('\0'));
    if (groups.length <= 1) return this.#predictAlike(rows, call);
    const answers = await Promise.all(
      groups.map((numbers) =>
        this.#predictAlike(
          numbers.map((n) => rows[n] ?? []),
          call,
        ),
      ),
    );
    return reordered(answers, groups, rows.length);
  }

  /** Rows with the same columns. */
  async #predictAlike(rows: Rows, call: PythonCall): Promise<readonly OutputTensor[]> {
    if (this.#onlyStreams) return this.#joined(rows, call);
    const { pool, inputs } = this.#parts;
    const { header: sent, body: columns } = PythonModel.request(inputs, rows, call);
    const { header, body } = await pool.run(sent, columns, call);
    if (header.ok !== true) {
      if (!this.streams || header.type !== 'NotImplementedError') throw ownError(header);
      this.#onlyStreams = true;
      return this.#joined(rows, call);
    }
    this.#unnamed = (header.unnamed as string | null) ?? null;
    return decodeOutputs({ header, body }, rows.length);
  }

  /**
   * Gives the answer to one row in pieces; ends early once the signal is aborted. Errors are those of `predict`, and
   * `stream_broken` when the worker ends between two pieces.
   */
  async *stream(row: Rows[number], call: PythonCall, signal: AbortSignal): AsyncGenerator<StreamPiece> {
    const { pool, inputs } = this.#parts;
    const { header: sent, body: columns } = PythonModel.request(inputs, [row], call);
    for await (const { header, body } of pool.stream({ ...sent, op: 'stream' }, columns, signal)) {
      if (header.ok !== true) throw ownError(header);
      if (header.more !== true) return;
      this.#unnamed = (header.unnamed as string | null) ?? null;
      yield { value: header.value, outputs: decodeOutputs({ header, body }, 1) };
    }
  }

  async #joined(rows: Rows, call: PythonCall): Promise<readonly OutputTensor[]> {
    const never = new AbortController().signal;
    const answers: (readonly OutputTensor[])[] = [];
    for (const row of rows) {
      const joiner = new PieceJoiner();
      for await (const piece of this.stream(row, call, never)) joiner.add(piece);
      answers.push(joiner.outputs);
    }
    const [first = []] = answers;
    return first.map(({ name, type, width, json }) => {
      const data = answers.flatMap((outputs) => {
        const same = outputs.find((output) => output.name === name && output.width === width);
        if (!same) throw new Error(`the answers to the rows differ in the shape of "${name}"`);
        return Array.from(same.data);
      });
      const shape = width === 1 ? [rows.length] : [rows.length, width];
      return { name, type, shape, width, data: data as OutputTensor['data'], json };
    });
  }

  /** Ends the workers and removes the model's files; no prediction may come later. */
  async close(): Promise<void> {
    await this.#parts.pool.close();
    await this.#parts.onClose();
  }
}

/** Optional columns that were not sent. */
function omitted(inputs: readonly SignatureField[], row: Rows[number]): readonly string[] {
  return inputs.filter((field, i) => field.omittable && row[i] === undefined).map(({ name }) => name);
}

/** What the model's code threw, in its words, and by its class as `name`. */
function ownError({ type, message, refused, answer }: Readonly<Record<string, unknown>>): Error {
  if (typeof answer === 'string') return new OtherRows(`${type}: ${message}`, answer);
  if (refused === true) return fail('input_refused', { problem: String(message) });
  const error = new Error(`${type}: ${message}`);
  error.name = String(type);
  return error;
}
