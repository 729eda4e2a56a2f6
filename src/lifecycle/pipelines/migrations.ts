import { execute, type Migration } from '../../platform/db/index.ts';

export const pipelinesMigrations: readonly Migration[] = [
  {
    id: 'pipelines-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE step_runs (
          id TEXT PRIMARY KEY,
          kind TEXT NOT NULL,
          subject TEXT NOT NULL,
          place TEXT NOT NULL,
          status TEXT NOT NULL,
          inputs TEXT NOT NULL,
          outputs TEXT,
          error TEXT,
          attempts BIGINT NOT NULL,
          created_at_ms BIGINT NOT NULL,
          started_at_ms BIGINT,
          finished_at_ms BIGINT
        );
        CREATE INDEX step_runs_by_subject ON step_runs (subject, id);
        CREATE INDEX step_runs_by_status ON step_runs (status, id)`,
      ),
  },
];
