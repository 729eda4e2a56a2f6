import { sql } from 'kysely';
import { uuidv7 } from '../../core/ids.ts';
import { type Clock, wallClock } from '../../core/time.ts';
import type { Actor } from '../access/index.ts';
import { type Database, statements, type Tx, tables } from '../db/index.ts';
import { eventResource } from './contract.ts';

/** What an event or an audit entry is about, for instance `{ kind: 'turn', id }`. */
export interface Subject {
  readonly kind: string;
  readonly id: string;
}

/** Something that happened, for whoever follows: screens, event streams, webhooks. */
export interface NewEvent {
  /** `<resource>.<what happened>`, for instance `turn.state-changed`. */
  readonly type: string;
  readonly subject: Subject;
  readonly data: Readonly<Record<string, unknown>>;
  /** When it happened in event time, where that differs from the wall clock. */
  readonly eventTimeMs?: number | undefined;
}

/** An event as it stands in the journal. */
export interface StoredEvent extends NewEvent {
  /** Grows without end and in commit order, so that a reader can go on behind the last one it saw. */
  readonly seq: number;
  readonly atMs: number;
}

/** Who changed what, from what to what, and why; kept for good. */
export interface NewAuditEntry {
  readonly actor: Actor;
  /** The permission-like verb, for instance `registry:promote`. */
  readonly action: string;
  readonly subject: Subject;
  readonly before?: unknown;
  readonly after?: unknown;
  /** Why, in words; the state machine's reason where no person gave one. */
  readonly reason: string;
}

export interface StoredAuditEntry extends NewAuditEntry {
  readonly id: string;
  readonly atMs: number;
}

/** Which audit entries are wanted, newest first: those that meet every condition that is set. */
export interface AuditFilter {
  readonly actorKind?: Actor['kind'] | undefined;
  readonly actorId?: string | undefined;
  readonly action?: string | undefined;
  readonly subjectKind?: string | undefined;
  readonly subjectId?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Part of the reason, the action or the subject's id; letter case is ignored. */
  readonly text?: string | undefined;
  /** Entries older than this id (ids sort by time). */
  readonly afterId?: string | undefined;
  readonly limit: number;
}

interface JournalTables {
  events: {
    seq: number;
    type: string;
    subject_kind: string;
    subject_id: string;
    data: string;
    event_time_ms: number | null;
    at_ms: number;
  };
  audit_entries: {
    id: string;
    at_ms: number;
    actor_kind: Actor['kind'];
    actor_id: string;
    action: string;
    subject_kind: string;
    subject_id: string;
    before_json: string | null;
    after_json: string | null;
    reason: string;
  };
}

type EventRow = JournalTables['events'];

/** The topic signalled with each event. */
const eventsTopic = 'events';

/** Any number that two Postgres sessions agree on: it puts events in commit order. */
const postgresLock = 7600;

/**
 * The outbox of events and the audit trail. Both are written in the transaction of the change that they tell
 * of, so neither can be missing or tell of something that did not happen.
 */
export class Journal {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock = wallClock) {
    this.#db = db;
    this.#clock = clock;
  }

  async appendEvent(tx: Tx, event: NewEvent): Promise<void> {
    if (this.#db.dialect === 'postgres') await sql`SELECT pg_advisory_xact_lock(${postgresLock})`.execute(tx);
    const { type, subject, eventTimeMs = null } = event;
    await statements(tx).all(
      'INSERT INTO events (type, subject_kind, subject_id, data, event_time_ms, at_ms) VALUES (?, ?, ?, ?, ?, ?)',
      [type, subject.kind, subject.id, JSON.stringify(event.data), eventTimeMs, this.#clock.nowMs()],
    );
    this.#db.signal(eventsTopic);
  }

  async appendAudit(tx: Tx, entry: NewAuditEntry): Promise<void> {
    const atMs = this.#clock.nowMs();
    const row: JournalTables['audit_entries'] = {
      id: uuidv7(atMs),
      at_ms: atMs,
      actor_kind: entry.actor.kind,
      actor_id: entry.actor.id,
      action: entry.action,
      subject_kind: entry.subject.kind,
      subject_id: entry.subject.id,
      before_json: entry.before === undefined ? null : JSON.stringify(entry.before),
      after_json: entry.after === undefined ? null : JSON.stringify(entry.after),
      reason: entry.reason,
    };
    await tables<JournalTables>(tx).insertInto('audit_entries').values(row).execute();
  }

  /** Events after a cursor, oldest first. */
  async eventsAfter(seq: number, limit: number, subject?: Subject): Promise<readonly StoredEvent[]> {
    let query = tables<JournalTables>(this.#db.read).selectFrom('events').selectAll().where('seq', '>', seq);
    if (subject) query = query.where('subject_kind', '=', subject.kind).where('subject_id', '=', subject.id);
    return (await query.orderBy('seq').limit(limit).execute()).map(toEvent);
  }

  /** Events of some types about one subject after a cursor, oldest first. */
  async eventsOf(
    subject: Subject,
    types: readonly string[],
    seq: number,
    limit: number,
  ): Promise<readonly StoredEvent[]> {
    const rows = await tables<JournalTables>(this.#db.read)
      .selectFrom('events')
      .selectAll()
      .where('subject_kind', '=', subject.kind)
      .where('subject_id', '=', subject.id)
      .where('type', 'in', types)
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(limit)
      .execute();
    return rows.map(toEvent);
  }

  /** The newest event's cursor, 0 when there is none. */
  async lastSeq(): Promise<number> {
    const row = await tables<JournalTables>(this.#db.read)
      .selectFrom('events')
      .select((e) => e.fn.max('seq').as('seq'))
      .executeTakeFirst();
    return row?.seq ?? 0;
  }

  /** Audit entries, newest first. */
  async auditEntries(filter: AuditFilter): Promise<readonly StoredAuditEntry[]> {
    let query = tables<JournalTables>(this.#db.read).selectFrom('audit_entries').selectAll();
    if (filter.actorKind) query = query.where('actor_kind', '=', filter.actorKind);
    if (filter.actorId) query = query.where('actor_id', '=', filter.actorId);
    if (filter.action) query = query.where('action', '=', filter.action);
    if (filter.subjectKind) query = query.where('subject_kind', '=', filter.subjectKind);
    if (filter.subjectId) query = query.where('subject_id', '=', filter.subjectId);
    if (filter.fromMs !== undefined) query = query.where('at_ms', '>=', filter.fromMs);
    if (filter.toMs !== undefined) query = query.where('at_ms', '<', filter.toMs);
    if (filter.text) {
      const pattern = `%${filter.text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
      const holds = (column: string) => sql<boolean>`lower(${sql.ref(column)}) LIKE ${pattern} ESCAPE '\\'`;
      query = query.where((e) => e.or([holds('reason'), holds('action'), holds('subject_id')]));
    }
    if (filter.afterId) query = query.where('id', '<', filter.afterId);
    const rows = await query.orderBy('id', 'desc').limit(filter.limit).execute();
    return rows.map((row) => ({
      id: row.id,
      atMs: row.at_ms,
      actor: { kind: row.actor_kind, id: row.actor_id },
      action: row.action,
      subject: { kind: row.subject_kind, id: row.subject_id },
      before: row.before_json === null ? undefined : JSON.parse(row.before_json),
      after: row.after_json === null ? undefined : JSON.parse(row.after_json),
      reason: row.reason,
    }));
  }

  /** Calls back after each commit that wrote an event. Returns the function that stops it. */
  onEvents(listener: () => void): () => void {
    return this.#db.onSignal(eventsTopic, listener);
  }
}

function toEvent(row: EventRow): StoredEvent {
  return {
    seq: row.seq,
    type: row.type,
    subject: { kind: row.subject_kind, id: row.subject_id },
    data: eventResource.shape.data.parse(JSON.parse(row.data)),
    eventTimeMs: row.event_time_ms ?? undefined,
    atMs: row.at_ms,
  };
}
