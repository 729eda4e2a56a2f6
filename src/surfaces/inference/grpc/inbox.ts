import type { ServerHttp2Stream } from 'node:http2';
import type { Exchange } from './exchange.ts';
import { type Frame, FrameReader } from './framing.ts';
import type { MessageCodec } from './messages.ts';
import { GrpcError, grpcStatus } from './status.ts';

/** Frames that may wait for their method before the caller is held back. */
const mostWaiting = 64;

/** The messages of a stream, read one after another at the pace of who takes them. */
export class Inbox implements AsyncIterable<object> {
  readonly #stream: ServerHttp2Stream;
  readonly #exchange: Exchange;
  readonly #codec: MessageCodec;
  readonly #frames: Frame[] = [];
  #ended = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(stream: ServerHttp2Stream, exchange: Exchange, codec: MessageCodec) {
    this.#stream = stream;
    this.#exchange = exchange;
    this.#codec = codec;
    const reader = new FrameReader(exchange.limitBytes);
    stream.on('data', (part: Buffer) => {
      try {
        if (!this.#ended) this.#frames.push(...reader.push(part));
      } catch (error) {
        this.#error = error;
      }
      if (this.#frames.length > mostWaiting) stream.pause();
      this.#wake?.();
    });
    stream.on('end', () => {
      if (!reader.empty)
        this.#error ??= new GrpcError(grpcStatus.internal, 'the stream ends within a message');
      this.close();
    });
    stream.on('close', () => this.close());
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
