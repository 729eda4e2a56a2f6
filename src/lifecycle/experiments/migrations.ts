import { autoIncrement, execute, type Migration } from '../../platform/db/index.ts';
import { lifeMigrations } from './migrations/life.ts';
import { searchMigrations } from './migrations/search.ts';
import { transferMigrations } from './migrations/transfer.ts';
import { tracesMigrations } from './traces/index.ts';

/**
 * Points lie clustered by (series, step, time, value), so a history is one range scan; a series holds its key
 * once and the summary of its points, so a table of runs reads no history. Text keys and artifact paths compare
 * byte by byte on both databases.
 */
export const experimentsMigrations: readonly Migration[] = [
  {
    id: 'experiments-001',
    up: (tx, dialect) => {
      const bytes = dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT';
      const clustered = dialect === 'sqlite' ? 'WITHOUT ROWID' : '';
      return execute(
        tx,
        `CREATE TABLE experiments (
          id ${autoIncrement(dialect)},
          name ${bytes} NOT NULL UNIQUE,
          artifact_location TEXT NOT NULL,
          lifecycle_stage TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        INSERT INTO experiments (id, name, artifact_location, lifecycle_stage, created_at_ms, updated_at_ms)
          VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active', ${Date.now()}, ${Date.now()});
        CREATE TABLE experiment_tags (
          experiment_id BIGINT NOT NULL, key ${bytes} NOT NULL, value TEXT NOT NULL,
          PRIMARY KEY (experiment_id, key)
        ) ${clustered};

        CREATE TABLE runs (
          seq ${autoIncrement(dialect)},
          id ${bytes} NOT NULL UNIQUE,
          experiment_id BIGINT NOT NULL,
          name ${bytes} NOT NULL,
          user_id ${bytes} NOT NULL,
          status TEXT NOT NULL,
          start_time_ms BIGINT NOT NULL,
          end_time_ms BIGINT,
          lifecycle_stage TEXT NOT NULL,
          artifact_uri ${bytes} NOT NULL,
          step_run_id TEXT,
          heartbeat_ms BIGINT NOT NULL
        );
        CREATE INDEX runs_by_start ON runs (experiment_id, lifecycle_stage, start_time_ms DESC, id);
        CREATE INDEX runs_by_step ON runs (step_run_id);
        CREATE TABLE run_params (
          run_seq BIGINT NOT NULL, key ${bytes} NOT NULL, value ${bytes} NOT NULL,
          PRIMARY KEY (run_seq, key)
        ) ${clustered};
        CREATE TABLE run_tags (
          run_seq BIGINT NOT NULL, key ${bytes} NOT NULL, value ${bytes} NOT NULL,
          PRIMARY KEY (run_seq, key)
        ) ${clustered};

        CREATE TABLE metric_series (
          id ${autoIncrement(dialect)},
          run_seq BIGINT NOT NULL,
          key ${bytes} NOT NULL,
          count BIGINT NOT NULL,
          last_step BIGINT NOT NULL,
          last_time_ms BIGINT NOT NULL,
          last_value DOUBLE PRECISION NOT NULL,
          last_is_nan INTEGER NOT NULL,
          first_step BIGINT NOT NULL,
          first_time_ms BIGINT NOT NULL,
          first_value DOUBLE PRECISION NOT NULL,
          first_is_nan INTEGER NOT NULL,
          min_value DOUBLE PRECISION,
          max_value DOUBLE PRECISION,
          UNIQUE (run_seq, key)
        );
        CREATE INDEX metric_series_by_key ON metric_series (key, last_value);
        CREATE TABLE metric_points (
          series_id BIGINT NOT NULL,
          step BIGINT NOT NULL,
          time_ms BIGINT NOT NULL,
          value DOUBLE PRECISION NOT NULL,
          is_nan INTEGER NOT NULL,
          PRIMARY KEY (series_id, step, time_ms, value, is_nan)
        ) ${clustered};

        CREATE TABLE input_datasets (
          id ${autoIncrement(dialect)},
          experiment_id BIGINT NOT NULL,
          name ${bytes} NOT NULL,
          digest ${bytes} NOT NULL,
          source_type TEXT NOT NULL,
          source TEXT NOT NULL,
          schema TEXT,
          profile TEXT,
          UNIQUE (experiment_id, name, digest)
        );
        CREATE TABLE run_datasets (
          run_seq BIGINT NOT NULL, dataset_id BIGINT NOT NULL,
          PRIMARY KEY (run_seq, dataset_id)
        ) ${clustered};
        CREATE TABLE run_dataset_tags (
          run_seq BIGINT NOT NULL, dataset_id BIGINT NOT NULL, key ${bytes} NOT NULL, value ${bytes} NOT NULL,
          PRIMARY KEY (run_seq, dataset_id, key)
        ) ${clustered};

        CREATE TABLE logged_models (
          id ${bytes} PRIMARY KEY,
          experiment_id BIGINT NOT NULL,
          name ${bytes} NOT NULL,
          artifact_uri TEXT NOT NULL,
          model_type ${bytes},
          source_run_id ${bytes},
          status TEXT NOT NULL,
          lifecycle_stage TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE INDEX logged_models_by_experiment ON logged_models (experiment_id, created_at_ms DESC, id);
        CREATE INDEX logged_models_by_run ON logged_models (source_run_id);
        CREATE TABLE logged_model_params (
          model_id ${bytes} NOT NULL, key ${bytes} NOT NULL, value ${bytes} NOT NULL,
          PRIMARY KEY (model_id, key)
        ) ${clustered};
        CREATE TABLE logged_model_tags (
          model_id ${bytes} NOT NULL, key ${bytes} NOT NULL, value ${bytes} NOT NULL,
          PRIMARY KEY (model_id, key)
        ) ${clustered};
        CREATE TABLE logged_model_metrics (
          model_id ${bytes} NOT NULL,
          key ${bytes} NOT NULL,
          time_ms BIGINT NOT NULL,
          step BIGINT NOT NULL,
          run_id ${bytes} NOT NULL,
          value DOUBLE PRECISION NOT NULL,
          dataset_name ${bytes},
          dataset_digest ${bytes},
          PRIMARY KEY (model_id, key, time_ms, step, run_id)
        ) ${clustered};
        CREATE TABLE run_models (
          run_seq BIGINT NOT NULL, model_id ${bytes} NOT NULL, direction TEXT NOT NULL, step BIGINT NOT NULL,
          PRIMARY KEY (run_seq, direction, model_id, step)
        ) ${clustered};

        CREATE TABLE artifacts (
          path ${bytes} PRIMARY KEY,
          digest TEXT NOT NULL,
          size_bytes BIGINT NOT NULL,
          created_at_ms BIGINT NOT NULL
        ) ${clustered};
        CREATE INDEX artifacts_by_digest ON artifacts (digest)`,
      );
    },
  },
  {
    // What a summary tells beyond MLflow's, and which way each metric is better where somebody said so.
    id: 'experiments-010',
    up: (tx, dialect) => {
      const bytes = dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT';
      const clustered = dialect === 'sqlite' ? 'WITHOUT ROWID' : '';
      const points = 'FROM metric_points p WHERE p.series_id = metric_series.id';
      return execute(
        tx,
        `ALTER TABLE metric_series ADD COLUMN nan_count BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE metric_series ADD COLUMN mean_value DOUBLE PRECISION;
        ALTER TABLE metric_series ADD COLUMN min_step BIGINT;
        ALTER TABLE metric_series ADD COLUMN max_step BIGINT;
        UPDATE metric_series SET
          nan_count = (SELECT count(*) ${points} AND p.is_nan = 1),
          mean_value = (SELECT avg(p.value) ${points} AND p.is_nan = 0 AND abs(p.value) < 1e300),
          min_step = (SELECT min(p.step) ${points} AND p.is_nan = 0 AND p.value = min_value),
          max_step = (SELECT min(p.step) ${points} AND p.is_nan = 0 AND p.value = max_value);
        CREATE TABLE metric_directions (
          experiment_id BIGINT NOT NULL, key ${bytes} NOT NULL, direction TEXT NOT NULL,
          PRIMARY KEY (experiment_id, key)
        ) ${clustered}`,
      );
    },
  },
  {
    // Points that were logged on SQLite and are not in metric_points yet (store/tail.ts).
    id: 'experiments-011',
    up: (tx, dialect) =>
      execute(
        tx,
        `CREATE TABLE metric_tail (
          run_seq BIGINT NOT NULL,
          seq BIGINT NOT NULL,
          count BIGINT NOT NULL,
          points ${dialect === 'sqlite' ? 'BLOB' : 'BYTEA'} NOT NULL,
          PRIMARY KEY (run_seq, seq)
        ) ${dialect === 'sqlite' ? 'WITHOUT ROWID' : ''}`,
      ),
  },
  {
    // Runs whose summaries are behind their tails, and from which number of the tail on.
    id: 'experiments-012',
    up: (tx) => execute(tx, 'CREATE TABLE metric_unsummed (run_seq BIGINT PRIMARY KEY, seq BIGINT NOT NULL)'),
  },
  {
    // Summaries of consecutive points for charts (store/rollups.ts).
    id: 'experiments-013',
    up: (tx, dialect) =>
      execute(
        tx,
        `CREATE TABLE metric_rollups (
          series_id BIGINT NOT NULL,
          end_step BIGINT NOT NULL,
          end_time_ms BIGINT NOT NULL,
          end_value DOUBLE PRECISION NOT NULL,
          end_is_nan INTEGER NOT NULL,
          chunks ${dialect === 'sqlite' ? 'BLOB' : 'BYTEA'} NOT NULL,
          PRIMARY KEY (series_id, end_step, end_time_ms, end_value, end_is_nan)
        )`,
      ),
  },
  ...searchMigrations,
  {
    // Uploads in parts that clients make past the server (service/uploads.ts).
    id: 'experiments-030',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE artifact_uploads (
          id TEXT PRIMARY KEY,
          path TEXT NOT NULL,
          store_upload TEXT NOT NULL,
          digest TEXT,
          created_at_ms BIGINT NOT NULL
        )`,
      ),
  },
  ...transferMigrations,
  ...tracesMigrations,
  ...lifeMigrations,
];
