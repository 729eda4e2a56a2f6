import { execute, type Migration } from '../../../platform/db/index.ts';

/** What is needed to see runs that died, and to keep what was deleted for a while. */
export const lifeMigrations: readonly Migration[] = [
  {
    id: 'experiments-060',
    up: (tx) => execute(tx, `CREATE INDEX runs_running ON runs (heartbeat_ms) WHERE status = 'RUNNING'`),
  },
  {
    // What is deleted, since when and by whom; the name that an experiment had, which others may take meanwhile.
    id: 'experiments-061',
    up: (tx, dialect) => {
      const bytes = dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT';
      return execute(
        tx,
        `CREATE TABLE experiments_trash (
          kind TEXT NOT NULL,
          id ${bytes} NOT NULL,
          experiment_id BIGINT NOT NULL,
          name ${bytes},
          deleted_at_ms BIGINT NOT NULL,
          deleted_by TEXT NOT NULL,
          PRIMARY KEY (kind, id)
        );
        CREATE INDEX experiments_trash_by_time ON experiments_trash (deleted_at_ms)`,
      );
    },
  },
  {
    // From when on there is no way back.
    id: 'experiments-062',
    up: (tx) => execute(tx, 'ALTER TABLE experiments_trash ADD COLUMN is_purging INTEGER NOT NULL DEFAULT 0'),
  },
];
