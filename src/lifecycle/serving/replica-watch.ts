import type { Logger } from '../../platform/log/index.ts';
import type { ReplicaHealth } from './contract.ts';

export interface ReplicaWatchOptions {
  readonly health: () => readonly ReplicaHealth[];
  /** Hears all that is known, when it has changed; is asked again when it throws. */
  readonly told: (health: readonly ReplicaHealth[]) => Promise<void>;
  readonly log: Logger;
}

const everyMs = 5000;

/** Looks at the replicas again and again: that one is away is an event that nobody reports. */
export class ReplicaWatch {
  readonly #options: ReplicaWatchOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #told = '';
  #checking: Promise<void> = Promise.resolve();

  constructor(options: ReplicaWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.check(), everyMs);
    this.#timer.unref();
  }

  /** Resolves when what is known now has been told. */
  check(): Promise<void> {
    this.#checking = this.#checking.then(() => this.#check());
    return this.#checking;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking;
  }

  async #check(): Promise<void> {
    try {
      const health = this.#options.health();
      // How far a clock is off changes with each report.
      const text = JSON.stringify(health.map(({ clockAheadMs: _, ...rest }) => rest));
      if (text === this.#told) return;
      await this.#options.told(health);
      this.#told = text;
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        'what is wrong with replicas could not be told: it is tried again',
      );
    }
  }
}
