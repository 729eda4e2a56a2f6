import { type OutputTensor, valuesJson } from '../../../platform/onnx/index.ts';
import { type BatchPart, outputRows } from './batcher.ts';
import type { ReplyOutput } from './request.ts';

/** Part of an answer: the rows of a request (by their numbers) that one arm computed. */
export interface AnsweredRows {
  readonly rows: readonly number[];
  readonly part: BatchPart;
  /** Per output and row the values as JSON, separated by commas: made once for the answer and the log. */
  readonly texts: readonly (readonly string[])[];
}

export function answeredPart(rows: readonly number[], part: BatchPart): AnsweredRows {
  const texts = part.prediction.outputs.map(({ data, type, width }) =>
    rows.map((_, i) => valuesJson(data, type, (part.from + i) * width, (part.from + i + 1) * width)),
  );
  return { rows, part, texts };
}

/** The outputs of an answer in the order of the request's rows. */
export function replyOutputs(parts: readonly AnsweredRows[], rowCount: number): readonly ReplyOutput[] {
  const [first] = parts;
  if (!first) return [];
  return first.part.prediction.outputs.flatMap((output, o) => {
    const shape = output.shape.length === 0 ? [rowCount] : [rowCount, ...output.shape.slice(1)];
    const { name, type, width } = output;
    if (parts.length === 1) {
      const data = outputRows(output, first.part.from, rowCount);
      return [{ name, type, shape, width, data, texts: first.texts[o] ?? [] }];
    }
    const merged = mergedRows(output, parts, rowCount);
    return merged ? [{ name, type, shape, width, ...merged }] : [];
  });
}

/** Rows of one output out of several arms; null when an arm has no output of that name and width. */
function mergedRows(
  output: OutputTensor,
  parts: readonly AnsweredRows[],
  rowCount: number,
): Pick<ReplyOutput, 'data' | 'texts'> | null {
  const { name, width } = output;
  const data = new Array<number | bigint | string | boolean>(rowCount * width);
  const texts = new Array<string>(rowCount);
  for (const { rows, part, texts: own } of parts) {
    const o = part.prediction.outputs.findIndex((other) => other.name === name && other.width === width);
    const other = part.prediction.outputs[o];
    if (!other) return null;
    for (const [i, row] of rows.entries()) {
      texts[row] = own[o]?.[i] ?? '';
      for (let j = 0; j < width; j++)
        data[row * width + j] = other.data[(part.from + i) * width + j] as number;
    }
  }
  return { data, texts };
}

/** One row's outputs as JSON text {name: value}, for the log; NaN and infinities become null. */
export function outputsJson({ part, texts }: AnsweredRows, row: number): string {
  let members = '';
  for (const [o, { name, width }] of part.prediction.outputs.entries()) {
    const text = texts[o]?.[row] ?? 'null';
    members += `${o ? ',' : ''}${JSON.stringify(name)}:${width === 1 ? text : `[${text}]`}`;
  }
  return `{${members}}`;
}
