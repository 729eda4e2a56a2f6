import { z } from 'zod';
import { type Clock, formatTime } from '../../../core/time.ts';
import type { Database } from '../../../platform/db/index.ts';
import { type Frames, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import type { LabelEntry, LabelLog } from '../label-log.ts';
import { entityHash } from '../segments/entity-file.ts';
import type { EntitySpan } from '../segments/segment-index.ts';
import type { LabelStore, WaitingRow } from '../store/label-store.ts';

interface MatchingOptions {
  readonly db: Database;
  readonly store: LabelStore;
  readonly frames: Frames;
  readonly labels: Pick<LabelLog, 'append'>;
  readonly signals: Pick<LabelLog, 'append'>;
  /** SQL for rows of these entities in these spans of event time; see `LogSearch.nearEntities`. */
  readonly nearEntities: (endpoint: string, wanted: readonly EntitySpan[]) => Promise<string | null>;
  /** SQL for those of these predictions that callers got an answer to; see `LogSearch.answered`. */
  readonly answered: (endpoint: string, ids: readonly string[]) => Promise<string>;
  readonly clock: Clock;
}

const batch = 2000;

/**
 * How long a label whose only predictions failed waits for one that was answered, from its receipt, and from the end
 * of its tolerance if that is later: rows of a retry may come from another replica.
 */
export const retryWaitMs = 600_000;

/**
 * Finds the predictions of labels that came by entity and time: the nearest in event time within the tolerance of
 * those that were answered, and where none was, after `retryWaitMs`, of those that failed. Of two that are equally
 * near the earlier one is taken, and of equal times the one with the smaller id; what was done is noted with the
 * label. A label without a prediction stays and is tried again.
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
    const run = this.#matchAll(endpoint);
    this.#running.set(endpoint, run);
    return run;
  }

  async #matchAll(endpoint: string): Promise<number> {
    let found = 0;
    try {
      do {
        this.#again.delete(endpoint);
        found += await this.#matchOnce(endpoint);
      } while (this.#again.has(endpoint));
      return found;
    } finally {
      // At once: who comes next has another run begun.
      this.#running.delete(endpoint);
    }
  }

  async #matchOnce(endpoint: string): Promise<number> {
    let found = 0;
    let last: Pick<WaitingRow, 'atMs' | 'id'> | undefined = { atMs: Number.MIN_SAFE_INTEGER, id: '' };
    while (last) {
      const rows: readonly WaitingRow[] = await this.#options.store.waitingByTime(endpoint, batch, last);
      if (rows.length > 0) found += await this.#matchSome(endpoint, rows);
      last = rows.length < batch ? undefined : rows.at(-1);
    }
    return found;
  }

  async #matchSome(endpoint: string, rows: readonly WaitingRow[]): Promise<number> {
    const { db, store, frames, labels, signals, nearEntities, answered, clock } = this.#options;
    const near = await nearEntities(
      endpoint,
      rows.map(({ entity, atMs, toleranceMs }) => {
        return { entity, fromMs: atMs - toleranceMs, toMs: atMs + toleranceMs + 1 };
      }),
    );
    if (near === null) return 0;
    const matches = new Map<string, { readonly predictionId: string; readonly note: string }>();
    const pairs = pairsSql(near, rows, clock.nowMs());
    const candidates = await typedRows(frames, candidateRow, `SELECT DISTINCT prediction_id FROM ${pairs}`);
    if (candidates.length === 0) return 0;
    const ids = candidates.map(({ prediction_id }) => prediction_id);
    for (const row of await typedRows(frames, matchRow, matchSql(pairs, await answered(endpoint, ids))))
      matches.set(row.id, { predictionId: row.prediction_id, note: noteOf(row) });
    const entries: LabelEntry[] = [];
    // In order of receipt: of equal event times the later one counts.
    for (const row of rows.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
      const match = matches.get(row.id);
      if (match) entries.push({ ...row, ...match, waited: true });
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

const candidateRow = z.object({ prediction_id: z.string() });

const matchRow = z.object({
  id: z.string(),
  prediction_id: z.string(),
  answered: z.boolean(),
  at_ms: z.number(),
  event_time_ms: z.number(),
  candidates: z.number(),
  equally_near: z.number(),
  failed: z.number(),
});

function noteOf(match: z.infer<typeof matchRow>): string {
  const { at_ms, event_time_ms, candidates, equally_near, answered, failed } = match;
  const distanceMs = Math.abs(at_ms - event_time_ms);
  const side =
    event_time_ms === at_ms ? 'at' : `${distanceMs} ms ${event_time_ms < at_ms ? 'before' : 'after'}`;
  const among = candidates === 1 ? 'the only prediction' : `the nearest of ${candidates} predictions`;
  const tie =
    equally_near > 1
      ? `; ${equally_near} are equally near: the earliest, then the smallest id, was taken`
      : '';
  const failure = !answered ? '; none was answered' : failed > 0 ? `, ${failed} that failed left out` : '';
  return `by entity: ${among} within the tolerance${failure}, ${side} ${formatTime(at_ms)}${tie}`;
}

/** SQL for each label with each prediction of its entity within its tolerance. */
function pairsSql(near: string, rows: readonly WaitingRow[], nowMs: number): string {
  const values = rows.map(({ id, entity, atMs, toleranceMs, receivedAtMs }) => {
    const takesFailed = nowMs >= Math.max(receivedAtMs, atMs + toleranceMs) + retryWaitMs;
    return `(${sqlLiteral(id)}, ${entityHash(entity)}, ${atMs}, ${toleranceMs}, ${takesFailed})`;
  });
  // A copy has the id and the time of its original.
  return `(WITH waiting(id, entity_hash, at_ms, tolerance_ms, takes_failed) AS (VALUES ${values.join(', ')}),
    logged AS (SELECT DISTINCT * FROM ${near})
    SELECT waiting.*, prediction_id, event_time_ms, abs(event_time_ms - at_ms) AS distance
    FROM waiting JOIN logged ON logged.entity_hash = waiting.entity_hash AND abs(event_time_ms - at_ms) <= tolerance_ms)`;
}

/** SQL for the pair of each label that is taken, if one is. */
function matchSql(pairs: string, answered: string): string {
  return `WITH pairs AS (SELECT *, prediction_id IN ${answered} AS answered FROM ${pairs})
    SELECT *, count(*) OVER (PARTITION BY id, answered) AS candidates,
      count(*) OVER (PARTITION BY id, answered, distance) AS equally_near,
      count(*) FILTER (NOT answered) OVER (PARTITION BY id) AS failed
    FROM pairs WHERE answered OR takes_failed OR id IN (SELECT id FROM pairs WHERE answered)
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY answered DESC, distance, event_time_ms, prediction_id) = 1`;
}
