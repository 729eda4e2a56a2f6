import { fail } from '../../core/errors.ts';
import { type Clock, formatTime, wallClock } from '../../core/time.ts';
import { type Actor, authorize } from '../access/index.ts';
import { type Database, type Tx, tables } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Logger } from '../log/index.ts';
import { Recurring } from '../recurring/index.ts';
import type { WatermarkMode, WatermarkResource } from './contract.ts';

interface WatermarkRow {
  readonly stream: string;
  readonly mode: WatermarkMode;
  readonly watermark_ms: number | null;
  readonly allowed_delay_ms: number;
}

type WatermarkTables = { watermarks: WatermarkRow };

/** Brings in all that happened on a stream before the watermark moves (replicas seal and send their logs). */
export type Barrier = (stream: string) => Promise<void>;

const defaultAllowedDelayMs = 60_000;
const tickMs = 5_000;

/**
 * Event time. A stream is whatever has its own time: an endpoint and its loop share one. Its watermark says
 * that everything earlier is known, so windows before it can close. A live stream's watermark is the wall clock
 * less an allowed delay; a replayed one is advanced by hand, so history passes as if live and no test sleeps.
 *
 * Each move is an event `watermark.advanced`, in its transaction.
 */
export class Watermarks {
  readonly #db: Database;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #barriers: Barrier[] = [];
  readonly #ticks = new Recurring();

  constructor(db: Database, journal: Journal, clock: Clock = wallClock) {
    this.#db = db;
    this.#journal = journal;
    this.#clock = clock;
  }

  addBarrier(barrier: Barrier): void {
    this.#barriers.push(barrier);
  }

  start(log: Logger): void {
    const doing = 'moving the watermarks of live streams (windows close and loops go on by them)';
    this.#ticks.start({ everyMs: tickMs, doing, run: () => this.tick(), log });
  }

  stop(): void {
    this.#ticks.stop();
  }

  /** Makes a stream known (live) unless it is. */
  async declare(tx: Tx, stream: string): Promise<void> {
    await tables<WatermarkTables>(tx)
      .insertInto('watermarks')
      .values({ stream, mode: 'live', watermark_ms: null, allowed_delay_ms: defaultAllowedDelayMs })
      .onConflict((c) => c.column('stream').doNothing())
      .execute();
  }

  /** A stream's watermark now; undefined for a replay that has not begun, or an unknown stream. */
  async get(stream: string, tx: Tx = this.#db.read): Promise<number | undefined> {
    const row = await this.#find(tx, stream);
    if (!row) return undefined;
    return row.mode === 'live' ? this.#clock.nowMs() - row.allowed_delay_ms : (row.watermark_ms ?? undefined);
  }

  async describe(actor: Actor, stream: string): Promise<WatermarkResource> {
    authorize(actor, 'read');
    const row = await this.#known(this.#db.read, stream);
    return this.#resource(row);
  }

  async list(actor: Actor): Promise<readonly WatermarkResource[]> {
    authorize(actor, 'read');
    const rows = await tables<WatermarkTables>(this.#db.read)
      .selectFrom('watermarks')
      .selectAll()
      .orderBy('stream')
      .execute();
    return rows.map((row) => this.#resource(row));
  }

  /** Sets how a stream's time passes; one that is not known yet is declared, so it can be set before its first use. */
  async configure(
    actor: Actor,
    stream: string,
    change: { readonly mode?: WatermarkMode | undefined; readonly allowedDelayMs?: number | undefined },
  ): Promise<void> {
    authorize(actor, 'feedback:write');
    await this.#db.write(async (tx) => {
      await this.declare(tx, stream);
      const before = await this.#known(tx, stream);
      const after = {
        mode: change.mode ?? before.mode,
        allowed_delay_ms: change.allowedDelayMs ?? before.allowed_delay_ms,
      };
      await tables<WatermarkTables>(tx)
        .updateTable('watermarks')
        .set(after)
        .where('stream', '=', stream)
        .execute();
      await this.#journal.appendAudit(tx, {
        actor,
        action: 'watermark:configure',
        subject: { kind: 'watermark', id: stream },
        before: { mode: before.mode, allowedDelayMs: before.allowed_delay_ms },
        after: { mode: after.mode, allowedDelayMs: after.allowed_delay_ms },
        reason: 'requested',
      });
    });
  }

  /**
   * Moves a replayed stream's watermark, after the barriers have brought in all that is earlier. Moving it to
   * where it is does nothing. Throws `watermark_live` and `watermark_backwards`.
   */
  async advance(actor: Actor, stream: string, toMs: number): Promise<void> {
    authorize(actor, 'feedback:write');
    const before = await this.#known(this.#db.read, stream);
    if (before.mode === 'live') throw fail('watermark_live', { stream });
    for (const barrier of this.#barriers) await barrier(stream);
    await this.#db.write(async (tx) => {
      const row = await this.#known(tx, stream);
      if (row.watermark_ms !== null && toMs < row.watermark_ms) {
        const [current, value] = [formatTime(row.watermark_ms), formatTime(toMs)];
        throw fail('watermark_backwards', { stream, current, value });
      }
      if (toMs === row.watermark_ms) return;
      await this.#move(tx, stream, 'replay', toMs);
    });
  }

  /** Tells of the passing of time on live streams. */
  async tick(): Promise<void> {
    const live = tables<WatermarkTables>(this.#db.read)
      .selectFrom('watermarks')
      .selectAll()
      .where('mode', '=', 'live');
    for (const row of await live.execute()) {
      const { stream, allowed_delay_ms: delayMs } = row;
      await this.#db.write((tx) => this.#move(tx, stream, 'live', this.#clock.nowMs() - delayMs));
    }
  }

  /** Moves a stream that is still in this mode: it may have got the other one meanwhile. */
  async #move(tx: Tx, stream: string, mode: WatermarkMode, toMs: number): Promise<void> {
    const { numUpdatedRows } = await tables<WatermarkTables>(tx)
      .updateTable('watermarks')
      .set({ watermark_ms: toMs })
      .where('stream', '=', stream)
      .where('mode', '=', mode)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) return;
    await this.#journal.appendEvent(tx, {
      type: 'watermark.advanced',
      subject: { kind: 'watermark', id: stream },
      data: { watermark: formatTime(toMs) },
      eventTimeMs: toMs,
    });
  }

  #find(tx: Tx, stream: string): Promise<WatermarkRow | undefined> {
    return tables<WatermarkTables>(tx)
      .selectFrom('watermarks')
      .selectAll()
      .where('stream', '=', stream)
      .executeTakeFirst();
  }

  async #known(tx: Tx, stream: string): Promise<WatermarkRow> {
    const row = await this.#find(tx, stream);
    if (!row) throw fail('not_found', { kind: 'stream', id: stream, list: '/api/v1/watermarks' });
    return row;
  }

  #resource(row: WatermarkRow): WatermarkResource {
    const watermarkMs = row.mode === 'live' ? this.#clock.nowMs() - row.allowed_delay_ms : row.watermark_ms;
    return {
      stream: row.stream,
      mode: row.mode,
      watermark: watermarkMs === null ? null : formatTime(watermarkMs),
      allowedDelayMs: row.allowed_delay_ms,
    };
  }
}
