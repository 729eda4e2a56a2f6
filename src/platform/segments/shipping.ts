import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../log/index.ts';
import { convertSegment, type SegmentFacts, type SegmentFrames } from './parquet.ts';
import { readHeader, suffix } from './segment-file.ts';

/** Failures in a row before the log says so: a receiver that is being restarted is no news. */
const toldAfter = 3;

/** A complete segment, ready for its reader. `id` names it for ever: shipping it twice must do nothing. */
export interface SealedSegment extends SegmentFacts {
  readonly id: string;
  readonly stream: string;
  readonly path: string;
}

export interface ShippingOptions {
  readonly directory: string;
  readonly stream: string;
  readonly keyColumn: string;
  readonly timeColumn: string;
  readonly frames: SegmentFrames;
  /** Returns once the receiver holds the segment durably; it is deleted here after that. */
  readonly ship: (segment: SealedSegment) => Promise<void>;
  readonly logger: Logger;
  /** First and longest wait after a failed attempt. */
  readonly backOffMs: readonly [number, number];
}

/**
 * Brings sealed segments to their receiver in order, at least once each: convert, ship, delete. A failure is
 * tried again with back-off for as long as it takes; nothing is deleted that was not acknowledged.
 */
export class Shipping {
  readonly #options: ShippingOptions;
  readonly #queue: string[] = [];
  #running = false;
  #closed = false;
  #failures = 0;
  #wake: (() => void) | null = null;
  #idle: (() => void)[] = [];

  constructor(options: ShippingOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  add(id: string): void {
    this.#queue.push(id);
    this.retryNow();
    void this.#run();
  }

  /** Cuts the present back-off short: the receiver is known to be back. */
  retryNow(): void {
    this.#wake?.();
  }

  /** Resolves when nothing waits any more, or when this is closed. */
  async drained(): Promise<void> {
    while (this.#queue.length > 0 && !this.#closed)
      await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Stops and waits for the present attempt; what waits stays on the disk for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.retryNow();
    while (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (!this.#closed) {
      const [id] = this.#queue;
      if (id === undefined) break;
      try {
        await this.#deliver(id);
        this.#queue.shift();
        this.#failures = 0;
      } catch (error) {
        if (this.#closed) break;
        this.#failures++;
        const { stream, logger } = this.#options;
        if (this.#failures === toldAfter || this.#failures % 20 === 0) {
          logger.warn(
            { stream, segment: id, attempts: this.#failures, err: error },
            'segment waits: it could not be shipped',
          );
        }
        await this.#pause();
      }
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #deliver(id: string): Promise<void> {
    const { directory, stream, keyColumn, timeColumn, frames, ship } = this.#options;
    const source = join(directory, id + suffix.sealed);
    const path = join(directory, id + suffix.parquet);
    const header = await readHeader(source);
    if (header) {
      const facts = await convertSegment(frames, header, source, path, keyColumn, timeColumn);
      if (facts.rows > 0) await ship({ id, stream, path, ...facts });
    }
    await rm(source, { force: true });
    await rm(path, { force: true });
  }

  #pause(): Promise<void> {
    const [firstMs, longestMs] = this.#options.backOffMs;
    const waitMs = Math.min(longestMs, firstMs * 2 ** Math.min(16, this.#failures - 1));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
