import { execute, type Migration } from '../../../platform/db/index.ts';

/**
 * A trace, its tags and metadata, and its spans. A span's times are epoch nanoseconds, beyond what a number holds
 * exactly, so they are text of 20 digits, which sorts as numbers do. `trace_runs` holds the runs that a trace
 * came from or was linked to, so that a run's traces are one range scan.
 */
export const tracesMigrations: readonly Migration[] = [
  {
    id: 'experiments-050',
    up: (tx, dialect) => {
      const bytes = dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT';
      const clustered = dialect === 'sqlite' ? 'WITHOUT ROWID' : '';
      return execute(
        tx,
        `CREATE TABLE traces (
          id ${bytes} PRIMARY KEY,
          experiment_id BIGINT NOT NULL,
          start_time_ms BIGINT NOT NULL,
          duration_ms BIGINT,
          state ${bytes} NOT NULL,
          client_request_id ${bytes},
          request_preview TEXT,
          response_preview TEXT,
          is_final INTEGER NOT NULL
        );
        CREATE INDEX traces_by_start ON traces (experiment_id, start_time_ms DESC, id);
        CREATE TABLE trace_tags (
          trace_id ${bytes} NOT NULL, key ${bytes} NOT NULL, value ${bytes} NOT NULL,
          PRIMARY KEY (trace_id, key)
        ) ${clustered};
        CREATE TABLE trace_metadata (
          trace_id ${bytes} NOT NULL, key ${bytes} NOT NULL, value ${bytes} NOT NULL,
          PRIMARY KEY (trace_id, key)
        ) ${clustered};
        CREATE TABLE trace_runs (
          run_id ${bytes} NOT NULL, trace_id ${bytes} NOT NULL,
          PRIMARY KEY (run_id, trace_id)
        ) ${clustered};
        CREATE INDEX trace_runs_by_trace ON trace_runs (trace_id);
        CREATE TABLE trace_prompts (
          prompt ${bytes} NOT NULL, trace_id ${bytes} NOT NULL,
          PRIMARY KEY (prompt, trace_id)
        ) ${clustered};
        CREATE INDEX trace_prompts_by_trace ON trace_prompts (trace_id);
        CREATE TABLE trace_spans (
          trace_id ${bytes} NOT NULL,
          span_id ${bytes} NOT NULL,
          parent_id ${bytes},
          name ${bytes} NOT NULL,
          type ${bytes},
          status ${bytes} NOT NULL,
          start_ns ${bytes} NOT NULL,
          end_ns ${bytes},
          content TEXT NOT NULL,
          PRIMARY KEY (trace_id, span_id)
        );
        CREATE TABLE trace_assessments (
          id ${bytes} PRIMARY KEY,
          trace_id ${bytes} NOT NULL,
          kind TEXT NOT NULL,
          name ${bytes} NOT NULL,
          value ${bytes} NOT NULL,
          number DOUBLE PRECISION,
          error TEXT,
          source_type TEXT NOT NULL,
          source_id TEXT,
          span_id TEXT,
          rationale TEXT,
          metadata TEXT,
          overrides ${bytes},
          is_valid INTEGER NOT NULL,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE INDEX trace_assessments_by_trace ON trace_assessments (trace_id, created_at_ms)`,
      );
    },
  },
];
