import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, createInflate, deflate, gzip } from 'node:zlib';
import { ByteParts } from '../byte-parts.ts';
import { NotPacked, unpack } from '../unpack.ts';
import { GrpcError, grpcStatus } from './status.ts';

/** One message of a stream as it came: perhaps compressed. */
export interface Frame {
  readonly compressed: boolean;
  readonly bytes: Buffer;
}

/** Length of the prefix of each message: a flag and a length of 32 bits. */
const prefixBytes = 5;

/** Cuts the bytes of a stream into messages. Nothing is reserved for a length before the bytes are there. */
export class FrameReader {
  readonly #limitBytes: number;
  readonly #bytes = new ByteParts();
  /** How many bytes of the message at the front have to be there before it is looked at again. */
  #wanted = prefixBytes;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** True between two messages. */
  get empty(): boolean {
    return this.#bytes.sizeBytes === 0;
  }

  /** Bytes of messages that are not complete, those that are known to come with them. */
  get heldBytes(): number {
    return this.empty ? 0 : Math.max(this.#wanted, this.#bytes.sizeBytes);
  }

  /** Lets go of a message that is not complete. */
  clear(): void {
    this.#bytes.clear();
    this.#wanted = prefixBytes;
  }

  /** Takes more bytes and returns the messages that are complete. Throws `RESOURCE_EXHAUSTED`, `INTERNAL`. */
  push(part: Buffer): readonly Frame[] {
    if (part.length === 0) return [];
    this.#bytes.add(part);
    const frames: Frame[] = [];
    while (this.#bytes.sizeBytes >= this.#wanted) {
      const all = this.#bytes.joined();
      const flag = all[0] as number;
      const length = all.readUInt32BE(1);
      if (flag > 1)
        throw new GrpcError(grpcStatus.internal, `a message begins with flag ${flag}; use 0 or 1`);
      if (length > this.#limitBytes) throw tooLarge(length, this.#limitBytes);
      this.#wanted = prefixBytes + length;
      if (all.length < this.#wanted) break;
      frames.push({ compressed: flag === 1, bytes: all.subarray(prefixBytes, this.#wanted) });
      this.#bytes.drop(this.#wanted);
      this.#wanted = prefixBytes;
    }
    return frames;
  }
}

function tooLarge(bytes: number, limitBytes: number): GrpcError {
  const text = `a message of ${bytes} bytes is larger than the ${limitBytes} that are read`;
  return new GrpcError(grpcStatus.resourceExhausted, text);
}

function expandsTooFar(limitBytes: number): GrpcError {
  const text = `a message expands to more than the ${limitBytes} bytes that are read`;
  return new GrpcError(grpcStatus.resourceExhausted, text);
}

/** A message with its prefix. */
export function frameOf(message: Uint8Array, compressed = false): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = compressed ? 1 : 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

interface Codec {
  readonly compress: (bytes: Uint8Array) => Promise<Buffer>;
  readonly expander: () => Transform;
}

const codecs: Readonly<Record<string, Codec>> = {
  gzip: { compress: promisify(gzip), expander: () => createGunzip() },
  deflate: { compress: promisify(deflate), expander: () => createInflate() },
};

/** For `grpc-accept-encoding`. */
export const encodings = ['identity', ...Object.keys(codecs)] as const;

/** Messages shorter than this are sent as they are: compressing them would make them longer. */
const leastCompressedBytes = 1024;

/**
 * Expands a message that came with the stream's `grpc-encoding`. Throws `INTERNAL` when it is marked as compressed
 * and the stream names no encoding, `INVALID_ARGUMENT` for broken bytes, `RESOURCE_EXHAUSTED` for too many.
 *
 * @param hold told how many bytes have come out so far; what it throws is thrown
 */
export async function expand(
  frame: Frame,
  encoding: string,
  limitBytes: number,
  hold: (sizeBytes: number) => void,
): Promise<Buffer> {
  const codec = codecs[encoding];
  if (!codec) {
    throw new GrpcError(
      grpcStatus.internal,
      'a message is marked as compressed, but grpc-encoding names nothing',
    );
  }
  try {
    return await unpack(codec.expander(), frame.bytes, (sizeBytes) => {
      if (sizeBytes > limitBytes) throw expandsTooFar(limitBytes);
      hold(sizeBytes);
    });
  } catch (error) {
    if (!(error instanceof NotPacked)) throw error;
    throw new GrpcError(grpcStatus.invalidArgument, `a message is not ${encoding}: ${error.message}`);
  }
}

/** A message with its prefix, compressed when the encoding is not identity and the message is long enough. */
export async function compressedFrameOf(message: Uint8Array, encoding: string): Promise<Buffer> {
  const codec = codecs[encoding];
  if (!codec || message.length < leastCompressedBytes) return frameOf(message);
  return frameOf(await codec.compress(message), true);
}
