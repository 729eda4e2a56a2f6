import { textOfBytes } from '../../../core/byte-text.ts';
import type { ModelSignature } from '../../../core/model-package.ts';
import type { RequestTensor } from '../../../lifecycle/serving/index.ts';
import { utf8 } from '../oip/raw-tensors.ts';
import { malformed } from '../request-context.ts';

/** Bytes in a request of KServe v1 and TensorFlow Serving: an object with nothing but `"b64"` in place of a value. */
export class BinaryValue {
  readonly base64: string;

  constructor(base64: string) {
    this.base64 = base64;
  }
}

/** Lists and objects in one another that such a request may have. */
const deepestNesting = 100;

/** JSON with every `{"b64": "…"}` in it as one value. Throws `request_malformed` for what is no base64. */
export function withBinaryValues(json: unknown, depth = 0): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (depth > deepestNesting) throw malformed(`the JSON may be nested ${deepestNesting} deep`);
  if (Array.isArray(json)) return json.map((member) => withBinaryValues(member, depth + 1));
  const members = Object.entries(json);
  const [[name, value] = []] = members;
  if (members.length === 1 && name === 'b64') return new BinaryValue(base64Of(value));
  return Object.fromEntries(members.map(([key, member]) => [key, withBinaryValues(member, depth + 1)]));
}

function base64Of(value: unknown): string {
  if (typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value))
    return value;
  throw malformed('"b64" must be base64 text, padded with "="');
}

/**
 * Columns with such values as their type has them: base64 where the column is binary, their text where it is text. In
 * a column of any other type they are left to be refused. Throws `request_malformed` for bytes that are no UTF-8.
 *
 * @param anyBytes texts go through a graph as they are, whatever their bytes
 */
export function typedBinaryValues(
  tensors: readonly RequestTensor[],
  { inputs }: ModelSignature,
  anyBytes: boolean,
): readonly RequestTensor[] {
  return tensors.map((tensor) => {
    const type = inputs.find(({ name }) => name === tensor.name)?.type;
    if (type !== 'binary' && type !== 'string') return tensor;
    const typed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(typed);
      if (!(value instanceof BinaryValue)) return value;
      if (type === 'binary') return value.base64;
      const bytes = Buffer.from(value.base64, 'base64');
      return anyBytes ? textOfBytes(bytes) : utf8(bytes, `"b64" of "${tensor.name}"`);
    };
    return { ...tensor, data: Array.from(tensor.data, typed) };
  });
}
