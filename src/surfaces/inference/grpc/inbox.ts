import { uncountedBytes } from '../body-room.ts';
import type { Http2Stream } from '../http2/stream.ts';
import type { Exchange } from './exchange.ts';
import { type Frame, FrameReader } from './framing.ts';
import type { MessageCodec } from './messages.ts';
import { GrpcError, grpcStatus } from './status.ts';

/** Frames, and their bytes, that may wait for their method before the caller is held back. */
const mostWaiting = 64;
const mostWaitingBytes = 1024 * 1024;

/** The messages of a stream, read one after another at the pace of who takes them. */
export class Inbox implements AsyncIterable<object> {
  readonly #stream: Http2Stream;
  readonly #exchange: Exchange;
  readonly #codec: MessageCodec;
  readonly #reader: FrameReader;
  readonly #frames: Frame[] = [];
  #waitingBytes = 0;
  /** Of the message that was given last, until the next is asked for. */
  #lastBytes = 0;
  #ended = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(stream: Http2Stream, exchange: Exchange, codec: MessageCodec) {
    this.#stream = stream;
    this.#exchange = exchange;
    this.#codec = codec;
    this.#reader = new FrameReader(exchange.limitBytes);
  }

  /** Is the message that was given last large, as it came or expanded? */
  get lastIsLarge(): boolean {
    return Math.max(this.#lastBytes, this.#exchange.expandedBytes) > uncountedBytes;
  }

  /** More bytes of the stream. */
  take(part: Buffer): void {
    if (this.#ended || this.#error !== null) return;
    try {
      for (const frame of this.#reader.push(part)) {
        this.#frames.push(frame);
        this.#waitingBytes += frame.bytes.length;
      }
      this.#hold();
    } catch (error) {
      this.#error = error;
    }
    if (this.#frames.length > mostWaiting || this.#waitingBytes > mostWaitingBytes) this.#stream.pause();
    this.#wake?.();
  }

  #hold(): void {
    this.#exchange.hold(this.#reader.heldBytes + this.#waitingBytes + this.#lastBytes);
  }

  /** The caller has sent everything. */
  end(): void {
    if (!this.#reader.empty)
      this.#error ??= new GrpcError(grpcStatus.internal, 'the stream ends within a message');
    this.close();
  }

  /** Takes no more messages; those that wait are still given. */
  close(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<object> {
    while (true) {
      const frame = this.#frames.shift();
      if (frame) {
        this.#waitingBytes -= frame.bytes.length;
        this.#lastBytes = frame.bytes.length;
        this.#hold();
        if (this.#frames.length === 0) this.#stream.resume();
        yield await this.#exchange.read(frame, this.#codec);
        this.#lastBytes = 0;
        this.#exchange.dropExpanded();
        this.#hold();
      } else if (this.#error !== null) {
        throw this.#error;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    }
  }
}
