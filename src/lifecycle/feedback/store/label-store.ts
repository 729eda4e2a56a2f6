import { type Database, type Tx, tables } from '../../../platform/db/index.ts';
import {
  defaultFeedbackSettings,
  type FeedbackSettings,
  feedbackSettingsSchema,
  type LabelValue,
  labelValueOf,
} from '../contract.ts';

/** A label or signal by entity that waits for its prediction. */
export interface WaitingRow {
  readonly id: string;
  readonly endpoint: string;
  readonly entity: string;
  readonly atMs: number;
  readonly toleranceMs: number;
  readonly signal: string | null;
  readonly value: LabelValue;
  readonly eventTimeMs: number;
  readonly receivedAtMs: number;
  readonly source: string;
}

interface LabelTables {
  waiting_labels: {
    readonly id: string;
    readonly endpoint: string;
    readonly entity: string;
    readonly at_ms: number;
    readonly tolerance_ms: number;
    readonly signal: string | null;
    readonly value_json: string;
    readonly event_time_ms: number;
    readonly received_at_ms: number;
    readonly source: string;
  };
  feedback_settings: {
    readonly endpoint: string;
    readonly settings_json: string;
    readonly updated_at_ms: number;
  };
}

/** Rows of one INSERT: SQLite and Postgres both bound the number of parameters. */
const insertRows = 500;

function toWaitingRow(row: LabelTables['waiting_labels']): WaitingRow {
  return {
    id: row.id,
    endpoint: row.endpoint,
    entity: row.entity,
    atMs: row.at_ms,
    toleranceMs: row.tolerance_ms,
    signal: row.signal,
    value: labelValueOf(row.value_json),
    eventTimeMs: row.event_time_ms,
    receivedAtMs: row.received_at_ms,
    source: row.source,
  };
}

/** The only reader and writer of `waiting_labels` and `feedback_settings`. */
export class LabelStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  /** Keeps labels until their predictions are found; an id that is there already is left as it is. */
  async insertWaiting(tx: Tx, rows: readonly WaitingRow[]): Promise<void> {
    for (let from = 0; from < rows.length; from += insertRows) {
      await tables<LabelTables>(tx)
        .insertInto('waiting_labels')
        .values(
          rows.slice(from, from + insertRows).map((row) => ({
            id: row.id,
            endpoint: row.endpoint,
            entity: row.entity,
            at_ms: row.atMs,
            tolerance_ms: row.toleranceMs,
            signal: row.signal,
            value_json: JSON.stringify(row.value),
            event_time_ms: row.eventTimeMs,
            received_at_ms: row.receivedAtMs,
            source: row.source,
          })),
        )
        .onConflict((c) => c.column('id').doNothing())
        .execute();
    }
  }

  /** Those of an endpoint behind an id, oldest first. */
  async waiting(endpoint: string, limit: number, afterId = ''): Promise<readonly WaitingRow[]> {
    const rows = await tables<LabelTables>(this.#read)
      .selectFrom('waiting_labels')
      .selectAll()
      .where('endpoint', '=', endpoint)
      .where('id', '>', afterId)
      .orderBy('id')
      .limit(limit)
      .execute();
    return rows.map(toWaitingRow);
  }

  /**
   * The same behind one of them, by the time of the prediction that they speak of: what they are looked for in lies
   * together too.
   */
  async waitingByTime(
    endpoint: string,
    limit: number,
    after: Pick<WaitingRow, 'atMs' | 'id'>,
  ): Promise<readonly WaitingRow[]> {
    const rows = await tables<LabelTables>(this.#read)
      .selectFrom('waiting_labels')
      .selectAll()
      .where('endpoint', '=', endpoint)
      .where(({ eb, refTuple, tuple }) => eb(refTuple('at_ms', 'id'), '>', tuple(after.atMs, after.id)))
      .orderBy('at_ms')
      .orderBy('id')
      .limit(limit)
      .execute();
    return rows.map(toWaitingRow);
  }

  async countWaiting(endpoint: string): Promise<number> {
    const { count } = await tables<LabelTables>(this.#read)
      .selectFrom('waiting_labels')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('endpoint', '=', endpoint)
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  async endpointsWaiting(): Promise<readonly string[]> {
    const rows = await tables<LabelTables>(this.#read)
      .selectFrom('waiting_labels')
      .select('endpoint')
      .distinct()
      .execute();
    return rows.map(({ endpoint }) => endpoint);
  }

  async deleteWaiting(tx: Tx, ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += insertRows) {
      const some = ids.slice(from, from + insertRows);
      await tables<LabelTables>(tx).deleteFrom('waiting_labels').where('id', 'in', some).execute();
    }
  }

  /** Forgets labels that wait for a prediction of before a time. */
  async dropWaiting(tx: Tx, endpoint: string, beforeMs: number): Promise<void> {
    await tables<LabelTables>(tx)
      .deleteFrom('waiting_labels')
      .where('endpoint', '=', endpoint)
      .where('at_ms', '<', beforeMs)
      .execute();
  }

  /** Forgets what waits for an entity; returns how many. */
  async eraseWaiting(tx: Tx, entity: string, endpoint: string | null): Promise<number> {
    let query = tables<LabelTables>(tx).deleteFrom('waiting_labels').where('entity', '=', entity);
    if (endpoint !== null) query = query.where('endpoint', '=', endpoint);
    return (await query.returning('id').execute()).length;
  }

  async settings(endpoint: string): Promise<FeedbackSettings> {
    const row = await tables<LabelTables>(this.#read)
      .selectFrom('feedback_settings')
      .select('settings_json')
      .where('endpoint', '=', endpoint)
      .executeTakeFirst();
    return row ? feedbackSettingsSchema.parse(JSON.parse(row.settings_json)) : defaultFeedbackSettings;
  }

  async allSettings(): Promise<ReadonlyMap<string, FeedbackSettings>> {
    const rows = await tables<LabelTables>(this.#read).selectFrom('feedback_settings').selectAll().execute();
    return new Map(rows.map((r) => [r.endpoint, feedbackSettingsSchema.parse(JSON.parse(r.settings_json))]));
  }

  async putSettings(tx: Tx, endpoint: string, settings: FeedbackSettings, nowMs: number): Promise<void> {
    const row = { settings_json: JSON.stringify(settings), updated_at_ms: nowMs };
    await tables<LabelTables>(tx)
      .insertInto('feedback_settings')
      .values({ endpoint, ...row })
      .onConflict((c) => c.column('endpoint').doUpdateSet(row))
      .execute();
  }
}
