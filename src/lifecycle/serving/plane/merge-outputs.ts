import { type OutputTensor, valueJson, valuesJson } from '../../../platform/onnx/index.ts';
import { type BatchPart, outputRows } from './batcher.ts';
import type { ReplyOutput } from './request.ts';

/** Part of an answer: the rows of a request (by their numbers) that one arm computed. */
export interface AnsweredRows {
  readonly rows: readonly number[];
  readonly part: BatchPart;
}

/** The outputs of an answer in the order of the request's rows. */
export function replyOutputs(parts: readonly AnsweredRows[], rowCount: number): readonly ReplyOutput[] {
  const [first] = parts;
  if (!first) return [];
  return first.part.prediction.outputs.flatMap((output) => {
    const shape = output.shape.length === 0 ? [rowCount] : [rowCount, ...output.shape.slice(1)];
    const { name, type } = output;
    if (parts.length === 1)
      return [{ name, type, shape, data: outputRows(output, first.part.from, rowCount) }];
    const data = mergedRows(output, parts, rowCount);
    return data ? [{ name, type, shape, data }] : [];
  });
}

/** Rows of one output out of several arms; null when an arm has no output of that name and width. */
function mergedRows(
  output: OutputTensor,
  parts: readonly AnsweredRows[],
  rowCount: number,
): ReplyOutput['data'] | null {
  const { name, width } = output;
  const merged = new Array<number | bigint | string | boolean>(rowCount * width);
  for (const { rows, part } of parts) {
    const other = part.prediction.outputs.find((o) => o.name === name && o.width === width);
    if (!other) return null;
    for (const [i, row] of rows.entries()) {
      for (let j = 0; j < width; j++) {
        merged[row * width + j] = other.data[(part.from + i) * width + j] as number;
      }
    }
  }
  return merged;
}

/** One row's outputs as JSON text {name: value}, for the log; NaN and infinities become null. */
export function outputsJson(part: BatchPart, row: number): string {
  const members = part.prediction.outputs.map((output) => {
    const at = (part.from + row) * output.width;
    const name = JSON.stringify(output.name);
    if (output.width === 1) return `${name}:${valueJson(output.data[at], output.type)}`;
    return `${name}:[${valuesJson(output.data, output.type, at, at + output.width)}]`;
  });
  return `{${members.join(',')}}`;
}
