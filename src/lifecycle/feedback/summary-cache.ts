import type { FeedbackSummary } from './contract.ts';

/** What is counted by reading the log. */
export type LogSummary = Omit<FeedbackSummary, 'waitingByEntity' | 'advice'>;

const staleFactor = 10;

interface Entry {
  readonly key: string;
  readonly summary: Promise<LogSummary>;
  readonly startedAtMs: number;
  tookMs: number;
}

/** The last summary per endpoint: counted once for all who ask meanwhile, and again when the log has grown. */
export class SummaryCache {
  readonly #entries = new Map<string, Entry>();
  readonly #slowMs: number;
  readonly #nowMs: () => number;

  /**
   * @param slowMs from this duration on, a count may be given again although the log has grown since
   * @param nowMs a clock that only goes forward
   */
  constructor(slowMs: number, nowMs: () => number = () => performance.now()) {
    this.#slowMs = slowMs;
    this.#nowMs = nowMs;
  }

  /** @param key changes whenever the log does */
  get(endpoint: string, key: string, count: () => Promise<LogSummary>): Promise<LogSummary> {
    const known = this.#entries.get(endpoint);
    const nowMs = this.#nowMs();
    if (known) {
      const fresh = known.key === key;
      const slow = known.tookMs > this.#slowMs && nowMs - known.startedAtMs < known.tookMs * staleFactor;
      if (fresh || slow) return known.summary;
    }
    const summary = count();
    const entry: Entry = { key, summary, startedAtMs: nowMs, tookMs: 0 };
    this.#entries.set(endpoint, entry);
    summary.then(
      () => {
        entry.tookMs = this.#nowMs() - nowMs;
      },
      () => {
        if (this.#entries.get(endpoint) === entry) this.#entries.delete(endpoint);
      },
    );
    return summary;
  }

  /** Rows were erased: whoever asks from now on gets no count in which they are. */
  clear(): void {
    this.#entries.clear();
  }
}
