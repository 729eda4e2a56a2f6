import { type FileHandle, open } from 'node:fs/promises';
import type { SegmentLog } from './segment-log.ts';

/** Bytes that are sent at once. */
const mostBytes = 1024 * 1024;

export interface TailOptions {
  readonly log: Pick<SegmentLog, 'open'>;
  readonly everyMs: number;
  /** Takes whole lines, those of the segment's header first. What it rejects is not sent again: the segment brings it. */
  readonly send: (lines: string) => Promise<void>;
}

/**
 * Sends what is written to a log's open segment soon after it was written, without sealing it: read back from the disk,
 * so that whoever appends does not wait. Rows that are sealed meanwhile are left to their segment. Nothing here is
 * certain to arrive; what must arrive comes with the segment.
 */
export class SegmentTail {
  readonly #options: TailOptions;
  readonly #timer: NodeJS.Timeout;
  #path: string | null = null;
  #header = '';
  #sent = 0;
  #sending: Promise<void> | null = null;

  constructor(options: TailOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), options.everyMs);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
  }

  #tick(): void {
    const { open: present } = this.#options.log;
    if (this.#sending || !present) return;
    if (present.path !== this.#path) {
      this.#path = present.path;
      this.#header = '';
      this.#sent = 0;
    }
    if (present.sizeBytes <= this.#sent) return;
    this.#sending = this.#sendUpTo(present.path, present.sizeBytes)
      // Sealed a moment ago, or the receiver is away.
      .catch(() => {
        this.#sent = present.sizeBytes;
      })
      .finally(() => {
        this.#sending = null;
      });
  }

  async #sendUpTo(path: string, end: number): Promise<void> {
    const file = await open(path, 'r');
    try {
      this.#header ||= await readHeader(file);
      while (this.#sent < end) {
        const bytes = Buffer.alloc(Math.min(mostBytes, end - this.#sent));
        const { bytesRead } = await file.read(bytes, 0, bytes.length, this.#sent);
        const length = bytes.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
        // A line longer than this is left to its segment.
        if (length === 0) throw new Error('no whole line');
        const header = this.#sent === 0 ? bytes.indexOf(0x0a) + 1 : 0;
        this.#sent += length;
        if (length > header) await this.#options.send(this.#header + bytes.toString('utf8', header, length));
      }
    } finally {
      await file.close();
    }
  }
}

/** The first line of a segment's file. */
async function readHeader(file: FileHandle): Promise<string> {
  const bytes = Buffer.alloc(mostBytes);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return bytes.toString('utf8', 0, bytes.subarray(0, bytesRead).indexOf(0x0a) + 1);
}
