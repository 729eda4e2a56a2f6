import { holdsBytes, plainText } from '../../../core/byte-text.ts';
import type { PredictReply, ReplyOutput, ServedArm } from '../../../lifecycle/serving/index.ts';
import { type HttpAnswer, jsonText } from '../http/answer.ts';
import { malformed } from '../request-context.ts';
import { base64Content, base64OfText } from './base64-texts.ts';
import { classify } from './classification.ts';
import { datatypeOf } from './datatypes.ts';
import type { InferRequest, WantedOutput } from './infer-request.ts';
import { encodeRaw } from './raw-tensors.ts';

/** Throws `request_malformed` when an output is wanted that the model does not have. */
export function checkOutputNames(wanted: readonly WantedOutput[] | null, existing: readonly string[]): void {
  for (const { name } of wanted ?? []) {
    if (!existing.includes(name)) {
      throw malformed(`output "${name}" does not exist; outputs are ${existing.join(', ')}`);
    }
  }
}

/**
 * Writes the answer: JSON, with the outputs that are wanted as bytes behind it. `id` is the prediction id of a
 * request with one row, else rows are `<id>-<row>`.
 *
 * @param arm whose class labels name classifications
 */
export function writeInferResponse(
  endpoint: string,
  infer: InferRequest,
  reply: PredictReply,
  arm: ServedArm | null = null,
): HttpAnswer {
  const { id, outputs, binary, request } = infer;
  const [first] = reply.rows;
  const oneArm = reply.modelVersion !== null && first ? `"arm":"${first.arm}",` : '';
  const version = reply.modelVersion === null ? '' : `,"model_version":${JSON.stringify(reply.modelVersion)}`;
  const answerId =
    request.predictionIds === null && reply.rows.length === 1 && first ? first.predictionId : id;
  const wanted = outputs ?? reply.outputs.map(({ name }) => ({ name, binary, top: 0 }));
  const raw: Buffer[] = [];
  const texts: string[] = [];
  for (const want of wanted) {
    const output = reply.outputs.find((o) => o.name === want.name);
    if (output) texts.push(outputJson(output, want, raw, arm));
  }
  const json =
    `{"model_name":${JSON.stringify(endpoint)}${version},"id":${JSON.stringify(answerId)}` +
    `,"parameters":{${oneArm}"route_version":${reply.routeVersion}},"outputs":[${texts.join(',')}]}`;
  if (raw.length === 0) return jsonText(200, json);
  const head = Buffer.from(json);
  return {
    status: 200,
    body: Buffer.concat([head, ...raw]),
    contentType: 'application/octet-stream',
    headers: { 'inference-header-content-length': String(head.length) },
  };
}

function outputJson(
  output: ReplyOutput,
  { binary, top, base64 }: WantedOutput,
  raw: Buffer[],
  arm: ServedArm | null,
): string {
  const { name, shape } = output;
  const datatype = datatypeOf(output);
  if (top > 0) return classesJson(output, top, binary, raw, arm);
  const head = `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]`;
  if (!binary && output.type === 'string' && base64) {
    const texts = Array.from(output.values(), (value) =>
      value === null ? null : base64OfText(String(value)),
    );
    return `${head},"parameters":{"content_type":"${base64Content}"},"data":${JSON.stringify(texts)}}`;
  }
  // Rows without values have no text each, and no comma between them.
  if (!binary) return `${head},"data":[${output.width === 0 ? '' : jsonTexts(output).join(',')}]}`;
  const bytes = encodeRaw(datatype, output.values());
  raw.push(bytes);
  return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
}

/** The values of each row as JSON. Throws `request_malformed` for texts of bytes that are no UTF-8. */
function jsonTexts(output: ReplyOutput): readonly string[] {
  const texts = output.texts();
  if (output.type !== 'string' || !texts.some(holdsBytes)) return texts;
  return texts.map((text) => {
    const plain = plainText(text);
    if (plain !== null) return plain;
    throw malformed(
      `output "${output.name}" has bytes that are no UTF-8 text, which JSON cannot hold: ask for binary_data, or for base64 ("parameters": {"content_type": "base64"} of the output)`,
    );
  });
}

function classesJson(
  output: ReplyOutput,
  top: number,
  binary: boolean,
  raw: Buffer[],
  arm: ServedArm | null,
): string {
  const { texts, shape } = classify(output, top, arm?.model.manifest ?? null);
  const head = `{"name":${JSON.stringify(output.name)},"datatype":"BYTES","shape":[${shape.join(',')}]`;
  if (!binary) return `${head},"data":${JSON.stringify(texts)}}`;
  const bytes = encodeRaw('BYTES', texts);
  raw.push(bytes);
  return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
}
