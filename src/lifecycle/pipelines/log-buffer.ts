import type { LogLine } from '../../platform/jobs/index.ts';

const flushAfterMs = 200;
const linesPerWrite = 500;
/** Lines kept when they cannot be written; more are counted and dropped. */
const maxWaiting = 10_000;

/** Gathers log lines and writes them in order, a few times a second at most, while a step runs. */
export class LogBuffer {
  readonly #write: (lines: readonly LogLine[]) => Promise<void>;
  #waiting: LogLine[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(write: (lines: readonly LogLine[]) => Promise<void>) {
    this.#write = write;
  }

  add(line: LogLine): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#timer ??= setTimeout(() => void this.flush(), flushAfterMs);
  }

  /** Writes all that waits. Lines that cannot be written now are kept for the next time. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writeAll());
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    if (this.#dropped > 0) {
      this.#waiting.push({ stream: 'system', line: `${this.#dropped} lines were dropped` });
      this.#dropped = 0;
    }
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.slice(0, linesPerWrite);
      try {
        await this.#write(lines);
      } catch {
        return;
      }
      this.#waiting = this.#waiting.slice(lines.length);
    }
  }
}
