import { constants, write, writeSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { blocksIn } from './blocks.ts';
import { type SegmentForm, suffixes } from './segment-names.ts';

/**
 * A column of a segment with its DuckDB type. In a line its value is the member of the same name, or, with `list`, an
 * entry (counted from 0) of the list that is a member of that name; where it is in a record, `rowLayout` tells.
 */
export interface SegmentColumn {
  readonly name: string;
  readonly type: string;
  readonly list?: { readonly member: string; readonly index: number };
}

/**
 * When appended rows count as written. `fsync`: they are on the disk (nothing acknowledged is lost at power loss).
 * `interval`: the operating system has them, and they are on the disk at the latest `intervalMs` later (a killed
 * process loses nothing; power loss, the rows of that last interval).
 */
export type Durability =
  | { readonly kind: 'fsync' }
  | { readonly kind: 'interval'; readonly intervalMs: number };

/** The first line of a segment file: what the columns of its rows are. */
export interface SegmentHeader {
  readonly segment: string;
  readonly columns: readonly SegmentColumn[];
}

/**
 * The file that takes rows: a header line, then the rows. With durability `fsync` it is opened for
 * synchronous data writes (O_DSYNC): when a write returns, the bytes are on the disk.
 */
export class SegmentFile {
  readonly id: string;
  readonly columns: readonly SegmentColumn[];
  readonly form: SegmentForm;
  readonly #directory: string;
  readonly #file: FileHandle;
  /** Null when it is written. */
  #pendingHeader: Buffer | null;
  #sizeBytes = 0;
  #rows = 0;
  /** Bytes of a failed write may stand behind #sizeBytes and must go before the next write. */
  #dirty = false;
  readonly #syncEveryMs: number | null;
  #syncTimer: NodeJS.Timeout | null = null;
  #sync: Promise<void> = Promise.resolve();
  #syncError: unknown = null;
  /** Whether it has its final name. */
  #isNamed = false;

  private constructor(
    directory: string,
    header: SegmentHeader,
    form: SegmentForm,
    file: FileHandle,
    syncEveryMs: number | null,
  ) {
    this.id = header.segment;
    this.columns = header.columns;
    this.form = form;
    this.#directory = directory;
    this.#file = file;
    this.#syncEveryMs = syncEveryMs;
    this.#pendingHeader = Buffer.from(headerLine(header));
  }

  /** Creates the file; its name is on the disk too before this returns. */
  static async create(
    directory: string,
    header: SegmentHeader,
    form: SegmentForm,
    durability: Durability,
  ): Promise<SegmentFile> {
    const isSync = durability.kind === 'fsync';
    const flags =
      constants.O_WRONLY |
      constants.O_CREAT |
      constants.O_EXCL |
      (isSync ? (constants.O_DSYNC ?? constants.O_SYNC) : 0);
    const file = await open(join(directory, header.segment + suffixes[form].open), flags, 0o644);
    const made = new SegmentFile(directory, header, form, file, isSync ? null : durability.intervalMs);
    try {
      await syncDirectory(directory);
    } catch (error) {
      // The next append tries afresh: each would leave a file, and have it open.
      await made.discard().catch(() => undefined);
      throw error;
    }
    return made;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Where it is while it takes rows. */
  get path(): string {
    return join(this.#directory, this.id + suffixes[this.form].open);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Whether rows can be added at once, by `appendNow`: the operating system takes them in microseconds. */
  get writesNow(): boolean {
    return this.#syncEveryMs !== null && !this.#dirty;
  }

  /**
   * Appends whole rows and returns how many bytes the file grew. When it throws (disk full), none of them is in the
   * file and it may be called again.
   */
  async append(added: Buffer, rows: number): Promise<number> {
    if (this.#dirty) await this.#cut();
    if (this.writesNow) return this.appendNow(added, rows);
    const bytes = this.#begin(added);
    try {
      let written = 0;
      while (written < bytes.length) {
        const at = this.#sizeBytes + written;
        written += await writeAt(this.#file.fd, written === 0 ? bytes : bytes.subarray(written), at);
      }
    } catch (error) {
      await this.#cut().catch(() => undefined);
      throw error;
    }
    return this.#end(bytes.length, rows);
  }

  /** The same without waiting, where `writesNow`. */
  appendNow(added: Buffer, rows: number): number {
    const bytes = this.#begin(added);
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(this.#file.fd, bytes, written, bytes.length - written, this.#sizeBytes + written);
    }
    this.#syncTimer ??= this.#syncLater(this.#syncEveryMs ?? 0);
    return this.#end(bytes.length, rows);
  }

  #begin(added: Buffer): Buffer {
    if (this.#syncError) throw this.#syncError;
    this.#dirty = true;
    return this.#pendingHeader ? Buffer.concat([this.#pendingHeader, added]) : added;
  }

  #end(sizeBytes: number, rows: number): number {
    this.#dirty = false;
    this.#sizeBytes += sizeBytes;
    this.#rows += rows;
    this.#pendingHeader = null;
    return sizeBytes;
  }

  /** Closes and removes a file that no row was written to. */
  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.path, { force: true });
  }

  /** Gives the file its final name and closes it. When it throws, it may be called again. */
  async seal(): Promise<void> {
    if (this.#dirty) await this.#cut();
    if (this.#syncEveryMs !== null) {
      if (this.#syncTimer) clearTimeout(this.#syncTimer);
      this.#syncTimer = null;
      await this.#sync;
      await this.#file.datasync();
    }
    if (!this.#isNamed) await rename(this.path, join(this.#directory, this.id + suffixes[this.form].sealed));
    this.#isNamed = true;
    await syncDirectory(this.#directory);
    await this.#file.close();
  }

  /** What was written until the timer fires is on the disk after that; a failure is told to the next append. */
  #syncLater(afterMs: number): NodeJS.Timeout {
    const run = () => {
      this.#syncTimer = null;
      this.#sync = this.#file.datasync().catch((error: unknown) => {
        this.#syncError = error;
      });
    };
    return setTimeout(run, afterMs).unref();
  }

  async #cut(): Promise<void> {
    await this.#file.truncate(this.#sizeBytes);
    this.#dirty = false;
  }
}

/** fs.write as a promise; cheaper than FileHandle.write, and this is on the path of every prediction. */
function writeAt(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/**
 * Makes a segment that a crash left open complete: what follows its last whole line of JSON, or its last whole block, is
 * cut off (it was never acknowledged) and the file is sealed. What is not whole before that is a disk's fault, and the
 * reader's to leave out. Returns the number of rows kept.
 */
export async function recoverOpenSegment(directory: string, id: string, form: SegmentForm): Promise<number> {
  const path = join(directory, id + suffixes[form].open);
  const bytes = await readFile(path);
  const { kept, rows } = form === 'lines' ? wholeLines(bytes) : wholeBlocks(bytes);
  if (kept < bytes.length) await truncate(path, kept);
  await syncFile(path);
  await rename(path, join(directory, id + suffixes[form].sealed));
  await syncDirectory(directory);
  return rows;
}

/** Bytes up to the end of what is whole, and the rows in it. */
interface Whole {
  readonly kept: number;
  readonly rows: number;
}

function wholeLines(bytes: Buffer): Whole {
  let kept = 0;
  let rows = 0;
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    if (end < 0) break;
    if (isJsonObject(bytes.toString('utf8', from, end))) {
      kept = end + 1;
      if (from > 0) rows++;
    }
    from = end + 1;
  }
  return { kept, rows };
}

function wholeBlocks(bytes: Buffer): Whole {
  let kept = bytes.indexOf(0x0a) + 1;
  let rows = 0;
  for (const block of blocksIn(bytes, kept)) {
    if (!block.isWhole) continue;
    kept = block.to;
    rows += block.rows ?? 0;
  }
  return { kept, rows };
}

/**
 * Reads the header of a sealed segment; null when even that did not reach the disk, `damaged` when the disk gives back
 * another line than was written.
 */
export async function readHeader(path: string): Promise<SegmentHeader | 'damaged' | null> {
  const file = await open(path, 'r');
  try {
    let text = '';
    const buffer = Buffer.alloc(65_536);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      // A crash leaves no part of a line (see `recoverOpenSegment`): where one has no end, the disk has changed it.
      if (bytesRead === 0) return text === '' ? null : 'damaged';
      text += buffer.toString('utf8', 0, bytesRead);
      const end = text.indexOf('\n');
      if (end >= 0) return parseHeader(text.slice(0, end));
    }
  } finally {
    await file.close();
  }
}

/** Makes created, renamed and removed names durable. */
export async function syncDirectory(directory: string): Promise<void> {
  await synced(directory, 'r');
}

/** Brings a file that was written to the disk, whoever wrote it. */
export async function syncFile(path: string): Promise<void> {
  await synced(path, 'r+');
}

async function synced(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    // Of a disk that fails the same is asked again and again: each time would leave an open file.
    await file.close();
  }
}

const columnSchema = z.object({
  name: z.string().min(1),
  type: z.string().regex(/^[A-Z]+$/),
  list: z.object({ member: z.string(), index: z.int().min(0) }).optional(),
});
const headerSchema = z.object({ segment: z.string(), columns: z.array(columnSchema).min(1) });
/** Over the other members as they are written; segments of earlier versions have none. */
const checkSchema = z.looseObject({ check: z.int().optional() });

/** A segment's first line, with what tells whether a disk has changed it: a column of another name is read as well. */
export function headerLine(header: SegmentHeader): string {
  return `${JSON.stringify({ ...header, check: crc32(JSON.stringify(header)) })}\n`;
}

/** What a segment's first line tells. */
export function parseHeader(line: string): SegmentHeader | 'damaged' {
  try {
    const { check, ...header } = checkSchema.parse(JSON.parse(line));
    if (check !== undefined && check !== crc32(JSON.stringify(header))) return 'damaged';
    return headerSchema.parse(header) as SegmentHeader;
  } catch {
    return 'damaged';
  }
}

function isJsonObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
