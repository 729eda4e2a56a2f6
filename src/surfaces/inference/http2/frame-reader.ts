import { errorCode, flag, frameHeadBytes, Http2Error, mask31, plainFrameBytes, preface } from './frames.ts';

/** Takes a frame; false when nothing after it is wanted any more. */
export type TakeFrame = (type: number, flags: number, streamId: number, payload: Buffer) => boolean;

const nothing: Buffer = Buffer.alloc(0);

/** Cuts what comes from a client into the preface and frames. It keeps no more than one frame that is not whole. */
export class FrameReader {
  #rest = nothing;

  /** Takes the client's first bytes: how they compare to what HTTP/2 begins with. What follows waits for `read`. */
  greet(chunk: Buffer): 'whole' | 'partly' | 'different' {
    const bytes = this.#with(chunk);
    const seen = Math.min(preface.length, bytes.length);
    const isSame = bytes.compare(preface, 0, seen, 0, seen) === 0;
    const isWhole = isSame && seen === preface.length;
    this.#rest = isWhole ? bytes.subarray(seen) : bytes;
    return isWhole ? 'whole' : isSame ? 'partly' : 'different';
  }

  /** Gives the frames that are whole. Throws Http2Error FRAME_SIZE_ERROR for one that is too large. */
  read(chunk: Buffer, take: TakeFrame): void {
    const bytes = this.#with(chunk);
    let at = 0;
    let goesOn = true;
    while (goesOn && bytes.length - at >= frameHeadBytes) {
      const length = bytes.readUIntBE(at, 3);
      if (length > plainFrameBytes) {
        const text = `a frame has ${length} bytes; ${plainFrameBytes} are taken`;
        throw new Http2Error(errorCode.frameSize, text);
      }
      const end = at + frameHeadBytes + length;
      if (end > bytes.length) break;
      const streamId = bytes.readUInt32BE(at + 5) & mask31;
      const payload = bytes.subarray(at + frameHeadBytes, end);
      goesOn = take(bytes[at + 3] as number, bytes[at + 4] as number, streamId, payload);
      at = end;
    }
    this.#rest = goesOn && at < bytes.length ? bytes.subarray(at) : nothing;
  }

  #with(chunk: Buffer): Buffer {
    return this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }
}

/** What is in a frame that may be padded. Throws Http2Error. */
export function unpadded(flags: number, payload: Buffer): Buffer {
  if (!(flags & flag.padded)) return payload;
  const padding = payload[0];
  if (padding === undefined || padding >= payload.length) {
    throw new Http2Error(errorCode.protocol, 'more padding than frame');
  }
  return payload.subarray(1, payload.length - padding);
}
