const burst = 1000;
const perSecond = 100;

/**
 * Counts what a connection does that costs us and brings nobody anything: requests that it begins and resets, empty
 * frames, changed settings. Many at once are taken, many for long are an attack (CVE-2023-44487, CVE-2019-9511 and the
 * like).
 */
export class Nuisances {
  #left = burst;
  #atMs = 0;

  /** Counts one; false when it is one too many. */
  allows(): boolean {
    const nowMs = performance.now();
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#atMs) / 1000) * perSecond) - 1;
    this.#atMs = nowMs;
    return this.#left >= 0;
  }
}
