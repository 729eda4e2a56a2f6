import type { Frame } from './frames.ts';

interface FrameSource {
  /** Sends a frame to the worker. */
  send(header: object, body: Uint8Array): void;
  /** Stops and goes on reading what the worker sends: a worker that nobody reads waits. */
  pause(): void;
  resume(): void;
  /** Called once when no frame came for so long while one was waited for. */
  onSilence(): void;
}

/** Bytes of pieces that may wait before the worker is held back. */
const mostWaitingBytes = 256 * 1024;

/** The pieces of one answer of a worker, taken at the pace of whoever reads them. */
export class FrameStream {
  /** Resolves when the worker is free again, or has ended. */
  readonly ended: Promise<void>;
  readonly #source: FrameSource;
  readonly #timeoutMs: number;
  readonly #frames: Frame[] = [];
  readonly #onEnded: () => void;
  #waitingBytes = 0;
  #paused = false;
  #over = false;
  #closed = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param timeoutMs longest silence of the worker */
  constructor(source: FrameSource, timeoutMs: number) {
    this.#source = source;
    this.#timeoutMs = timeoutMs;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#onEnded = resolve;
    this.#watch();
  }

  /** The next frame; null after `close`. Rejects with what ended the worker. */
  async next(): Promise<Frame | null> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) {
        this.#waitingBytes -= frame.body.length;
        if (this.#paused && this.#frames.length === 0) this.#flow();
        return frame;
      }
      if (this.#closed) return null;
      if (this.#error) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Wants no more: the worker is told, and what it still sends is thrown away. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#frames.length = 0;
    if (!this.#over) this.#source.send({ op: 'stop' }, new Uint8Array());
    if (this.#paused) this.#flow();
    this.#wake?.();
  }

  /** Takes a frame from the worker; the one without `more` is its last. */
  push(frame: Frame): void {
    const last = frame.header.more !== true;
    if (last) this.#finish();
    else this.#watch();
    if (this.#closed) return;
    this.#frames.push(frame);
    this.#waitingBytes += frame.body.length;
    if (!last && this.#waitingBytes > mostWaitingBytes) {
      this.#paused = true;
      this.#clear();
      this.#source.pause();
    }
    this.#wake?.();
  }

  /** The worker is gone. */
  fail(error: Error): void {
    this.#error = error;
    this.#finish();
    this.#wake?.();
  }

  #finish(): void {
    this.#over = true;
    this.#clear();
    this.#onEnded();
  }

  #flow(): void {
    this.#paused = false;
    if (this.#over) return;
    this.#watch();
    this.#source.resume();
  }

  #watch(): void {
    this.#clear();
    this.#timer = setTimeout(() => this.#source.onSilence(), this.#timeoutMs);
  }

  #clear(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
