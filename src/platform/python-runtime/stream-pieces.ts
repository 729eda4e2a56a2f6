import type { ElementType } from '../../core/model-package.ts';
import type { OutputTensor } from '../onnx/index.ts';

/** A piece of a streamed answer to one row. */
export interface StreamPiece {
  /** What the model gave, as JSON has it. */
  readonly value: unknown;
  /** The same as outputs of one row. */
  readonly outputs: readonly OutputTensor[];
}

/** An output of the pieces so far. */
interface Joined {
  readonly type: ElementType;
  json: boolean;
  readonly values: OutputTensor['data'][number][];
}

/** Characters and numbers that are kept of one answer. */
const mostKept = 4 * 1024 * 1024;

/**
 * The pieces of an answer put together: texts are joined, everything else is listed in its order. Keeps nothing of an
 * answer that is too long.
 */
export class PieceJoiner {
  readonly #outputs = new Map<string, Joined>();
  #kept = 0;

  add({ outputs }: Pick<StreamPiece, 'outputs'>): void {
    if (this.#kept > mostKept) return;
    for (const { name, type, data, json = false } of outputs) {
      let joined = this.#outputs.get(name);
      if (!joined) {
        joined = { type, json, values: [] };
        this.#outputs.set(name, joined);
      }
      joined.json ||= json;
      for (const one of Array.from(data)) joined.values.push(one);
      this.#kept += type === 'string' ? String(data[0]).length : data.length;
    }
    if (this.#kept > mostKept) this.#outputs.clear();
  }

  /** The outputs of the whole answer, for one row; none of an answer that was too long. */
  get outputs(): readonly OutputTensor[] {
    return [...this.#outputs].map(([name, { type, json, values }]): OutputTensor => {
      if (type === 'string' && !json) return { name, type, shape: [1], width: 1, data: [values.join('')] };
      if (json)
        return { name, type, shape: [1], width: 1, data: [`[${values.map(jsonOf).join(',')}]`], json: true };
      const width = values.length;
      return { name, type, shape: [1, width], width, data: values as OutputTensor['data'] };
    });
  }
}

/** Nested values are JSON already. */
function jsonOf(value: unknown): string {
  const text = String(value);
  return /^[[{]/.test(text) ? text : JSON.stringify(text);
}
