import { jsonOfBigInts } from '../../core/exact-json.ts';

/** Frames of the talk with a Python worker: see python/worker.py. */
export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

const lengthsBytes = 8;
const longestHeaderBytes = 16 * 1024 * 1024;
const longestBodyBytes = 1024 * 1024 * 1024;

/** The bytes of a frame, in pieces to be written one after the other; whole numbers may be BigInt. */
export function encodeFrame(header: object, body: Uint8Array): readonly Uint8Array[] {
  const text = Buffer.from(jsonOfBigInts(header));
  const start = Buffer.allocUnsafe(lengthsBytes + text.length);
  start.writeUInt32LE(text.length, 0);
  start.writeUInt32LE(body.byteLength, 4);
  text.copy(start, lengthsBytes);
  return body.byteLength === 0 ? [start] : [start, body];
}

/** Puts frames together again from the pieces that a socket gives. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #length = 0;

  /** Takes a piece and gives the frames that are whole now. Throws for lengths or headers that cannot be. */
  push(piece: Buffer): Frame[] {
    this.#pieces.push(piece);
    this.#length += piece.length;
    const frames: Frame[] = [];
    for (let frame = this.#take(); frame !== null; frame = this.#take()) frames.push(frame);
    return frames;
  }

  #take(): Frame | null {
    if (this.#length < lengthsBytes) return null;
    const start = this.#joined(lengthsBytes);
    const headerBytes = start.readUInt32LE(0);
    const bodyBytes = start.readUInt32LE(4);
    if (headerBytes > longestHeaderBytes || bodyBytes > longestBodyBytes) {
      throw new Error(`a frame of ${headerBytes} + ${bodyBytes} bytes`);
    }
    const total = lengthsBytes + headerBytes + bodyBytes;
    if (this.#length < total) return null;
    const whole = this.#joined(total);
    const rest = whole.subarray(total);
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    const header: unknown = JSON.parse(whole.toString('utf8', lengthsBytes, lengthsBytes + headerBytes));
    if (typeof header !== 'object' || header === null) throw new Error('a frame whose header is no object');
    return {
      header: header as Frame['header'],
      body: whole.subarray(lengthsBytes + headerBytes, total),
    };
  }

  /** The pieces as one, where the first does not hold so many bytes. */
  #joined(bytes: number): Buffer {
    const [first] = this.#pieces;
    if (first && first.length >= bytes) return first;
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [whole];
    return whole;
  }
}
