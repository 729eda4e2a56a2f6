import { bytesOfText, textOfBytes } from '../../../core/byte-text.ts';
import type { TensorTarget } from './json-tensors.ts';

/** `parameters.content_type` of texts that MLServer's `Base64Codec` wrote, or is to read. */
export const base64Content = 'base64';

/**
 * The values of an input of texts that came in base64: their bytes, as MLServer hands them to a model, where the model
 * is a graph. One that is no base64 is taken as it is, as by MLServer. Any other input is let be.
 */
export function decodedTexts(
  name: string,
  datatype: string,
  contentType: unknown,
  data: ArrayLike<unknown>,
  { anyBytes }: TensorTarget,
): ArrayLike<unknown> {
  const isBase64 = datatype === 'BYTES' && contentType === base64Content && anyBytes.has(name);
  return isBase64 ? Array.from(data, decoded) : data;
}

function decoded(value: unknown): unknown {
  const isBase64 =
    typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
  return isBase64 ? textOfBytes(Buffer.from(value, 'base64')) : value;
}

/** The bytes of a text in base64. */
export function base64OfText(text: string): string {
  return bytesOfText(text).toString('base64');
}
