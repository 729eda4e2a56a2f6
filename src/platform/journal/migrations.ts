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
];
