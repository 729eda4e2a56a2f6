import { execute, type Migration } from '../../platform/db/index.ts';

export const feedbackMigrations: readonly Migration[] = [
  {
    id: 'feedback-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE prediction_segments (
          id TEXT PRIMARY KEY,
          replica_id TEXT,
          endpoint TEXT NOT NULL,
          digest TEXT NOT NULL,
          row_count BIGINT NOT NULL,
          min_event_time_ms BIGINT NOT NULL,
          max_event_time_ms BIGINT NOT NULL,
          registered_at_ms BIGINT NOT NULL
        );
        CREATE INDEX prediction_segments_by_time ON prediction_segments (endpoint, max_event_time_ms);
        CREATE TABLE label_segments (
          id TEXT PRIMARY KEY,
          endpoint TEXT NOT NULL,
          digest TEXT NOT NULL,
          row_count BIGINT NOT NULL,
          min_event_time_ms BIGINT NOT NULL,
          max_event_time_ms BIGINT NOT NULL,
          registered_at_ms BIGINT NOT NULL
        );
        CREATE INDEX label_segments_by_endpoint ON label_segments (endpoint)`,
      ),
  },
  {
    id: 'feedback-011',
    up: (tx) =>
      execute(
        tx,
        `ALTER TABLE prediction_segments ADD COLUMN origin TEXT NOT NULL DEFAULT 'replica';
        ALTER TABLE prediction_segments ADD COLUMN filter_digest TEXT;
        ALTER TABLE prediction_segments ADD COLUMN replaced_by TEXT;
        ALTER TABLE prediction_segments ADD COLUMN replaced_at_ms BIGINT;
        ALTER TABLE label_segments ADD COLUMN kind TEXT NOT NULL DEFAULT 'label';
        ALTER TABLE label_segments ADD COLUMN origin TEXT NOT NULL DEFAULT 'intake';
        ALTER TABLE label_segments ADD COLUMN filter_digest TEXT;
        ALTER TABLE label_segments ADD COLUMN replaced_by TEXT;
        ALTER TABLE label_segments ADD COLUMN replaced_at_ms BIGINT;
        CREATE TABLE waiting_labels (
          id TEXT PRIMARY KEY,
          endpoint TEXT NOT NULL,
          entity TEXT NOT NULL,
          at_ms BIGINT NOT NULL,
          tolerance_ms BIGINT NOT NULL,
          signal TEXT,
          value_json TEXT NOT NULL,
          event_time_ms BIGINT NOT NULL,
          received_at_ms BIGINT NOT NULL,
          source TEXT NOT NULL
        );
        CREATE INDEX waiting_labels_by_endpoint ON waiting_labels (endpoint, id);
        CREATE TABLE feedback_settings (
          endpoint TEXT PRIMARY KEY,
          settings_json TEXT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE TABLE label_uploads (
          id TEXT PRIMARY KEY,
          endpoint TEXT NOT NULL,
          digest TEXT NOT NULL,
          format TEXT NOT NULL,
          state TEXT NOT NULL,
          rows_read BIGINT NOT NULL,
          rows_accepted BIGINT NOT NULL,
          rows_refused BIGINT NOT NULL,
          errors_json TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE INDEX label_uploads_by_endpoint ON label_uploads (endpoint, created_at_ms);
        CREATE TABLE label_queries (
          name TEXT PRIMARY KEY,
          endpoint TEXT NOT NULL,
          settings_json TEXT NOT NULL,
          url_sealed TEXT NOT NULL,
          watermark_json TEXT,
          next_at_ms BIGINT,
          last_json TEXT,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE TABLE prediction_erasures (
          id TEXT PRIMARY KEY,
          salt TEXT NOT NULL,
          entity_hash TEXT NOT NULL,
          endpoint TEXT,
          received_before_ms BIGINT NOT NULL,
          rows_erased BIGINT NOT NULL
        )`,
      ),
  },
  {
    id: 'feedback-012',
    up: (tx) =>
      execute(
        tx,
        `ALTER TABLE prediction_segments ADD COLUMN entity_digest TEXT;
        ALTER TABLE label_segments ADD COLUMN entity_digest TEXT`,
      ),
  },
  {
    id: 'feedback-013',
    up: (tx) =>
      execute(
        tx,
        `ALTER TABLE label_uploads ADD COLUMN options_json TEXT NOT NULL DEFAULT '{}';
        ALTER TABLE label_uploads ADD COLUMN csv_json TEXT;
        ALTER TABLE label_uploads ADD COLUMN last_try_json TEXT;
        ALTER TABLE label_uploads ADD COLUMN tried_again_to BIGINT;
        CREATE TABLE label_upload_refusals (
          upload_id TEXT NOT NULL,
          first_row BIGINT NOT NULL,
          ranges_json TEXT NOT NULL,
          PRIMARY KEY (upload_id, first_row)
        )`,
      ),
  },
  {
    id: 'feedback-014',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE prediction_hash_keys (
          endpoint TEXT NOT NULL,
          replica_id TEXT NOT NULL,
          key_print TEXT NOT NULL,
          row_count BIGINT NOT NULL,
          min_event_time_ms BIGINT NOT NULL,
          max_event_time_ms BIGINT NOT NULL,
          PRIMARY KEY (endpoint, replica_id, key_print)
        )`,
      ),
  },
  {
    // What was replaced stays known for ever: of a log of some months it is nearly all rows, which no reader wants.
    id: 'feedback-015',
    up: (tx) =>
      execute(
        tx,
        `CREATE INDEX prediction_segments_in_force ON prediction_segments (endpoint, max_event_time_ms)
          WHERE replaced_by IS NULL;
        CREATE INDEX prediction_segments_stored ON prediction_segments (replaced_at_ms) WHERE digest <> '';
        CREATE INDEX label_segments_in_force ON label_segments (endpoint, id) WHERE replaced_by IS NULL;
        CREATE INDEX label_segments_stored ON label_segments (replaced_at_ms) WHERE digest <> ''`,
      ),
  },
  {
    // Why nobody reads a segment: its file is gone or damaged. NULL: it is read.
    id: 'feedback-016',
    up: (tx) =>
      execute(
        tx,
        `ALTER TABLE prediction_segments ADD COLUMN set_aside TEXT;
        ALTER TABLE label_segments ADD COLUMN set_aside TEXT`,
      ),
  },
  {
    id: 'feedback-017',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE log_windows (
          step_id TEXT PRIMARY KEY,
          digest TEXT NOT NULL,
          row_count BIGINT NOT NULL
        )`,
      ),
  },
  {
    id: 'feedback-018',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE erased_predictions (
          erasure_id TEXT NOT NULL,
          endpoint TEXT NOT NULL,
          id_hash TEXT NOT NULL,
          PRIMARY KEY (erasure_id, endpoint, id_hash)
        )`,
      ),
  },
  {
    id: 'feedback-019',
    up: (tx) => execute(tx, 'CREATE INDEX waiting_labels_by_time ON waiting_labels (endpoint, at_ms, id)'),
  },
  {
    id: 'feedback-020',
    up: (tx) => execute(tx, 'ALTER TABLE prediction_erasures ADD COLUMN is_done INTEGER NOT NULL DEFAULT 1'),
  },
];
