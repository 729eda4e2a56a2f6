import { execute, type Migration } from '../../platform/db/index.ts';

export const evaluationMigrations: readonly Migration[] = [
  {
    id: 'evaluation-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE evaluations (
          id TEXT PRIMARY KEY,
          subject TEXT NOT NULL,
          candidate_digest TEXT NOT NULL,
          champion_digest TEXT,
          dataset_digest TEXT NOT NULL,
          row_count BIGINT NOT NULL,
          verdict TEXT NOT NULL,
          gates_json TEXT NOT NULL,
          candidate_json TEXT NOT NULL,
          report_json TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL
        );
        CREATE INDEX evaluations_subject ON evaluations (subject, id)`,
      ),
  },
];
