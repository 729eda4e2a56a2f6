import type { ModelSignature, SignatureField } from '../../../core/model-package.ts';
import type { PredictReply, ReplyOutput, RequestTensor } from '../../../lifecycle/serving/index.ts';
import { parseJson } from '../http/json-body.ts';
import { malformed, type RequestContext } from '../request-context.ts';
import { nestedText } from '../scoring/casts.ts';
import { described, type InferRequest } from './infer-request.ts';

type Json = Readonly<Record<string, unknown>>;

/** A request of Triton's generate extension, read. */
export interface GenerateRequest {
  readonly infer: Pick<InferRequest, 'id' | 'request' | 'parameters'>;
  /** The caller speaks of `text_input` though the model's input has another name: its output is `text_output`. */
  readonly plainText: boolean;
}

const textInput = 'text_input';
const textOutput = 'text_output';

/**
 * Reads `{"id"?, "parameters"?, …}`: members that are inputs of the model are their values for one row (a value, or a
 * list of them), all others are parameters. `text_input` is the model's only input of texts where it has none of that
 * name. Null for an inference request with its list of tensors, which MLServer takes here. Throws `request_malformed`,
 * `invalid_time`.
 */
export function readGenerateRequest(
  body: Buffer,
  context: RequestContext,
  { inputs }: ModelSignature,
): GenerateRequest | null {
  const { id, parameters: given = {}, ...members } = parseJson(body);
  if (Array.isArray(members.inputs) && !inputs.some((field) => field.name === 'inputs')) return null;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw malformed('"parameters" must be an object');
  const parameters: Record<string, unknown> = { ...(given as Json) };
  const texts = inputs.filter((field) => field.type === 'string');
  const plainText = textInput in members && !inputs.some((field) => field.name === textInput);
  const tensors: RequestTensor[] = [];
  for (const [name, value] of Object.entries(members)) {
    const field =
      inputs.find((input) => input.name === name) ??
      (name === textInput && texts.length === 1 ? texts[0] : undefined);
    if (field) tensors.push(tensorOf(field, value));
    else parameters[name] = value;
  }
  const infer = described(tensors, 1, id, parameters, context);
  return { infer, plainText };
}

/** A value, or values one after the other, in the dimensions that the input has. */
function tensorOf({ name, shape, json }: SignatureField, value: unknown): RequestTensor {
  if (json) return { name, width: 1, data: [nestedText(value)], shape: [1] };
  const data: unknown[] = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
  const fixed = shape.reduce((product, d) => (d > 0 ? product * d : product), 1);
  const rest = data.length / fixed;
  const free = shape.lastIndexOf(-1);
  if (data.length === 0 || !Number.isInteger(rest) || (shape.length > 0 && free < 0 && rest !== 1))
    throw malformed(`"${name}" has ${data.length} values, which do not fill its shape [${shape.join(', ')}]`);
  const dims = shape.length === 0 ? [data.length] : shape.map((d, i) => (d > 0 ? d : i === free ? rest : 1));
  return { name, width: data.length, data, shape: dims };
}

/** Writes an answer, or a piece of one: each output is its value, or a list of them where it has several. */
export function writeGenerated(
  endpoint: string,
  { infer, plainText }: GenerateRequest,
  { modelVersion, outputs }: PredictReply,
): string {
  const fixed = { id: infer.id, model_name: endpoint, model_version: modelVersion ?? '' };
  const only = outputs.length === 1;
  const members = outputs.map((output) => {
    const name = plainText && only && output.type === 'string' ? textOutput : output.name;
    return `,${JSON.stringify(name)}:${generatedValue(output)}`;
  });
  return `${JSON.stringify(fixed).slice(0, -1)}${members.join('')}}`;
}

function generatedValue(output: ReplyOutput): string {
  const texts = output.texts();
  return output.width === 1 && texts.length === 1 ? (texts[0] as string) : `[${texts.join(',')}]`;
}
