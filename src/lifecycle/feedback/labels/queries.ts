import { errorMessage } from '../../../core/error-message.ts';
import { fail } from '../../../core/errors.ts';
import { type Clock, formatTime } from '../../../core/time.ts';
import { isWithoutPassword, withoutPassword } from '../../../core/without-password.ts';
import type { Actor } from '../../../platform/access/index.ts';
import type { Database } from '../../../platform/db/index.ts';
import { firstCronMs, nextCronMs } from '../../../platform/jobs/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import type { SecretBox } from '../../../platform/secrets/index.ts';
import type { LabelQuery, LabelQueryInput, LabelQueryRun, RowError } from '../contract.ts';
import type { LabelStore } from '../store/label-store.ts';
import type { SourceStore, StoredQuery, StoredQuerySettings } from '../store/source-store.ts';
import type { Incoming, Intake } from './intake.ts';
import { readDatabase } from './read-database.ts';
import { labelColumns, readLabelRow } from './read-label-row.ts';
import { keptErrors } from './uploads.ts';

export interface QueriesOptions {
  readonly db: Database;
  readonly journal: Journal;
  readonly sources: SourceStore;
  readonly settings: LabelStore;
  readonly intake: Intake;
  readonly secrets: SecretBox;
  readonly clock: Clock;
}

/** Labels from tables of other databases: run when told to or on a schedule, going on from a watermark. */
export class Queries {
  readonly #options: QueriesOptions;
  readonly #running = new Map<string, Promise<LabelQueryRun>>();

  constructor(options: QueriesOptions) {
    this.#options = options;
  }

  /**
   * Declares a query. Another SQL or watermark column starts from the initial watermark again; an address as it is shown
   * stands for the one that is kept. Throws `invalid_input` where none is.
   */
  async put(actor: Actor, name: string, input: LabelQueryInput): Promise<LabelQuery> {
    const { db, sources, secrets, clock, journal } = this.#options;
    const nowMs = clock.nowMs();
    const { url, endpoint, ...settings } = input;
    const query = await db.write(async (tx) => {
      const before = await sources.lockedQuery(tx, name);
      const goesOn = before !== undefined && readsOn(before, input);
      const query: StoredQuery = {
        name,
        endpoint,
        ...settings,
        urlSealed: isWithoutPassword(url) ? this.#keptUrl(before, url) : secrets.seal(url),
        watermark: goesOn ? before.watermark : null,
        nextAtMs: input.cron === null ? null : firstCronMs(input.cron, 'UTC', nowMs),
        lastRun: before?.lastRun ?? null,
      };
      await sources.putQuery(tx, query, nowMs);
      await journal.appendAudit(tx, {
        actor,
        action: 'label-query:put',
        subject: { kind: 'endpoint', id: endpoint },
        after: { name, ...settings, url: withoutPassword(url) },
        reason: 'labels are read from this database',
      });
      return query;
    });
    return this.#shown(query);
  }

  #keptUrl(before: StoredQuery | undefined, url: string): string {
    if (before && this.#shown(before).url === url) return before.urlSealed;
    const problem = `"${url}" has *** for a password, and no query of this name has that address. Give the password`;
    throw fail('invalid_input', { field: 'url', problem });
  }

  async list(): Promise<readonly LabelQuery[]> {
    return (await this.#options.sources.queries()).map((query) => this.#shown(query));
  }

  /** Throws `not_found`. */
  async remove(actor: Actor, name: string): Promise<void> {
    const { db, sources, journal } = this.#options;
    const { endpoint } = await this.#require(name);
    await db.write(async (tx) => {
      await sources.deleteQuery(tx, name);
      await journal.appendAudit(tx, {
        actor,
        action: 'label-query:remove',
        subject: { kind: 'endpoint', id: endpoint },
        before: { name },
        reason: 'labels are read from this database no more',
      });
    });
  }

  /** Runs those that are due. Failures are kept with the query. */
  async runDue(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    for (const { name } of await this.#options.sources.queries({ dueAtMs: nowMs })) await this.run(name);
  }

  /** Runs a query now; told twice at once it runs once. Throws `not_found`. */
  run(name: string): Promise<LabelQueryRun> {
    const running = this.#running.get(name);
    if (running) return running;
    const run = this.#run(name).finally(() => this.#running.delete(name));
    this.#running.set(name, run);
    return run;
  }

  async #run(name: string): Promise<LabelQueryRun> {
    const { sources, db, clock } = this.#options;
    const query = await this.#require(name);
    const startedMs = clock.nowMs();
    const total = { rows: 0, accepted: 0, refused: 0 };
    const errors: RowError[] = [];
    let watermark = query.watermark ?? query.initialWatermark;
    let error: string | null = null;
    try {
      for await (const page of this.#pages(query, watermark)) {
        total.rows += page.rows.length;
        total.accepted += page.taken.length;
        total.refused += page.problems.length;
        for (const { row, problem } of page.problems)
          if (errors.length < keptErrors) errors.push({ row: total.rows - page.rows.length + row, problem });
        if (page.taken.length > 0)
          await this.#options.intake.take(query.endpoint, page.taken, `query:${query.name}`);
        watermark = laterOf(watermark, page.watermark);
      }
    } catch (cause) {
      error = messageOf(cause);
    }
    const run: LabelQueryRun = { startedAt: formatTime(startedMs), ...total, errors, watermark, error };
    await db.write(async (tx) => {
      // It may have been removed or declared anew meanwhile, which stays so.
      const now = await sources.lockedQuery(tx, name);
      if (!now) return;
      const nowMs = clock.nowMs();
      // Rows come in any order, so the watermark moves only when all have been read.
      const read = error === null && readsOn(query, now) ? watermark : now.watermark;
      const nextAtMs = now.cron === null ? null : nextCronMs(now.cron, 'UTC', nowMs);
      await sources.putQuery(tx, { ...now, watermark: read, nextAtMs, lastRun: run }, nowMs);
    });
    return run;
  }

  async *#pages(query: StoredQuery, from: string | number | null) {
    const { settings, secrets, clock } = this.#options;
    const { labelType } = await settings.settings(query.endpoint);
    for await (const { names, rows } of readDatabase(secrets.open(query.urlSealed), query.sql, from)) {
      const columns = labelColumns(names);
      if (typeof columns === 'string')
        throw fail('label_query_failed', { name: query.name, problem: columns });
      const place = names.indexOf(query.watermarkColumn);
      if (place < 0 && query.sql.includes(':watermark')) {
        const problem = `there is no column ${query.watermarkColumn} to take the watermark from; the columns are ${names.join(', ')}`;
        throw fail('label_query_failed', { name: query.name, problem });
      }
      const taken: Incoming[] = [];
      const problems: RowError[] = [];
      let watermark: string | number | null = null;
      const nowMs = clock.nowMs();
      for (const [i, cells] of rows.entries()) {
        const label = readLabelRow(cells, columns, { type: labelType, nowMs, decimal: null });
        // A row that is refused moves no watermark: a time like 9999-12-31 would leave out all that come after.
        if (typeof label === 'string') {
          problems.push({ row: i + 1, problem: label });
          continue;
        }
        taken.push(label);
        watermark = laterOf(watermark, watermarkOf(cells[place]));
      }
      yield { rows, taken, problems, watermark };
    }
  }

  async #find(name: string): Promise<StoredQuery | undefined> {
    return (await this.#options.sources.queries({ name }))[0];
  }

  async #require(name: string): Promise<StoredQuery> {
    const query = await this.#find(name);
    if (!query) throw fail('not_found', { kind: 'label query', id: name, list: '/api/v1/label-queries' });
    return query;
  }

  #shown(query: StoredQuery): LabelQuery {
    return {
      name: query.name,
      endpoint: query.endpoint,
      url: withoutPassword(this.#options.secrets.open(query.urlSealed)),
      sql: query.sql,
      watermarkColumn: query.watermarkColumn,
      watermark: query.watermark,
      cron: query.cron,
      nextAt: query.nextAtMs === null ? null : formatTime(query.nextAtMs),
      lastRun: query.lastRun,
    };
  }
}

/** Whether a query goes on from the watermark of another. */
function readsOn(before: StoredQuerySettings, after: StoredQuerySettings): boolean {
  return before.sql === after.sql && before.watermarkColumn === after.watermarkColumn;
}

function watermarkOf(value: unknown): string | number | null {
  // Postgres has an infinity of time, and years that a Date does not know.
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

/** A watermark that is a whole number, also one beyond 2^53, which comes as its digits. */
function wholeNumber(watermark: string | number): bigint | null {
  if (typeof watermark === 'number') return Number.isInteger(watermark) ? BigInt(watermark) : null;
  return /^-?\d{16,19}$/.test(watermark) ? BigInt(watermark) : null;
}

/** The later of two watermarks of one column: numbers by size, texts (times as RFC 3339) by their letters. */
function laterOf(a: string | number | null, b: string | number | null): string | number | null {
  if (a === null || b === null) return a ?? b;
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b);
  const [wholeA, wholeB] = [wholeNumber(a), wholeNumber(b)];
  if (wholeA !== null && wholeB !== null) return wholeA > wholeB ? a : b;
  const [timeA, timeB] = [Date.parse(String(a)), Date.parse(String(b))];
  if (Number.isFinite(timeA) && Number.isFinite(timeB) && timeA !== timeB) return timeA > timeB ? a : b;
  return String(a) > String(b) ? a : b;
}

/** A refused connection has its reasons inside (one for each address). */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return errorMessage(error);
}
