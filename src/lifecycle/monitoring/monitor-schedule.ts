import { systemActor } from '../../platform/access/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { MonitoringService } from './service.ts';

export interface MonitorScheduleOptions {
  readonly db: Database;
  readonly monitoring: MonitoringService;
  readonly log: Logger;
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
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MonitorScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    const { log } = this.#options;
    this.#timer ??= setInterval(
      () => void this.tick().catch((err) => log.error({ err }, 'due windows could not be looked for')),
      tickMs,
    );
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async tick(): Promise<void> {
    const { db, monitoring, start } = this.#options;
    const due = new Map<string, number>();
    for (const { endpoint } of await monitoring.monitors(systemActor)) {
      const sinceMs = await monitoring.dueSince(systemActor, endpoint);
      if (sinceMs === undefined) continue;
      due.set(endpoint, sinceMs);
      if (this.#due.get(endpoint) !== sinceMs) continue;
      // A step that failed for good is tried again an hour later.
      const key = `monitor/${endpoint}/${sinceMs}/${Math.floor(Date.now() / hourMs)}`;
      await db.write((tx) => start(tx, endpoint, key));
    }
    this.#due = due;
  }
}
