import type { RecordConverter } from './record-converter.ts';
import type { SegmentLog } from './segment-log.ts';

/** Bytes that are read at once. */
const mostBytes = 512 * 1024;

interface TailOptions {
  /** Of records. */
  readonly log: Pick<SegmentLog, 'open'>;
  readonly converter: RecordConverter;
  readonly everyMs: number;
  /**
   * Takes lines of JSON: the segment's header, then whole rows. What it rejects is not sent again: the segment brings it.
   */
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
    while (this.#sent < end) {
      const { lines, to } = await this.#options.converter.lines({ path, from: this.#sent, end, mostBytes });
      this.#sent = to;
      await this.#options.send(lines);
    }
  }
}
