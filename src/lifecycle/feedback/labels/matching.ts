import { z } from 'zod';
import { formatTime } from '../../../core/time.ts';
import type { Database } from '../../../platform/db/index.ts';
import { type Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import type { LabelEntry, LabelLog } from '../label-log.ts';
import { entityHash } from '../segments/entity-file.ts';
import type { EntitySpan } from '../segments/segment-index.ts';
import type { LabelStore, WaitingRow } from '../store/label-store.ts';

export interface MatchingOptions {
  readonly db: Database;
  readonly store: LabelStore;
  readonly frames: Frames;
  readonly labels: LabelLog;
  readonly signals: LabelLog;
  /** SQL for rows of these entities in these spans of event time; see `LogSearch.nearEntities`. */
  readonly nearEntities: (endpoint: string, wanted: readonly EntitySpan[]) => Promise<string | null>;
}

const batch = 2000;

/**
 * Finds the predictions of labels that came by entity and time: the nearest in event time within the tolerance.
 * Of two that are equally near the earlier one is taken, and of equal times the one with the smaller id; what was
 * done is noted with the label. A label without a prediction stays and is tried again.
 */
export class Matching {
  readonly #options: MatchingOptions;
  readonly #running = new Map<string, Promise<number>>();
  readonly #again = new Set<string>();

  constructor(options: MatchingOptions) {
    this.#options = options;
  }

  /** Tries all that wait at an endpoint; resolves with how many found their prediction. */
  match(endpoint: string): Promise<number> {
    const running = this.#running.get(endpoint);
    if (running) {
      // What came after that run began is seen by another one.
      this.#again.add(endpoint);
      return running;
    }
    const run = this.#matchAll(endpoint).finally(() => this.#running.delete(endpoint));
    this.#running.set(endpoint, run);
    return run;
  }

  async #matchAll(endpoint: string): Promise<number> {
    let found = 0;
    do {
      this.#again.delete(endpoint);
      let afterId = '';
      for (;;) {
        const rows = await this.#options.store.waiting(endpoint, batch, afterId);
        if (rows.length === 0) break;
        found += await this.#matchSome(endpoint, rows);
        afterId = rows.at(-1)?.id ?? '';
        if (rows.length < batch) break;
      }
    } while (this.#again.has(endpoint));
    return found;
  }

  async #matchSome(endpoint: string, rows: readonly WaitingRow[]): Promise<number> {
    const { db, store, frames, labels, signals, nearEntities } = this.#options;
    const near = await nearEntities(
      endpoint,
      rows.map(({ entity, atMs, toleranceMs }) => {
        return { entity, fromMs: atMs - toleranceMs, toMs: atMs + toleranceMs + 1 };
      }),
    );
    if (near === null) return 0;
    const matches = new Map<string, { readonly predictionId: string; readonly note: string }>();
    for (const row of await frames.query(matchSql(near, rows))) {
      matches.set(row.id as string, {
        predictionId: row.prediction_id as string,
        note: noteOf(matchFactsSchema.parse(row)),
      });
    }
    const entries: LabelEntry[] = [];
    for (const row of rows) {
      const match = matches.get(row.id);
      if (match) entries.push({ ...row, ...match });
    }
    if (entries.length === 0) return 0;
    // Logged first: a crash in between logs them again, with the same values and times, and nothing is lost.
    const [own, other] = [entries.filter((e) => !e.signal), entries.filter((e) => e.signal)];
    if (own.length > 0) await labels.append(endpoint, own);
    if (other.length > 0) await signals.append(endpoint, other);
    await db.write((tx) => store.deleteWaiting(tx, [...matches.keys()]));
    return entries.length;
  }
}

const matchFactsSchema = z.object({
  at_ms: z.number(),
  event_time_ms: z.number(),
  candidates: z.number(),
  equally_near: z.number(),
});

function noteOf({
  at_ms,
  event_time_ms,
  candidates,
  equally_near,
}: z.infer<typeof matchFactsSchema>): string {
  const distanceMs = Math.abs(at_ms - event_time_ms);
  const side =
    event_time_ms === at_ms ? 'at' : `${distanceMs} ms ${event_time_ms < at_ms ? 'before' : 'after'}`;
  const among = candidates === 1 ? 'the only prediction' : `the nearest of ${candidates} predictions`;
  const tie =
    equally_near > 1
      ? `; ${equally_near} are equally near: the earliest, then the smallest id, was taken`
      : '';
  return `by entity: ${among} within the tolerance, ${side} ${formatTime(at_ms)}${tie}`;
}

function matchSql(near: string, rows: readonly WaitingRow[]): string {
  const values = rows
    .map((r) => `(${sqlLiteral(r.id)}, ${entityHash(r.entity)}, ${r.atMs}, ${r.toleranceMs})`)
    .join(', ');
  // A copy has the id and the time of its original.
  return `WITH waiting(id, entity_hash, at_ms, tolerance_ms) AS (VALUES ${values}),
    logged AS (SELECT DISTINCT * FROM ${near}),
    pairs AS (SELECT waiting.*, prediction_id, event_time_ms, abs(event_time_ms - at_ms) AS distance
      FROM waiting JOIN logged ON logged.entity_hash = waiting.entity_hash AND abs(event_time_ms - at_ms) <= tolerance_ms)
    SELECT *, count(*) OVER (PARTITION BY id) AS candidates,
      count(*) OVER (PARTITION BY id, distance) AS equally_near
    FROM pairs
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY distance, event_time_ms, prediction_id) = 1`;
}
