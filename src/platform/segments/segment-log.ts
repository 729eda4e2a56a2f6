import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../core/error-message.ts';
import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { RowBytes } from './row-bytes.ts';
import { type Durability, recoverOpenSegment, type SegmentColumn, SegmentFile } from './segment-file.ts';
import { parquetSuffix, type SegmentForm, segmentName, suffixes } from './segment-names.ts';
import { type DamagedSegment, Shipping, type ShippingOptions } from './shipping.ts';

export interface SegmentLogOptions extends Omit<ShippingOptions, 'backOffMs'> {
  /** A segment is sealed when it holds this much or is this old. */
  readonly maxRows: number;
  readonly maxSizeBytes: number;
  readonly maxAgeMs: number;
  readonly backOffMs?: readonly [number, number];
  /** `fsync` unless given. */
  readonly durability?: Durability;
  /** What an append is rejected with instead of the error that kept it from the disk. */
  readonly refusal?: (error: Error) => Error;
}

interface Group {
  readonly kind: 'write';
  readonly bytes: RowBytes;
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

/** What is kept of buffers that rows were written from: memory outside the heap that comes and goes has the heap collected. */
const keptBuffers = 2;
const longestKept = 16 * 1024 * 1024;

/** How often refused rows are told of while it lasts; who sent them hears of it each time. */
const tellEveryMs = 60_000;

/** How full a segment is when the next one's file is made. */
const nextAt = 0.5;

/**
 * A durable append-only log. Rows go to an open segment file; `append` resolves when they are on the disk,
 * and all appends that wait while the disk is busy share the next write. Segments are sealed by rows, size,
 * age or on demand, become Parquet, are shipped, and are deleted once the receiver has them. After a crash
 * (kill -9, power loss) opening the log again keeps every row whose append had resolved.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #form: SegmentForm;
  readonly #shipping: Shipping;
  /** Columns of the next segment, and those of the newest append. */
  #columns: readonly SegmentColumn[];
  #wanted: readonly SegmentColumn[];
  #file: SegmentFile | null = null;
  /** The file that follows, made before the other is full: no append waits for the disk to make one. */
  #next: SegmentFile | null = null;
  #makingNext: Promise<void> | null = null;
  /** Files that take no more rows and are not sealed yet, oldest first. */
  readonly #full: SegmentFile[] = [];
  #sealing: Promise<void> | null = null;
  #sealAgainTimer: NodeJS.Timeout | null = null;
  /** What kept a file from being sealed, until it is. */
  #sealProblem: string | null = null;
  #ageTimer: NodeJS.Timeout | null = null;
  /** Rows that could not be written since that was told last. */
  #refusedRows = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  readonly #work: (Group | Roll)[] = [];
  /** Those that rows can be written to. */
  readonly #buffers: RowBytes[] = [];
  #busy = false;

  private constructor(options: SegmentLogOptions) {
    this.#options = options;
    this.#form = options.records ? 'records' : 'lines';
    this.#columns = options.columns;
    this.#wanted = options.columns;
    this.#shipping = new Shipping({ ...options, backOffMs: options.backOffMs ?? [500, 30_000] });
  }

  /** Opens the log in its directory and recovers what an earlier process left there. */
  static async open(options: SegmentLogOptions): Promise<SegmentLog> {
    await mkdir(options.directory, { recursive: true });
    const log = new SegmentLog(options);
    const names = (await readdir(options.directory)).sort();
    const take = async (id: string, file: string, form: SegmentForm | null, hasCrashed = false) => {
      const { size } = await stat(join(options.directory, file));
      options.budget?.add(size);
      log.#shipping.add(id, form, size, hasCrashed);
    };
    for (const name of names) {
      const found = segmentName(name);
      if (found?.state === 'open') {
        const { id, form } = found;
        const rows = await recoverOpenSegment(options.directory, id, form);
        options.logger.info({ stream: options.stream, segment: id, rows }, 'segment recovered');
        await take(id, id + suffixes[form].sealed, form, true);
      } else if (found?.state === 'sealed') {
        await take(found.id, name, found.form);
      } else if (found?.state === 'damaged') {
        const file = join(options.directory, name);
        const damaged = { file, problem: null, rowsRead: null, rowsLost: null };
        log.#shipping.addDamaged(damaged, (await stat(file)).size);
      } else if (name.endsWith(parquetSuffix) && !hasRows(names, name)) {
        await take(name.slice(0, -parquetSuffix.length), name, null);
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
    return { path: file.path, sizeBytes: file.sizeBytes };
  }

  /** Segments that were set aside because they are damaged; what can be read of them is shipped. */
  get damaged(): number {
    return this.#shipping.damaged;
  }

  /** Looks which of those are still there. */
  findDamaged(): Promise<readonly DamagedSegment[]> {
    return this.#shipping.findDamaged();
  }

  /** Segments that the receiver does not have yet, the open one included. */
  get waiting(): number {
    return this.#shipping.waiting + this.#full.length + (this.#file ? 1 : 0);
  }

  /**
   * Appends rows. Resolves when they are durable. Rejects with `disk_full` (or the file system's error) when they are not
   * in the log; the next append tries afresh.
   *
   * @param added them: lines of JSON, each with a newline at its end; for a log of records, what writes them at once (see
   * `rowLayout`)
   * @param columns what the rows hold; other columns than before begin a new segment, so none ever mixes two sets
   */
  append(
    added: string | ((to: RowBytes) => void),
    rows: number,
    columns: readonly SegmentColumn[] = this.#options.columns,
  ): Promise<void> {
    if (columns !== this.#wanted) this.#changeColumns(columns);
    let group = this.#work.at(-1);
    if (group?.kind !== 'write') {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      group = { kind: 'write', bytes: this.#buffer(), rows: 0, done: promise, resolve, reject };
      this.#work.push(group);
      this.#start();
    }
    const { bytes } = group;
    const before = bytes.length;
    try {
      if (typeof added === 'string') bytes.line(added);
      else added(bytes);
    } catch (error) {
      bytes.cut(before);
      // Nobody else may wait for this group.
      group.done.catch(() => undefined);
      return Promise.reject(error);
    }
    group.rows += rows;
    return group.done;
  }

  #buffer(): RowBytes {
    return this.#buffers.pop() ?? new RowBytes();
  }

  #release(bytes: RowBytes): void {
    bytes.cut();
    if (this.#buffers.length < keptBuffers && bytes.capacity <= longestKept) this.#buffers.push(bytes);
  }

  /** Seals the open segment, rows appended before this call included. It is shipped in the background. */
  async seal(): Promise<void> {
    await this.#roll(null);
    if (!this.#file) await this.#discardNext();
  }

  /** The same for a log that goes on: the file of rows to come is made first, so that none of them waits for it. */
  async sealWhileWriting(): Promise<void> {
    if (this.#file) await this.#makeNext();
    await this.#roll(null);
  }

  /** Resolves when everything that is sealed by now has reached its receiver; what is sealed meanwhile is not waited for. */
  drained(): Promise<void> {
    return this.#shipping.drained();
  }

  /** Tells the log that the receiver is back, so that it need not wait out its back-off. */
  retryNow(): void {
    this.#shipping.retryNow();
  }

  /** Seals and stops. What was not shipped is shipped after the next start. */
  async close(): Promise<void> {
    try {
      await this.#roll(null);
    } finally {
      if (this.#sealAgainTimer) clearTimeout(this.#sealAgainTimer);
      await this.#discardNext();
      await this.#shipping.close();
    }
  }

  #changeColumns(columns: readonly SegmentColumn[]): void {
    const same = JSON.stringify(columns) === JSON.stringify(this.#wanted);
    this.#wanted = columns;
    // A file that could not be sealed is told of and tried again; see `#sealAgain`.
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
          const bytes = this.#form === 'lines' ? item.bytes.lines : item.bytes.block(item.rows);
          try {
            if (!this.#writeNow(bytes, item.rows)) await this.#write(bytes, item.rows);
          } finally {
            this.#release(item.bytes);
          }
          item.resolve();
          if (this.#isFull(1)) this.#putAside();
          else if (this.#isFull(nextAt)) void this.#makeNext();
        } else {
          this.#putAside();
          this.#columns = item.columns ?? this.#columns;
          this.#sealFull().then(item.resolve, (error) => item.reject(this.#explain(error)));
        }
      } catch (error) {
        if (item.kind === 'write') this.#tellRefused(item.rows, error);
        item.reject(this.#refusal(error));
      }
    }
    this.#busy = false;
  }

  #tellRefused(rows: number, error: unknown): void {
    this.#refusedRows += rows;
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < tellEveryMs) return;
    const { stream, logger } = this.#options;
    const told = { stream, rows: this.#refusedRows, err: this.#explain(error) };
    logger.error(told, 'rows could not be written to the log and were refused; told once a minute');
    this.#toldMs = nowMs;
    this.#refusedRows = 0;
  }

  /** Writes what needs no waiting; false where it does. */
  #writeNow(bytes: Buffer, rows: number): boolean {
    this.#file ??= this.#takeNext();
    if (!this.#file?.writesNow) return false;
    this.#requireBudget(bytes.length);
    const sizeBytes = this.#file.appendNow(bytes, rows);
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

  async #write(bytes: Buffer, rows: number): Promise<void> {
    this.#requireBudget(bytes.length);
    if (!this.#file) await this.#makingNext;
    this.#file ??= this.#takeNext() ?? this.#inUse(await this.#create());
    const sizeBytes = await this.#file.append(bytes, rows);
    this.#options.budget?.add(sizeBytes);
  }

  #create(): Promise<SegmentFile> {
    const { directory, durability = { kind: 'fsync' } } = this.#options;
    return SegmentFile.create(
      directory,
      { segment: uuidv7(), columns: this.#columns },
      this.#form,
      durability,
    );
  }

  /** Makes the file that follows, unless it is there. */
  #makeNext(): Promise<void> {
    if (this.#next) return Promise.resolve();
    this.#makingNext ??= this.#made();
    return this.#makingNext;
  }

  async #made(): Promise<void> {
    try {
      this.#next = await this.#create();
    } catch {
      // The append that needs the file tries again, and tells.
    }
    this.#makingNext = null;
  }

  async #discardNext(): Promise<void> {
    await this.#makingNext;
    const file = this.#next;
    this.#next = null;
    if (file) await discarded(file);
  }

  #takeNext(): SegmentFile | null {
    const file = this.#next;
    this.#next = null;
    if (!file || file.columns === this.#columns) return file && this.#inUse(file);
    void discarded(file);
    return null;
  }

  #inUse(file: SegmentFile): SegmentFile {
    this.#ageTimer = setTimeout(
      // The same.
      () => void this.sealWhileWriting().catch(() => undefined),
      this.#options.maxAgeMs,
    );
    this.#ageTimer.unref();
    return file;
  }

  /** @param part of what a segment may hold */
  #isFull(part: number): boolean {
    if (!this.#file) return false;
    const { maxRows, maxSizeBytes } = this.#options;
    return this.#file.rows >= part * maxRows || this.#file.sizeBytes >= part * maxSizeBytes;
  }

  /** The open file takes no more rows. It is sealed while the next one takes them. */
  #putAside(): void {
    if (!this.#file) return;
    if (this.#ageTimer) clearTimeout(this.#ageTimer);
    this.#ageTimer = null;
    this.#full.push(this.#file);
    this.#file = null;
    this.#sealFull().catch((error) => this.#sealAgain(error));
  }

  /** Seals later what could not be sealed, until it is: a full disk, most of the time. Says so once. */
  #sealAgain(error: unknown): void {
    const { stream, logger, maxAgeMs } = this.#options;
    const problem = errorMessage(error);
    if (this.#sealProblem !== problem)
      logger.warn(
        { stream, err: error },
        'a segment could not be sealed: its rows wait on the disk; tried on',
      );
    this.#sealProblem = problem;
    this.#sealAgainTimer ??= setTimeout(() => {
      this.#sealAgainTimer = null;
      this.#sealFull().catch((again) => this.#sealAgain(again));
    }, maxAgeMs).unref();
  }

  #sealFull(): Promise<void> {
    if (this.#full.length === 0) return Promise.resolve();
    this.#sealing ??= this.#sealInTurn();
    return this.#sealing;
  }

  async #sealInTurn(): Promise<void> {
    try {
      for (let file = this.#full[0]; file; file = this.#full[0]) {
        await file.seal();
        this.#full.shift();
        this.#shipping.add(file.id, file.form, file.sizeBytes);
      }
      this.#sealProblem = null;
    } finally {
      this.#sealing = null;
    }
  }

  #refusal(error: unknown): unknown {
    const explained = this.#explain(error);
    const { refusal } = this.#options;
    return refusal && explained instanceof Error ? refusal(explained) : explained;
  }

  #explain(error: unknown): unknown {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      return fail('disk_full', { path: this.#options.directory }, error);
    return error;
  }
}

/** Removes a file without rows. One that cannot be removed is at the next start. */
function discarded(file: SegmentFile): Promise<void> {
  return file.discard().catch(() => undefined);
}

/** Whether the rows that a Parquet file was made of are there too: then it is made again. */
function hasRows(names: readonly string[], parquetName: string): boolean {
  const id = parquetName.slice(0, -parquetSuffix.length);
  return names.some((name) => {
    const found = segmentName(name);
    return found?.id === id && found.state === 'sealed';
  });
}
