/** An answer is given again for this long, or for so many times as long as it took when that is longer. */
const keptMs = 10_000;
const keptFactor = 10;
/** So many questions are remembered, those asked first go first. */
const mostKept = 64;

interface Kept<T> {
  readonly answer: Promise<T>;
  untilMs: number;
}

/** Answers that read a whole log and that screens ask for again and again: worked out once for all who ask meanwhile. */
export class RecentAnswers<T> {
  readonly #kept = new Map<string, Kept<T>>();

  /**
   * @param key names the question
   * @param fresh whether it has to be worked out now
   */
  get(key: string, fresh: boolean, work: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(key);
    const askedMs = performance.now();
    if (known && !fresh && askedMs < known.untilMs) return known.answer;
    const kept: Kept<T> = { answer: work(), untilMs: Number.POSITIVE_INFINITY };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const oldest of this.#kept.keys()) if (this.#kept.size > mostKept) this.#kept.delete(oldest);
    kept.answer.then(
      () => {
        const tookMs = performance.now() - askedMs;
        kept.untilMs = askedMs + Math.max(keptMs, tookMs * keptFactor);
      },
      () => {
        if (this.#kept.get(key) === kept) this.#kept.delete(key);
      },
    );
    return kept.answer;
  }
}
