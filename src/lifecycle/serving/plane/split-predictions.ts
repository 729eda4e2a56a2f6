import type { OutputTensor, Prediction } from '../../../platform/onnx/index.ts';

/** Some rows of a prediction. */
export interface PredictionRows {
  readonly prediction: Prediction;
  readonly from: number;
  readonly rowCount: number;
}

/**
 * One prediction out of rows of several, in this order and in memory of its own. All are of one model. Numbers of
 * several types become doubles, numbers beside texts become texts (NaN is none: a run whose texts are all missing has
 * NaN), and texts beside nested values nested ones.
 *
 * @throws Error where the parts have not the same outputs with as many values a row: nobody can tell whose is what
 */
export function concatenated(parts: readonly PredictionRows[]): Prediction {
  const [first] = parts;
  if (!first) return { rowCount: 0, outputs: [], score: null };
  for (const part of parts) requireAlike(first.prediction.outputs, part.prediction.outputs);
  const rowCount = parts.reduce((sum, part) => sum + part.rowCount, 0);
  const outputs = first.prediction.outputs.map((output, o): OutputTensor => {
    const pieces = parts.map(({ prediction, from, rowCount: rows }) => {
      const data = prediction.outputs[o]?.data ?? [];
      return slice(data, from * output.width, (from + rows) * output.width);
    });
    const shape =
      first.prediction.whole || output.shape.length === 0
        ? output.shape
        : [rowCount, ...output.shape.slice(1)];
    const all = parts.map(({ prediction }) => prediction.outputs[o] ?? output);
    if (all.every(({ type, json }) => type === output.type && json === output.json))
      return { ...output, shape, data: joined(pieces) };
    const { name, width } = output;
    if (all.every(({ type }) => type !== 'string')) {
      return { name, width, shape, type: 'double', data: pieces.flatMap((p) => Array.from(p, Number)) };
    }
    const json = all.some((other) => other.json) || undefined;
    const texts = pieces.flatMap((piece, p) => textsOf(piece, all[p] ?? output, json === true));
    return { name, width, shape, type: 'string', json, data: texts };
  });
  const scores = parts.map(({ prediction, from, rowCount: rows }) =>
    prediction.score?.slice(from, from + rows),
  );
  const score = first.prediction.score && Float64Array.from(scores.flatMap((s) => (s ? [...s] : [])));
  const { whole } = first.prediction;
  return { rowCount, outputs, score, ...(whole ? { whole } : {}) };
}

function requireAlike(outputs: readonly OutputTensor[], others: readonly OutputTensor[]): void {
  const told = [outputs, others].map((all) => all.map(formOf).join(', '));
  if (told[0] !== told[1])
    throw new Error(`its answers to parts of one request differ: ${told[0]}; then ${told[1]}`);
}

/** What rows of an output have in common, in words. */
function formOf({ name, shape, width }: OutputTensor): string {
  return `"${name}" with ${shape.length > 1 ? shape.slice(1).join(' × ') : width} values a row`;
}

function textsOf(values: Values, { type, json }: OutputTensor, nested: boolean): (string | null)[] {
  return Array.from(values as ArrayLike<Values[number]>, (value) => {
    if (value === null || Number.isNaN(value)) return null;
    if (type === 'string') return nested && !json ? JSON.stringify(value) : String(value);
    return String(type === 'bool' ? Boolean(value) : value);
  });
}

type Values = OutputTensor['data'];

function slice(data: Values, from: number, to: number): Values {
  if (ArrayBuffer.isView(data)) return (data as Float32Array).slice(from, to);
  return Array.prototype.slice.call(data, from, to) as Values;
}

function joined(pieces: readonly Values[]): Values {
  const [first] = pieces;
  if (pieces.length === 1 && first) return first;
  if (first && ArrayBuffer.isView(first) && pieces.every((p) => p.constructor === first.constructor)) {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const all = new (first.constructor as Float32ArrayConstructor)(length);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece as Float32Array, at);
      at += piece.length;
    }
    return all;
  }
  return pieces.flatMap((piece) => Array.from(piece as ArrayLike<Values[number]>));
}
