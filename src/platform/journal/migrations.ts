import { sql } from 'kysely';
import { shownAddress } from '../../core/shown-address.ts';
import { autoIncrement, execute, type Migration } from '../db/index.ts';

export const journalMigrations: readonly Migration[] = [
  {
    id: 'journal-001',
    up: (tx, dialect) =>
      execute(
        tx,
        `CREATE TABLE events (
          seq ${autoIncrement(dialect)},
          type TEXT NOT NULL,
          subject_kind TEXT NOT NULL,
          subject_id TEXT NOT NULL,
          data TEXT NOT NULL,
          event_time_ms BIGINT,
          at_ms BIGINT NOT NULL
        );
        CREATE INDEX events_by_subject ON events (subject_kind, subject_id, seq);
        CREATE TABLE event_cursors (consumer TEXT PRIMARY KEY, seq BIGINT NOT NULL);
        CREATE TABLE audit_entries (
          id TEXT PRIMARY KEY,
          at_ms BIGINT NOT NULL,
          actor_kind TEXT NOT NULL,
          actor_id TEXT NOT NULL,
          action TEXT NOT NULL,
          subject_kind TEXT NOT NULL,
          subject_id TEXT NOT NULL,
          before_json TEXT,
          after_json TEXT,
          reason TEXT NOT NULL
        );
        CREATE INDEX audit_entries_by_subject ON audit_entries (subject_kind, subject_id, id)`,
      ),
  },
  {
    // Where readers of events had got to; none keeps its place in the database any more.
    id: 'journal-002',
    up: (tx) => execute(tx, 'DROP TABLE event_cursors'),
  },
  {
    // Addresses of webhooks, which may carry tokens, stood whole in what was made of webhooks and of monitors.
    id: 'journal-003',
    async up(tx) {
      const { rows } = await sql<{ id: string; before_json: string | null; after_json: string | null }>`
        SELECT id, before_json, after_json FROM audit_entries WHERE action LIKE 'registry:webhook-%'
        OR action = 'monitoring:configure'`.execute(tx);
      for (const { id, before_json, after_json } of rows) {
        await sql`UPDATE audit_entries SET before_json = ${withShownAddresses(before_json)},
          after_json = ${withShownAddresses(after_json)} WHERE id = ${id}`.execute(tx);
      }
    },
  },
];

/** Facts about a webhook, or about a monitor with its webhooks, as JSON. */
function withShownAddresses(json: string | null): string | null {
  if (json === null) return null;
  const isAddress = (key: string, value: unknown) =>
    (key === 'url' || key === 'webhook') && typeof value === 'string';
  return JSON.stringify(
    JSON.parse(json, (key, value) => (isAddress(key, value) ? shownAddress(value) : value)),
  );
}
