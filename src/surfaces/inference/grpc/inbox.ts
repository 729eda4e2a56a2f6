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
  /** Since when there is a message that is not complete, or its caller may go on with it. */
  #partSinceMs = 0;
  #paused = false;
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
    const wasEmpty = this.#reader.empty;
    try {
      const frames = this.#reader.push(part);
      if (wasEmpty || frames.length > 0) this.#partSinceMs = performance.now();
      for (const frame of frames) {
        this.#frames.push(frame);
        this.#waitingBytes += frame.bytes.length;
      }
      this.#hold();
    } catch (error) {
      this.#error = error;
    }
    if (this.#frames.length > mostWaiting || this.#waitingBytes > mostWaitingBytes) {
      this.#paused = true;
      this.#stream.pause();
    }
    this.#wake?.();
  }

  /** Ends the stream, behind the messages that are there, where the rest of one comes too late. */
  look(nowMs: number): void {
    if (this.#ended || this.#paused || this.#error !== null || this.#reader.empty) return;
    this.#error = this.#exchange.lateness(this.#partSinceMs, nowMs);
    if (this.#error === null) return;
    this.#reader.clear();
    this.#hold();
    this.#wake?.();
  }

  #resume(): void {
    this.#partSinceMs = performance.now();
    this.#paused = false;
    this.#stream.resume();
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
        if (this.#paused && this.#frames.length === 0) this.#resume();
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
