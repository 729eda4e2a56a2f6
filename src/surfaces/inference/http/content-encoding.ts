import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import {
  brotliCompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  deflate,
  gzip,
} from 'node:zlib';
import { fail } from '../../../core/errors.ts';
import type { BodyShare } from '../body-room.ts';
import { malformed } from '../request-context.ts';
import { NotPacked, unpack } from '../unpack.ts';
import type { HttpAnswer } from './answer.ts';

/** What unpacking may come to. */
export interface UnpackBounds {
  /** Most bytes of a body once it is unpacked. */
  readonly limitBytes: number;
  /** Holds what comes out beside the packed body; left out: bodies under way are not counted. */
  readonly bodyShare?: BodyShare;
}

type Pack = (body: Buffer) => Promise<Buffer>;

const deflateMethod = 8;
/** Answers that fit into one packet gain nothing from being smaller. */
export const leastPackedBytes = 1400;
/** Quick rather than small: a caller waits. */
const level = 1;

const unpackers: Readonly<Record<string, (body: Buffer) => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  // "deflate" means zlib's wrapping (RFC 9110, section 8.4.1.2); some senders leave it out.
  deflate: (body) => (((body[0] ?? 0) & 0x0f) === deflateMethod ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
};

const packers: Readonly<Record<string, Pack>> = {
  gzip: (body) => promisify(gzip)(body, { level }),
  deflate: (body) => promisify(deflate)(body, { level }),
  br: (body) => promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: level } }),
};

/**
 * Undoes a request's Content-Encoding (gzip, deflate, br) on another thread. Throws `payload_too_large` as soon
 * as more than the limit comes out, `bodies_full`, `content_unsupported` for other encodings, and `request_malformed`
 * for bytes that are not what they are said to be.
 */
export async function decodedBody(
  body: Buffer,
  encoding: string,
  { limitBytes, bodyShare }: UnpackBounds,
): Promise<Buffer> {
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  const unpacker = Object.hasOwn(unpackers, name) ? unpackers[name] : undefined;
  if (!unpacker) {
    const problem = `content encoding ${JSON.stringify(encoding.slice(0, 40))} is not read here`;
    throw fail('content_unsupported', { problem, remedy: 'Use gzip, deflate, br or none.' });
  }
  try {
    return await unpack(unpacker(body), body, (sizeBytes) => {
      if (sizeBytes > limitBytes) throw fail('payload_too_large', { limitBytes });
      bodyShare?.hold(body.length + sizeBytes);
    });
  } catch (cause) {
    if (!(cause instanceof NotPacked)) throw cause;
    throw malformed(`the body is not ${name}, as its content encoding says, or it is cut off`);
  }
}

/**
 * The answer compressed as the caller accepts it (Accept-Encoding), where that makes it smaller. Shorter ones than
 * `leastPackedBytes` are not worth asking for.
 */
export async function encodedAnswer(answer: HttpAnswer, accepted: string): Promise<HttpAnswer> {
  const name = chooseEncoding(accepted);
  if (name === null) return answer;
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  const packed = await (packers[name] as Pack)(body);
  if (packed.length >= body.length) return answer;
  const headers = { ...answer.headers, 'content-encoding': name, vary: 'accept-encoding' };
  return { ...answer, body: packed, headers };
}

/** The encoding with the highest weight, ours first among equals; null for none. */
export function chooseEncoding(accepted: string): string | null {
  const weights = new Map<string, number>();
  for (const part of accepted.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((p) => p.trim());
    const weight = parameters.find((p) => p.startsWith('q='))?.slice(2);
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0);
  }
  let best: string | null = null;
  let bestWeight = 0;
  for (const name of Object.keys(packers)) {
    const weight = weights.get(name) ?? weights.get('*') ?? 0;
    if (weight > bestWeight) [best, bestWeight] = [name, weight];
  }
  return best;
}
