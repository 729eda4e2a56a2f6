import type { Clock } from '../../core/time.ts';
import { systemActor } from '../../platform/access/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { Recurring } from '../../platform/recurring/index.ts';
import type { MonitoringService } from './service.ts';

export interface MonitorScheduleOptions {
  readonly db: Database;
  readonly monitoring: MonitoringService;
  readonly log: Logger;
  readonly clock: Clock;
  /** Enqueues a `monitor` step in the transaction; the same key again does nothing. */
  readonly start: (tx: Tx, endpoint: string, key: string) => Promise<unknown>;
}

const tickMs = 5_000;
const hourMs = 3_600_000;

/**
 * Starts the step `monitor` for endpoints that nobody else looks after. A loop starts it for its own endpoint as
 * its watermark moves, so what is still due at the next tick is nobody's.
 */
export class MonitorSchedule {
  readonly #options: MonitorScheduleOptions;
  /** Since when (start of the oldest window) each endpoint was due at the last tick. */
  #due: ReadonlyMap<string, number> = new Map();
  readonly #ticks = new Recurring();

  constructor(options: MonitorScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    const { log } = this.#options;
    this.#ticks.start({
      everyMs: tickMs,
      doing: 'looking for windows that are due',
      run: () => this.tick(),
      log,
    });
  }

  stop(): void {
    this.#ticks.stop();
  }

  async tick(): Promise<void> {
    const { db, monitoring, clock, start } = this.#options;
    const due = new Map<string, number>();
    for (const { endpoint } of await monitoring.monitors(systemActor)) {
      const sinceMs = await monitoring.dueSince(systemActor, endpoint);
      if (sinceMs === undefined) continue;
      due.set(endpoint, sinceMs);
      if (this.#due.get(endpoint) !== sinceMs) continue;
      // A step that failed for good is tried again an hour later.
      const key = `monitor/${endpoint}/${sinceMs}/${Math.floor(clock.nowMs() / hourMs)}`;
      await db.write((tx) => start(tx, endpoint, key));
    }
    this.#due = due;
  }
}
