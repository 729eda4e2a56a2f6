import type { Http2Stream } from '../http2/stream.ts';
import type { Exchange } from './exchange.ts';
import { type Frame, FrameReader } from './framing.ts';
import type { MessageCodec } from './messages.ts';
import { GrpcError, grpcStatus } from './status.ts';

/** Frames that may wait for their method before the caller is held back. */
const mostWaiting = 64;

/** The messages of a stream, read one after another at the pace of who takes them. */
export class Inbox implements AsyncIterable<object> {
  readonly #stream: Http2Stream;
  readonly #exchange: Exchange;
  readonly #codec: MessageCodec;
  readonly #reader: FrameReader;
  readonly #frames: Frame[] = [];
  #ended = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(stream: Http2Stream, exchange: Exchange, codec: MessageCodec) {
    this.#stream = stream;
    this.#exchange = exchange;
    this.#codec = codec;
    this.#reader = new FrameReader(exchange.limitBytes);
  }

  /** More bytes of the stream. */
  take(part: Buffer): void {
    try {
      if (!this.#ended) this.#frames.push(...this.#reader.push(part));
    } catch (error) {
      this.#error = error;
    }
    if (this.#frames.length > mostWaiting) this.#stream.pause();
    this.#wake?.();
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
        if (this.#frames.length === 0) this.#stream.resume();
        yield await this.#exchange.read(frame, this.#codec);
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
