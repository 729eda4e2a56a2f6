import type { Logger } from '../log/index.ts';
import type { Journal, StoredEvent } from './journal.ts';

export interface EventConsumer {
  /** Stops after the event under way. */
  stop(): Promise<void>;
  /** Resolves when everything that is in the journal now has been dealt with. */
  caughtUp(): Promise<void>;
}

const batchSize = 200;
const retryMs = 1000;

/**
 * Feeds every event, in order, to a durable consumer. `handle` must record its effects together with
 * `journal.moveCursor(tx, name, event.seq)` in one transaction; an event that it throws on is tried again.
 * After a restart it goes on behind the last recorded cursor.
 */
export function consumeEvents(
  journal: Journal,
  name: string,
  log: Logger,
  handle: (event: StoredEvent) => Promise<void>,
): EventConsumer {
  let stopped = false;
  let wanted = false;
  let handledSeq = -1;
  let running: Promise<void> | undefined;
  let retryTimer: NodeJS.Timeout | undefined;

  const drain = async (): Promise<void> => {
    try {
      if (handledSeq < 0) handledSeq = await journal.cursor(name);
      while (wanted && !stopped) {
        wanted = false;
        for (;;) {
          const events = await journal.eventsAfter(handledSeq, batchSize);
          for (const event of events) {
            if (stopped) return;
            await handle(event);
            handledSeq = event.seq;
          }
          if (events.length < batchSize) break;
        }
      }
    } catch (error) {
      if (stopped) return;
      wanted = false;
      log.error({ err: error, consumer: name }, 'an event could not be handled; it is tried again');
      retryTimer = setTimeout(wake, retryMs);
    }
  };

  const wake = (): void => {
    wanted = true;
    if (stopped || running) return;
    running = drain().finally(() => {
      running = undefined;
      if (wanted && !stopped) wake();
    });
  };

  const stopListening = journal.onEvents(wake);
  wake();
  return {
    async stop() {
      stopped = true;
      clearTimeout(retryTimer);
      stopListening();
      await running;
    },
    async caughtUp() {
      const goalSeq = await journal.lastSeq();
      while (!stopped && handledSeq < goalSeq) {
        if (running) await running;
        else await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}
