import { copyFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../log/index.ts';
import type { DiskBudget } from './disk-budget.ts';
import { convertSegment, readFacts, type SegmentFacts, type SegmentFrames } from './parquet.ts';
import { readHeader, type SegmentColumn, suffix } from './segment-file.ts';

/** Failures in a row before the log says so: a receiver that is being restarted is no news. */
const toldAfter = 3;
/** Times that a segment cannot be converted before it is set aside: what is behind it must not wait for ever. */
const asideAfter = 8;

/** A complete segment, ready for its reader. `id` names it for ever: shipping it twice must do nothing. */
export interface SealedSegment extends SegmentFacts {
  readonly id: string;
  readonly stream: string;
  readonly path: string;
}

export interface ShippingOptions {
  readonly directory: string;
  readonly stream: string;
  /** Columns of rows that were appended without columns of their own: what is read of a segment that lost its header. */
  readonly columns: readonly SegmentColumn[];
  readonly keyColumn: string;
  readonly timeColumn: string;
  readonly frames: SegmentFrames;
  /** Returns once the receiver holds the segment durably; it is deleted here after that. */
  readonly ship: (segment: SealedSegment) => Promise<void>;
  readonly logger: Logger;
  /** What this and other logs may take on the disk together; rows are refused beyond it. */
  readonly budget?: DiskBudget;
  /** First and longest wait after a failed attempt. */
  readonly backOffMs: readonly [number, number];
}

/**
 * Brings sealed segments to their receiver in order, at least once each: convert, ship, delete. A failure is
 * tried again with back-off for as long as it takes; nothing is deleted that was not acknowledged. A damaged segment
 * is set aside, whole, under a name of its own (`suffix.damaged`), and what can be read of it is shipped; the others go on.
 */
export class Shipping {
  readonly #options: ShippingOptions;
  readonly #queue: string[] = [];
  /** What is known of segments that are Parquet by now, and what each takes on the disk. */
  readonly #converted = new Map<string, SegmentFacts>();
  readonly #sizes = new Map<string, number>();
  #damaged = 0;
  /** Times that a segment could not be converted. */
  readonly #unreadable = new Map<string, number>();
  #running = false;
  #closed = false;
  #failures = 0;
  #wake: (() => void) | null = null;
  #idle: (() => void)[] = [];

  constructor(options: ShippingOptions) {
    this.#options = options;
  }

  /** Segments that were set aside since this was opened, or found so. */
  get damaged(): number {
    return this.#damaged;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Takes a segment.
   *
   * @param sizeBytes what it takes on the disk and is counted in the budget already
   */
  add(id: string, sizeBytes: number): void {
    this.#queue.push(id);
    this.#sizes.set(id, sizeBytes);
    this.retryNow();
    void this.#run();
  }

  /** Counts a segment that an earlier process had set aside. It takes room on the disk until somebody removes it. */
  addDamaged(sizeBytes: number): void {
    this.#damaged++;
    this.#options.budget?.add(sizeBytes);
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
        await this.#convertWaiting().catch(() => undefined);
        await this.#pause();
      }
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #deliver(id: string): Promise<void> {
    const { directory, stream, ship } = this.#options;
    const path = join(directory, id + suffix.parquet);
    const facts = this.#converted.get(id) ?? (await this.#convert(id));
    if (facts.rows > 0) await ship({ id, stream, path, ...facts });
    this.#converted.delete(id);
    await rm(path, { force: true });
    this.#account(id, 0);
  }

  /** Makes a segment's Parquet file, which is much smaller, and removes its rows as they were written. */
  async #convert(id: string): Promise<SegmentFacts> {
    const { directory, keyColumn, timeColumn, frames } = this.#options;
    const source = join(directory, id + suffix.sealed);
    const path = join(directory, id + suffix.parquet);
    const sealed = await stat(source).catch(() => null);
    let facts: SegmentFacts = { rows: 0, minTimeMs: 0, maxTimeMs: 0 };
    if (sealed) {
      const found = await readHeader(source);
      if (found === 'damaged') await this.#keepDamaged(id, 'its header is not what was written');
      const header = found === 'damaged' ? { segment: id, columns: this.#options.columns } : found;
      if (header) {
        const converted = await convertSegment(frames, header, source, path, keyColumn, timeColumn).catch(
          (error: unknown) => this.#setAside(id, error),
        );
        facts = converted ?? facts;
      }
      this.#unreadable.delete(id);
      await rm(source, { force: true });
    } else {
      facts = await readFacts(frames, path, timeColumn);
    }
    this.#converted.set(id, facts);
    const file = await stat(path).catch(() => null);
    this.#account(id, file?.size ?? 0);
    return facts;
  }

  /** Sets aside what cannot be converted again and again; throws the error while that may be another one's fault. */
  async #setAside(id: string, error: unknown): Promise<null> {
    const times = (this.#unreadable.get(id) ?? 0) + 1;
    this.#unreadable.set(id, times);
    if (times < asideAfter || !(await this.#canConvert(id))) throw error;
    const path = join(this.#options.directory, id);
    await rename(path + suffix.sealed, path + suffix.damaged);
    await rm(`${path}${suffix.parquet}.tmp`, { force: true });
    this.addDamaged((await stat(path + suffix.damaged)).size);
    this.#tellDamaged(id, 'it cannot be read', error);
    return null;
  }

  /** Whether the frame engine answers, and the disk has room for more than a conversion takes. */
  async #canConvert(id: string): Promise<boolean> {
    const { directory, frames } = this.#options;
    const trial = join(directory, `${id}.trial.tmp`);
    try {
      await copyFile(join(directory, id + suffix.sealed), trial);
      return (await frames.query('SELECT 1 AS one')).length === 1;
    } catch {
      return false;
    } finally {
      await rm(trial, { force: true });
    }
  }

  async #keepDamaged(id: string, problem: string): Promise<void> {
    const path = join(this.#options.directory, id);
    const kept = path + suffix.damaged;
    if (await stat(kept).catch(() => null)) return;
    await copyFile(path + suffix.sealed, `${kept}.tmp`);
    await rename(`${kept}.tmp`, kept);
    this.addDamaged((await stat(kept)).size);
    this.#tellDamaged(id, problem);
  }

  #tellDamaged(id: string, problem: string, error?: unknown): void {
    const { directory, stream, logger } = this.#options;
    const file = join(directory, id + suffix.damaged);
    logger.error(
      { stream, segment: id, file, problem, err: error },
      'a segment of the log is damaged: the file was set aside, the others go on',
    );
  }

  /** While nothing can be shipped, what waits is made small. */
  async #convertWaiting(): Promise<void> {
    for (const id of [...this.#queue]) {
      if (this.#closed) return;
      if (!this.#converted.has(id)) await this.#convert(id);
    }
  }

  #account(id: string, sizeBytes: number): void {
    this.#options.budget?.add(sizeBytes - (this.#sizes.get(id) ?? 0));
    if (sizeBytes === 0) this.#sizes.delete(id);
    else this.#sizes.set(id, sizeBytes);
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
