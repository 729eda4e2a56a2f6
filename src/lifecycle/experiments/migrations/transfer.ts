import { execute, type Migration } from '../../../platform/db/index.ts';

export const transferMigrations: readonly Migration[] = [
  {
    // Imports, where their experiments went, and how far each of their runs and logged models is.
    id: 'experiments-070',
    up: (tx, dialect) => {
      const bytes = dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT';
      return execute(
        tx,
        `CREATE TABLE imports (
          id TEXT PRIMARY KEY,
          source ${bytes} NOT NULL,
          started_by TEXT NOT NULL,
          started_at_ms BIGINT NOT NULL,
          finished_at_ms BIGINT,
          agrees INTEGER
        );
        CREATE INDEX imports_by_source ON imports (source, id);
        CREATE TABLE import_experiments (
          source ${bytes} NOT NULL,
          source_id ${bytes} NOT NULL,
          experiment_id BIGINT NOT NULL,
          outcome TEXT NOT NULL,
          PRIMARY KEY (source, source_id)
        );
        CREATE TABLE import_items (
          kind TEXT NOT NULL,
          id ${bytes} NOT NULL,
          import_id TEXT NOT NULL,
          experiment_id BIGINT NOT NULL,
          owned INTEGER NOT NULL,
          stamp TEXT NOT NULL,
          complete INTEGER NOT NULL,
          source_facts TEXT NOT NULL,
          PRIMARY KEY (kind, id)
        );
        CREATE INDEX import_items_by_import ON import_items (import_id, experiment_id, kind, id)`,
      );
    },
  },
];
