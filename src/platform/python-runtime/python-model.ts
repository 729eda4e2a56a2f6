import type { SignatureField } from '../../core/model-package.ts';
import type { OutputTensor } from '../onnx/index.ts';
import { decodeOutputs, encodeColumns } from './columns.ts';
import type { WorkerPool } from './worker-pool.ts';

type Rows = readonly (readonly unknown[])[];
type Params = Readonly<Record<string, unknown>>;

interface Parts {
  readonly pool: WorkerPool;
  readonly inputs: readonly SignatureField[];
  readonly described: Readonly<Record<string, unknown>>;
  readonly onClose: () => Promise<void>;
}

/** A logged model that its workers have loaded. */
export class PythonModel {
  readonly #parts: Parts;
  #unnamed: string | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What a worker is sent for rows whose cells are in the order of the inputs. Throws `input_invalid`. */
  static request(inputs: readonly SignatureField[], rows: Rows, params: Params | null = null) {
    const header = { op: 'predict', rows: rows.length, ...(params ? { params } : {}) };
    return { header, body: encodeColumns(inputs, rows) };
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

  /**
   * Predicts. Throws `input_invalid`, `python_crashed`, `model_restarting`, `python_timeout`; an `Error` with the model's own words
   * when its code throws.
   *
   * @param params what the model's `predict` gets as `params`
   */
  async predict(rows: Rows, params: Params | null = null): Promise<readonly OutputTensor[]> {
    const { pool, inputs } = this.#parts;
    const { header: sent, body: columns } = PythonModel.request(inputs, rows, params);
    const { header, body } = await pool.run(sent, columns);
    if (header.ok !== true) throw new Error(`${header.type}: ${header.message}`);
    this.#unnamed = (header.unnamed as string | null) ?? null;
    return decodeOutputs(header.outputs, body, rows.length);
  }

  /** Ends the workers and removes the model's files; no prediction may come later. */
  async close(): Promise<void> {
    await this.#parts.pool.close();
    await this.#parts.onClose();
  }
}
