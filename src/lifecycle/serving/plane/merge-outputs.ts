import { packedList, shortestPacked } from '../../../platform/frames/index.ts';
import { isNumberArray, type OutputTensor, valuesJson } from '../../../platform/onnx/index.ts';
import type { BatchPart } from './batcher.ts';
import type { ReplyOutput } from './request.ts';

/** Part of an answer: the rows of a request (by their numbers) that one arm computed. */
export interface AnsweredRows {
  readonly rows: readonly number[];
  readonly part: BatchPart;
  /** The values of an output (by its number) as JSON, row by row, separated by commas: made once for answer and log. */
  readonly texts: (output: number) => readonly string[];
  /** When these rows were there, from the start of the request; left out where no other arm answered with this one. */
  readonly latencyMs?: number;
}

export function answeredPart(rows: readonly number[], part: BatchPart): AnsweredRows {
  const made: (readonly string[])[] = [];
  const texts = (output: number): readonly string[] => {
    const { data, type, width } = part.prediction.outputs[output] as OutputTensor;
    made[output] ??= rows.map((_, i) =>
      valuesJson(data, type, (part.from + i) * width, (part.from + i + 1) * width),
    );
    return made[output];
  };
  return { rows, part, texts };
}

/** The outputs of an answer in the order of the request's rows. */
export function replyOutputs(parts: readonly AnsweredRows[], rowCount: number): readonly ReplyOutput[] {
  const [first] = parts;
  if (!first) return [];
  const replies: ReplyOutput[] = [];
  for (let o = 0; o < first.part.prediction.outputs.length; o++) {
    const output = first.part.prediction.outputs[o] as OutputTensor;
    const rows = output.shape.length === 0 ? [rowCount] : [rowCount, ...output.shape.slice(1)];
    const shape = first.part.prediction.whole ? output.shape : rows;
    const { name, type, datatype, width, json, answered } = output;
    const merged = parts.length === 1 ? undefined : mergedTexts(output, parts, rowCount);
    if (merged === null) continue;
    const texts = () => merged ?? first.texts(o);
    const told = { name, type, datatype, shape, width, texts, json, answered };
    replies.push({ ...told, values: () => values(output, parts, rowCount) });
  }
  return replies;
}

type Values = OutputTensor['data'];

/** The values of one output in the order of the request's rows; a view where they lie together already. */
function values({ name, width }: OutputTensor, parts: readonly AnsweredRows[], rowCount: number): Values {
  const dataOf = ({ part }: AnsweredRows) => part.prediction.outputs.find((o) => o.name === name)?.data ?? [];
  const [first] = parts;
  if (parts.length === 1 && first) {
    const data = dataOf(first);
    const from = first.part.from * width;
    const to = from + rowCount * width;
    if (from === 0 && to === data.length) return data;
    if (ArrayBuffer.isView(data)) return (data as Float32Array).subarray(from, to);
    return Array.prototype.slice.call(data, from, to) as Values;
  }
  const merged = new Array<Values[number]>(rowCount * width);
  for (const answered of parts) {
    const data = dataOf(answered);
    for (const [i, row] of answered.rows.entries()) {
      for (let j = 0; j < width; j++) {
        merged[row * width + j] = data[(answered.part.from + i) * width + j] as Values[number];
      }
    }
  }
  return merged;
}

/** Rows of one output out of several arms; null when an arm has no output of that name and width. */
function mergedTexts(
  { name, width }: OutputTensor,
  parts: readonly AnsweredRows[],
  rowCount: number,
): readonly string[] | null {
  const merged = new Array<string>(rowCount);
  for (const { rows, part, texts } of parts) {
    const o = part.prediction.outputs.findIndex((other) => other.name === name && other.width === width);
    if (o < 0) return null;
    for (const [i, row] of rows.entries()) merged[row] = texts(o)[i] ?? '';
  }
  return merged;
}

/** What stands before the values of each output in the log: its name, and what parts it from the one before. */
export function outputHeads({ part }: AnsweredRows): readonly string[] {
  return part.prediction.outputs.map(({ name }, o) => `${o ? ',' : ''}${JSON.stringify(name)}:`);
}

/**
 * One row's outputs as JSON text {name: value}, for the log; long lists of numbers are packed, NaN and infinities null.
 *
 * @param heads see `outputHeads`; the same for all rows of an answer
 */
export function outputsJson({ part, texts }: AnsweredRows, row: number, heads: readonly string[]): string {
  const { outputs } = part.prediction;
  let json = '{';
  for (let o = 0; o < outputs.length; o++) {
    const { width, data } = outputs[o] as OutputTensor;
    const from = (part.from + row) * width;
    const isLong = width >= shortestPacked && isNumberArray(data);
    const packed = isLong ? packedList(data.subarray(from, from + width)) : null;
    json += heads[o];
    if (packed !== null) json += `"${packed}"`;
    else if (width === 1) json += texts(o)[row] ?? 'null';
    else json += `[${texts(o)[row] ?? 'null'}]`;
  }
  return `${json}}`;
}
