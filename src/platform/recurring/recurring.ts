import { errorMessage } from '../../core/error-message.ts';
import type { Logger } from '../log/index.ts';

/** Work that is done again and again beside everything else. */
export interface RecurringWork {
  /** From one start to the next, and from the beginning to the first. */
  readonly everyMs: number;
  /** What is being done, as the log names it: `looking for windows that are due`. */
  readonly doing: string;
  readonly run: () => Promise<unknown>;
  readonly log: Logger;
}

/**
 * Does work at intervals until it is stopped; keeps no process alive. Work that throws is done again after the next
 * interval. The log has a failure once, not at every turn: again when its message is another one, and when it is over.
 */
export class Recurring {
  #timer: NodeJS.Timeout | undefined;

  /** Begins; does nothing when it has begun already. */
  start(work: RecurringWork): void {
    if (this.#timer) return;
    const turn = turnOf(work);
    this.#timer = setInterval(() => void turn(), work.everyMs).unref();
  }

  /** Begins no further turn; one that is under way goes on. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** One turn of the work; it never rejects. */
function turnOf({ everyMs, doing, run, log }: RecurringWork): () => Promise<void> {
  let failure: string | undefined;
  return async () => {
    try {
      await run();
      if (failure !== undefined) log.info(`${doing} works again`);
      failure = undefined;
    } catch (err) {
      const message = errorMessage(err);
      if (message === failure) return;
      failure = message;
      log.error(
        { err },
        `${doing} failed: it is tried again every ${everyMs / 1000} s, and told of again when this changes`,
      );
    }
  };
}
