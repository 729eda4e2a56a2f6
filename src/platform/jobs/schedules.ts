import { Cron } from 'croner';
import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { type Clock, wallClock } from '../../core/time.ts';
import type { Database, Tx } from '../db/index.ts';
import type { Logger } from '../log/index.ts';
import { Recurring } from '../recurring/index.ts';
import type { Jobs } from './jobs.ts';
import * as store from './store.ts';

/** What is enqueued whenever its cron expression comes due; a schedule of the same name is replaced. */
export interface NewSchedule {
  readonly name: string;
  /** Five fields (minute hour day month weekday), or six with seconds first. */
  readonly cron: string;
  /** IANA zone. Default UTC. */
  readonly timezone?: string;
  /** The stream whose event time counts; null for the wall clock. */
  readonly stream: string | null;
  readonly kind: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

const tickMs = 1_000;
const payloadSchema = z.record(z.string(), z.unknown());

/**
 * The next time after `afterMs` that a cron expression names: five fields, six with seconds first, or `@daily` and its
 * like. Throws `invalid_input` for anything else. A single date or a line with a year, which the parser would take,
 * has no next time once it has come, and what is due together with it would wait for it for ever.
 */
export function nextCronMs(cron: string, timezone: string, afterMs: number, field = 'cron'): number {
  if (!/^(@\w+|\S+(\s+\S+){4,5})$/.test(cron.trim())) {
    const problem = `"${cron}" is not a cron expression of five fields (minute hour day month weekday), or six with seconds first`;
    throw fail('invalid_input', { field, problem });
  }
  let next: Date | null;
  try {
    next = new Cron(cron, { timezone, paused: true }).nextRun(new Date(afterMs));
  } catch (error) {
    const problem = `"${cron}" is not a cron expression (${error instanceof Error ? error.message : error})`;
    throw fail('invalid_input', { field, problem });
  }
  if (!next) throw fail('invalid_input', { field, problem: `"${cron}" names no time in the future` });
  return next.getTime();
}

/**
 * Cron in event time or wall time: each due time of a schedule enqueues one job. Times that were missed while
 * nothing ran are made up for by one job, for the latest of them.
 */
export class Schedules {
  readonly #db: Database;
  readonly #jobs: Jobs;
  readonly #clock: Clock;
  readonly #ticks = new Recurring();

  constructor(db: Database, jobs: Jobs, clock: Clock = wallClock) {
    this.#db = db;
    this.#jobs = jobs;
    this.#clock = clock;
  }

  start(log: Logger): void {
    this.#ticks.start({ everyMs: tickMs, doing: 'starting what is scheduled', run: () => this.tick(), log });
  }

  stop(): void {
    this.#ticks.stop();
  }

  /** Declares a schedule; the same again changes nothing, another cron starts afresh at `nowMs`. */
  async put(tx: Tx, schedule: NewSchedule, nowMs: number): Promise<void> {
    const timezone = schedule.timezone ?? 'UTC';
    const before = await store.findSchedule(tx, schedule.name);
    const same = before?.cron === schedule.cron && before.timezone === timezone;
    await store.putSchedule(tx, {
      name: schedule.name,
      cron: schedule.cron,
      timezone,
      stream: schedule.stream,
      kind: schedule.kind,
      payload: JSON.stringify(schedule.payload),
      next_at_ms: same ? before.next_at_ms : nextCronMs(schedule.cron, timezone, nowMs),
    });
  }

  async remove(tx: Tx, name: string): Promise<void> {
    await store.deleteSchedule(tx, name);
  }

  /** Enqueues what is due at a stream's time (null: the wall clock), in the caller's transaction. */
  async fireDue(tx: Tx, stream: string | null, nowMs: number): Promise<void> {
    for (const row of await store.dueSchedules(tx, stream, nowMs)) {
      let dueMs = row.next_at_ms;
      let nextMs = nextCronMs(row.cron, row.timezone, dueMs);
      while (nextMs <= nowMs) {
        dueMs = nextMs;
        nextMs = nextCronMs(row.cron, row.timezone, dueMs);
      }
      const payload = { ...payloadSchema.parse(JSON.parse(row.payload)), scheduledAtMs: dueMs };
      await this.#jobs.enqueue(tx, { kind: row.kind, payload, key: `schedule/${row.name}/${dueMs}` });
      await store.putSchedule(tx, { ...row, next_at_ms: nextMs });
    }
  }

  async tick(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    if ((await store.dueSchedules(this.#db.read, null, nowMs)).length === 0) return;
    await this.#db.write((tx) => this.fireDue(tx, null, nowMs));
  }
}
