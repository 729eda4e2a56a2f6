import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Logger } from '../log/index.ts';
import { blocksIn } from './blocks.ts';
import {
  type ConvertedSegment,
  convertLines,
  hasNoSpace,
  readFacts,
  type SegmentFacts,
  type SegmentFrames,
} from './convert-lines.ts';
import type { DiskBudget } from './disk-budget.ts';
import type { RecordConverter } from './record-converter.ts';
import { readHeader, type SegmentColumn, type SegmentHeader, syncDirectory } from './segment-file.ts';
import { parquetSuffix, type SegmentForm, suffixes } from './segment-names.ts';

/** Failures in a row before the log says so: a receiver that is being restarted is no news. */
const toldAfter = 3;
/** Times that a segment cannot be converted before it is set aside: what is behind it must not wait for ever. */
const asideAfter = 8;
/** Where a segment is converted when its own disk is full; the second is memory, and only there on Linux. */
const otherDisks = [tmpdir(), '/dev/shm'];

/** What people call the rows of a segment. */
const names = { lines: 'lines', records: 'rows' } as const;

/** A complete segment, ready for its reader. `id` names it for ever: shipping it twice must do nothing. */
export interface SealedSegment extends SegmentFacts {
  readonly id: string;
  readonly stream: string;
  readonly path: string;
}

/** A segment that was set aside, whole, because it is damaged. */
export interface DamagedSegment {
  /** Path of the file; it stays there until somebody removes or renames it. */
  readonly file: string;
  /** What is wrong with it; null when an earlier process found that. */
  readonly problem: string | null;
  /** Rows that could be read of it and are shipped, and rows that were not; null when it is not known. */
  readonly rowsRead: number | null;
  readonly rowsLost: number | null;
}

export interface ShippingOptions {
  readonly directory: string;
  readonly stream: string;
  /** Columns of rows that were appended without columns of their own: what is read of a segment that lost its header. */
  readonly columns: readonly SegmentColumn[];
  readonly keyColumn: string;
  readonly timeColumn: string;
  readonly frames: SegmentFrames;
  /** For a log of records; without it rows are lines of JSON, which segments of an earlier process may be in any case. */
  readonly records?: RecordConverter;
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
 * is set aside, whole, under a name of its own (see `suffixes`), and what can be read of it is shipped; the others go on.
 */
export class Shipping {
  readonly #options: ShippingOptions;
  readonly #queue: string[] = [];
  /** What is known of segments that are Parquet by now, and what each takes on the disk. */
  readonly #converted = new Map<string, SegmentFacts>();
  readonly #sizes = new Map<string, number>();
  /** How the rows of segments lie that are not Parquet yet. */
  readonly #forms = new Map<string, SegmentForm>();
  #damaged: (DamagedSegment & { readonly sizeBytes: number })[] = [];
  /** Times that a segment could not be converted. */
  readonly #unreadable = new Map<string, number>();
  /** Segments that a crash left open. */
  readonly #crashed = new Set<string>();
  #running = false;
  #closed = false;
  #failures = 0;
  #wake: (() => void) | null = null;
  /** How many segments the receiver has got of this object. */
  #delivered = 0;
  /** Who waits for the next delivery, or the end of work. */
  #watchers: (() => void)[] = [];

  constructor(options: ShippingOptions) {
    this.#options = options;
  }

  /** How many segments are set aside, as far as is known. */
  get damaged(): number {
    return this.#damaged.length;
  }

  /** Looks which segments are still set aside; what somebody took away takes no room any more. */
  async findDamaged(): Promise<readonly DamagedSegment[]> {
    const gone = new Set<string>();
    for (const { file } of this.#damaged) if (!(await stat(file).catch(() => null))) gone.add(file);
    for (const { file, sizeBytes } of this.#damaged)
      if (gone.has(file)) this.#options.budget?.add(-sizeBytes);
    this.#damaged = this.#damaged.filter(({ file }) => !gone.has(file));
    return this.#damaged.map(({ sizeBytes: _, ...segment }) => segment);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Takes a segment.
   *
   * @param form null: it is Parquet already
   * @param sizeBytes what it takes on the disk and is counted in the budget already
   * @param hasCrashed a crash left it open: lines may be missing that never reached the disk, which is no damage
   */
  add(id: string, form: SegmentForm | null, sizeBytes: number, hasCrashed = false): void {
    this.#queue.push(id);
    if (form) this.#forms.set(id, form);
    if (hasCrashed) this.#crashed.add(id);
    this.#sizes.set(id, sizeBytes);
    this.retryNow();
    void this.#run();
  }

  /** Knows of a segment that was set aside. It takes room on the disk until somebody removes it. */
  addDamaged(segment: DamagedSegment, sizeBytes: number): void {
    this.#damaged.push({ ...segment, sizeBytes });
    this.#options.budget?.add(sizeBytes);
  }

  /** Cuts the present back-off short: the receiver is known to be back. */
  retryNow(): void {
    this.#wake?.();
  }

  /** Resolves when the receiver has every segment that waits now, or when this is closed; later ones are not waited for. */
  async drained(): Promise<void> {
    const wanted = this.#delivered + this.#queue.length;
    while (this.#delivered < wanted && !this.#closed)
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  /** Stops and waits for the present attempt; what waits stays on the disk for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.retryNow();
    while (this.#running) await new Promise<void>((resolve) => this.#watchers.push(resolve));
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
        this.#delivered++;
        this.#failures = 0;
        this.#tellWatchers();
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
        // Only to make room. One that cannot be converted says so when its turn comes.
        await this.#convertWaiting().catch(() => undefined);
        await this.#pause();
      }
    }
    this.#running = false;
    this.#tellWatchers();
  }

  #tellWatchers(): void {
    for (const resolve of this.#watchers.splice(0)) resolve();
  }

  async #deliver(id: string): Promise<void> {
    const { directory, stream, ship } = this.#options;
    const path = join(directory, id + parquetSuffix);
    let facts = this.#converted.get(id);
    try {
      facts ??= await this.#convert(id);
    } catch (error) {
      if (!hasNoSpace(error) || !(await this.#deliverElsewhere(id))) throw error;
      return;
    }
    if (facts.rows > 0) await ship({ id, stream, path, ...facts });
    this.#converted.delete(id);
    await rm(path, { force: true });
    this.#account(id, 0);
  }

  /**
   * Converts a segment on another disk and ships it from there: a log that has filled its own disk would wait for ever
   * for the room that only shipping can make. The segment stays until the receiver has it.
   *
   * @returns false where there is no other disk, or the segment is damaged, which takes room to keep
   */
  async #deliverElsewhere(id: string): Promise<boolean> {
    const { directory, stream, ship } = this.#options;
    const form = this.#forms.get(id);
    if (!form) return false;
    const source = join(directory, id + suffixes[form].sealed);
    await rm(join(directory, `${id}${parquetSuffix}.tmp`), { force: true });
    const header = await readHeader(source);
    const disk = await otherDisk(directory);
    if (disk === null || header === null || header === 'damaged') return false;
    const elsewhere = await mkdtemp(join(disk, 'millrace-segment-'));
    try {
      const path = join(elsewhere, id + parquetSuffix);
      const facts = await this.#converting(form, header, source, path);
      if (!facts.isWhole && !this.#crashed.has(id)) return false;
      if (facts.rows > 0) await ship({ id, stream, path, ...facts });
      await this.#forgetRows(id, source);
      this.#account(id, 0);
      return true;
    } finally {
      await rm(elsewhere, { recursive: true, force: true });
    }
  }

  /** Makes a segment's Parquet file, which is much smaller, and removes its rows as they were written. */
  async #convert(id: string): Promise<SegmentFacts> {
    const { directory, timeColumn, frames } = this.#options;
    const path = join(directory, id + parquetSuffix);
    const form = this.#forms.get(id);
    const facts = form ? await this.#convertRows(id, form, path) : await readFacts(frames, path, timeColumn);
    this.#converted.set(id, facts);
    const file = await stat(path).catch(() => null);
    this.#account(id, file?.size ?? 0);
    return facts;
  }

  async #convertRows(id: string, form: SegmentForm, path: string): Promise<SegmentFacts> {
    const { directory, columns } = this.#options;
    const source = join(directory, id + suffixes[form].sealed);
    let facts: SegmentFacts = { rows: 0, minTimeMs: 0, maxTimeMs: 0 };
    const found = await readHeader(source);
    const header = found === 'damaged' ? { segment: id, columns } : found;
    if (header) {
      const converted = await this.#converting(form, header, source, path).catch((error: unknown) =>
        this.#setAside(id, form, error),
      );
      facts = converted ?? facts;
      if (converted && found === 'damaged')
        await this.#keepDamaged(id, form, 'its header is not what was written', facts.rows);
      else if (converted && !converted.isWhole && !this.#crashed.has(id))
        await this.#keepDamaged(id, form, `some of its ${names[form]} are not what was written`, facts.rows);
    }
    await this.#forgetRows(id, source);
    return facts;
  }

  async #converting(
    form: SegmentForm,
    header: SegmentHeader,
    source: string,
    target: string,
  ): Promise<ConvertedSegment> {
    const { keyColumn, timeColumn, frames, records } = this.#options;
    if (form === 'lines') return convertLines(frames, header, source, target, keyColumn, timeColumn);
    if (!records) throw new Error('this log has no records');
    const converted = await records.convert({ source, columns: header.columns, target, timeColumn });
    await syncDirectory(dirname(target));
    return converted;
  }

  /** A segment's rows as they were written are not needed any more. */
  async #forgetRows(id: string, source: string): Promise<void> {
    await rm(source, { force: true });
    this.#forms.delete(id);
    this.#unreadable.delete(id);
    this.#crashed.delete(id);
  }

  /** Sets aside what cannot be converted again and again; throws the error while that may be another one's fault. */
  async #setAside(id: string, form: SegmentForm, error: unknown): Promise<null> {
    const times = (this.#unreadable.get(id) ?? 0) + 1;
    this.#unreadable.set(id, times);
    if (times < asideAfter || !(await this.#canConvert(id, form))) throw error;
    const path = join(this.#options.directory, id);
    await rename(path + suffixes[form].sealed, path + suffixes[form].damaged);
    await rm(`${path}${parquetSuffix}.tmp`, { force: true });
    await this.#tellDamaged(id, form, 'it cannot be read', 0, error);
    return null;
  }

  /** Whether what converts answers, and the disk has room for more than a conversion takes. */
  async #canConvert(id: string, form: SegmentForm): Promise<boolean> {
    const { directory, frames, records } = this.#options;
    const trial = join(directory, `${id}.trial.tmp`);
    try {
      await copyFile(join(directory, id + suffixes[form].sealed), trial);
      if (form === 'records') return (await records?.answers()) ?? false;
      return (await frames.query('SELECT 1 AS one')).length === 1;
    } catch {
      return false;
    } finally {
      await rm(trial, { force: true });
    }
  }

  async #keepDamaged(id: string, form: SegmentForm, problem: string, rowsRead: number): Promise<void> {
    const path = join(this.#options.directory, id);
    const kept = path + suffixes[form].damaged;
    if (await stat(kept).catch(() => null)) return;
    await copyFile(path + suffixes[form].sealed, `${kept}.tmp`);
    await rename(`${kept}.tmp`, kept);
    await this.#tellDamaged(id, form, problem, rowsRead);
  }

  async #tellDamaged(
    id: string,
    form: SegmentForm,
    problem: string,
    rowsRead: number,
    error?: unknown,
  ): Promise<void> {
    const { directory, stream, logger } = this.#options;
    const file = join(directory, id + suffixes[form].damaged);
    const all = form === 'lines' ? await countLines(file) : await countRecords(file);
    const rowsLost = all === null ? null : Math.max(0, all - rowsRead);
    this.addDamaged({ file, problem, rowsRead, rowsLost }, (await stat(file)).size);
    logger.error(
      { stream, segment: id, file, problem, rowsRead, rowsLost, err: error },
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

async function otherDisk(directory: string): Promise<string | null> {
  const { dev } = await stat(directory);
  for (const disk of otherDisks) {
    const found = await stat(disk).catch(() => null);
    if (found && found.dev !== dev) return disk;
  }
  return null;
}

/** Rows of a segment of lines, broken ones too. */
async function countLines(file: string): Promise<number> {
  // The first line is the header.
  let count = -1;
  for await (const chunk of createReadStream(file))
    for (const byte of chunk as Buffer) if (byte === 10) count++;
  return count;
}

/** Rows of a segment of records, lost ones too; null where nobody can tell how many those are. */
async function countRecords(file: string): Promise<number | null> {
  const bytes = await readFile(file);
  let count = 0;
  for (const { rows } of blocksIn(bytes, bytes.indexOf(0x0a) + 1)) {
    if (rows === null) return null;
    count += rows;
  }
  return count;
}
