/** How far up from the limit to 1 the rates lie that are looked for. */
const heights = [0.1, 0.3, 0.9];

/**
 * Has the rate of some event risen above a limit, at a time that nobody knows, after however many trials within it? A
 * confidence sequence of the rate since the beginning sees that late: after a million trials without an event it takes
 * ten thousand with one to come above 1 %. This takes seven in a row.
 *
 * Evidence is the likelihood of a higher rate from some trial on over that of the limit, as a mixture over a few rates
 * and over all trials at which it may have risen, which weigh 1 together. While no trial has an event with more than the
 * limit's probability, whatever came before it, that is a supermartingale that begins below 1; so it ever reaches
 * 1 / alpha with probability at most alpha (Ville's inequality).
 *
 * Source: mixtures of e-processes by starting time, Shin, Ramdas, Rinaldo, "E-detectors" (2023), section 4, with weights
 * that sum to 1 so that the error probability is over all time.
 */
export class RateRise {
  /** Logarithms would be slower; what is above 1 / alpha is looked at no more, so nothing overflows. */
  readonly #evidence = heights.map(() => 0);
  readonly #ofEvent: readonly number[];
  readonly #ofNone: readonly number[];
  readonly #threshold: number;
  /** What a trial weighs as the first of a higher rate: 2^-m / ((m + 1) (m + 2)) for trials from 2^m on. */
  #weight = 1 / 2;
  #trials = 0;
  #epoch = 0;
  /** Since evidence of the middle rate began to grow. */
  #lately = { events: 0, trials: 0, evidence: 0 };

  /**
   * @param limit strictly between 0 and 1
   * @param alpha probability that it says so, ever, of a rate within the limit
   */
  constructor(limit: number, alpha: number) {
    const rates = heights.map((height) => limit + (1 - limit) * height);
    this.#ofEvent = rates.map((rate) => rate / limit);
    this.#ofNone = rates.map((rate) => (1 - rate) / (1 - limit));
    this.#threshold = heights.length / alpha;
  }

  /** Counts a trial. */
  add(isEvent: boolean): void {
    if (this.risen) return;
    this.#trials++;
    if (this.#trials === 2 ** (this.#epoch + 1)) {
      this.#epoch++;
      this.#weight = 2 ** -this.#epoch / ((this.#epoch + 1) * (this.#epoch + 2));
    }
    const factors = isEvent ? this.#ofEvent : this.#ofNone;
    for (let i = 0; i < heights.length; i++)
      this.#evidence[i] = ((this.#evidence[i] as number) + this.#weight) * (factors[i] as number);
    const lately = this.#lately;
    lately.trials++;
    if (isEvent) lately.events++;
    lately.evidence += Math.log(factors[1] as number);
    if (lately.evidence <= 0) this.#lately = { events: 0, trials: 0, evidence: 0 };
  }

  /** Trials since the rate seems to have risen, and the events among them; 0 of 0 while nothing says so. */
  get lately(): { readonly events: number; readonly trials: number } {
    const { events, trials } = this.#lately;
    return { events, trials };
  }

  /** Forgets all evidence so far: what explains it was found elsewhere. */
  forget(): void {
    this.#evidence.fill(0);
    this.#lately = { events: 0, trials: 0, evidence: 0 };
  }

  /** Once it says so it stays so, until it is told to forget. */
  get risen(): boolean {
    let sum = 0;
    for (const evidence of this.#evidence) sum += evidence;
    return sum >= this.#threshold;
  }
}
