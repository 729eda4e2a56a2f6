import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import {
  type Durability,
  recoverOpenSegment,
  type SegmentColumn,
  SegmentFile,
  suffix,
} from './segment-file.ts';
import { Shipping, type ShippingOptions } from './shipping.ts';

export interface SegmentLogOptions extends Omit<ShippingOptions, 'backOffMs'> {
  /** Columns of rows that are appended without columns of their own. */
  readonly columns: readonly SegmentColumn[];
  /** A segment is sealed when it holds this much or is this old. */
  readonly maxRows: number;
  readonly maxSizeBytes: number;
  readonly maxAgeMs: number;
  readonly backOffMs?: readonly [number, number];
  /** `fsync` unless given. */
  readonly durability?: Durability;
}

interface Group {
  readonly kind: 'write';
  readonly lines: string[];
  rows: number;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}
interface Roll {
  readonly kind: 'roll';
  readonly columns: readonly SegmentColumn[] | null;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A durable append-only log. Rows go to an open segment file; `append` resolves when they are on the disk,
 * and all appends that wait while the disk is busy share the next write. Segments are sealed by rows, size,
 * age or on demand, become Parquet, are shipped, and are deleted once the receiver has them. After a crash
 * (kill -9, power loss) opening the log again keeps every row whose append had resolved.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #shipping: Shipping;
  /** Columns of the next segment, and those of the newest append. */
  #columns: readonly SegmentColumn[];
  #wanted: readonly SegmentColumn[];
  #file: SegmentFile | null = null;
  #ageTimer: NodeJS.Timeout | null = null;
  readonly #work: (Group | Roll)[] = [];
  #busy = false;

  private constructor(options: SegmentLogOptions) {
    this.#options = options;
    this.#columns = options.columns;
    this.#wanted = options.columns;
    this.#shipping = new Shipping({ ...options, backOffMs: options.backOffMs ?? [500, 30_000] });
  }

  /** Opens the log in its directory and recovers what an earlier process left there. */
  static async open(options: SegmentLogOptions): Promise<SegmentLog> {
    await mkdir(options.directory, { recursive: true });
    const log = new SegmentLog(options);
    const names = (await readdir(options.directory)).sort();
    const take = async (id: string, file: string): Promise<void> => {
      const { size } = await stat(join(options.directory, file));
      options.budget?.add(size);
      log.#shipping.add(id, size);
    };
    for (const name of names) {
      if (name.endsWith(suffix.open)) {
        const id = name.slice(0, -suffix.open.length);
        const rows = await recoverOpenSegment(options.directory, id);
        options.logger.info({ stream: options.stream, segment: id, rows }, 'segment recovered');
        await take(id, id + suffix.sealed);
      } else if (name.endsWith(suffix.sealed)) {
        await take(name.slice(0, -suffix.sealed.length), name);
      } else if (name.endsWith(suffix.parquet) && !hasRows(names, name)) {
        await take(name.slice(0, -suffix.parquet.length), name);
      } else {
        await rm(join(options.directory, name), { force: true });
      }
    }
    return log;
  }

  /** The file that takes rows, and how much of it is written; null while there is none. */
  get open(): { readonly path: string; readonly sizeBytes: number } | null {
    const file = this.#file;
    if (!file) return null;
    return { path: join(this.#options.directory, file.id + suffix.open), sizeBytes: file.sizeBytes };
  }

  /** Segments that the receiver does not have yet, the open one included. */
  get waiting(): number {
    return this.#shipping.waiting + (this.#file ? 1 : 0);
  }

  /**
   * Appends rows: JSON objects, each with a newline at its end. Resolves when they are durable. Rejects with
   * `disk_full` (or the file system's error) when they are not in the log; the next append tries afresh.
   *
   * @param columns what the rows hold; other columns than before begin a new segment, so none ever mixes two sets
   */
  append(
    lines: string,
    rows: number,
    columns: readonly SegmentColumn[] = this.#options.columns,
  ): Promise<void> {
    if (columns !== this.#wanted) this.#changeColumns(columns);
    let group = this.#work.at(-1);
    if (group?.kind !== 'write') {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      group = { kind: 'write', lines: [], rows: 0, done: promise, resolve, reject };
      this.#work.push(group);
      this.#start();
    }
    group.lines.push(lines);
    group.rows += rows;
    return group.done;
  }

  /** Seals the open segment, rows appended before this call included. It is shipped in the background. */
  seal(): Promise<void> {
    return this.#roll(null);
  }

  /** Resolves when everything sealed has reached its receiver. */
  drained(): Promise<void> {
    return this.#shipping.drained();
  }

  /** Tells the log that the receiver is back, so that it need not wait out its back-off. */
  retryNow(): void {
    this.#shipping.retryNow();
  }

  /** Seals and stops. What was not shipped is shipped after the next start. */
  async close(): Promise<void> {
    await this.seal();
    await this.#shipping.close();
  }

  #changeColumns(columns: readonly SegmentColumn[]): void {
    const same = JSON.stringify(columns) === JSON.stringify(this.#wanted);
    this.#wanted = columns;
    if (!same) this.#roll(columns).catch(() => undefined);
  }

  #roll(columns: readonly SegmentColumn[] | null): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#work.push({ kind: 'roll', columns, resolve, reject });
    this.#start();
    return promise;
  }

  /**
   * Begins when what is appended beside this was appended too, so that it shares the write: after this piece of work
   * where a write takes microseconds, on the next turn of the event loop where it waits for the disk.
   */
  #start(): void {
    if (this.#busy) return;
    this.#busy = true;
    if (this.#file?.writesNow) queueMicrotask(() => void this.#run());
    else setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    for (let item = this.#work.shift(); item; item = this.#work.shift()) {
      try {
        if (item.kind === 'write') {
          if (!this.#writeNow(item)) await this.#write(item);
        } else {
          await this.#sealFile();
          this.#columns = item.columns ?? this.#columns;
        }
        item.resolve();
        if (this.#isFull()) await this.#sealFile();
      } catch (error) {
        item.reject(this.#explain(error));
      }
    }
    this.#busy = false;
  }

  /** Writes what needs no waiting; false where it does. */
  #writeNow(group: Group): boolean {
    if (!this.#file?.writesNow) return false;
    const lines = group.lines.join('');
    this.#requireBudget(lines.length);
    const sizeBytes = this.#file.appendNow(lines, group.rows);
    this.#options.budget?.add(sizeBytes);
    return true;
  }

  #requireBudget(sizeBytes: number): void {
    const { budget } = this.#options;
    if (budget && !budget.allows(sizeBytes)) {
      const [used, most] = [budget.usedBytes, budget.maxBytes].map((bytes) => (bytes / 1e6).toFixed(1));
      throw new Error(
        `the log takes ${used} MB on the disk and may take ${most} MB: rows are taken again when segments were shipped`,
      );
    }
  }

  async #write(group: Group): Promise<void> {
    const lines = group.lines.join('');
    this.#requireBudget(lines.length);
    if (!this.#file) {
      const { directory, durability = { kind: 'fsync' } } = this.#options;
      const header = { segment: uuidv7(), columns: this.#columns };
      this.#file = await SegmentFile.create(directory, header, durability);
      this.#ageTimer = setTimeout(() => void this.seal().catch(() => undefined), this.#options.maxAgeMs);
      this.#ageTimer.unref();
    }
    const sizeBytes = await this.#file.append(lines, group.rows);
    this.#options.budget?.add(sizeBytes);
  }

  #isFull(): boolean {
    const { maxRows, maxSizeBytes } = this.#options;
    return this.#file !== null && (this.#file.rows >= maxRows || this.#file.sizeBytes >= maxSizeBytes);
  }

  async #sealFile(): Promise<void> {
    const file = this.#file;
    if (!file) return;
    await file.seal();
    this.#file = null;
    if (this.#ageTimer) clearTimeout(this.#ageTimer);
    this.#shipping.add(file.id, file.sizeBytes);
  }

  #explain(error: unknown): unknown {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      return fail('disk_full', { path: this.#options.directory }, error);
    return error;
  }
}

/** Whether the rows that a Parquet file was made of are there too: then it is made again. */
function hasRows(names: readonly string[], parquetName: string): boolean {
  const id = parquetName.slice(0, -suffix.parquet.length);
  return names.includes(id + suffix.sealed);
}
