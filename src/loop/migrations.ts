import { sql } from 'kysely';
import { execute, type Migration } from '../platform/db/index.ts';
import { textAsShown } from './file/shown-addresses.ts';

/** The loop's tables, oldest change first. */
export const loopMigrations: readonly Migration[] = [
  {
    id: 'loop-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE loops (
          name TEXT PRIMARY KEY,
          version BIGINT NOT NULL,
          state TEXT NOT NULL,
          endpoint TEXT NOT NULL UNIQUE,
          dataset_version_id TEXT NOT NULL,
          turns BIGINT NOT NULL,
          active_turn_id TEXT,
          created_at_ms BIGINT NOT NULL,
          monitored_ms BIGINT,
          monitor_step_id TEXT,
          monitor_target_ms BIGINT,
          scheduled_ms BIGINT,
          last_start_event_ms BIGINT,
          last_labels BIGINT NOT NULL,
          followed_version BIGINT
        );
        CREATE TABLE loop_versions (
          loop TEXT NOT NULL,
          version BIGINT NOT NULL,
          text TEXT NOT NULL,
          file TEXT NOT NULL,
          files TEXT NOT NULL,
          digest TEXT NOT NULL,
          dataset_version_id TEXT NOT NULL,
          applied_at_ms BIGINT NOT NULL,
          applied_by TEXT NOT NULL,
          PRIMARY KEY (loop, version)
        );
        CREATE TABLE loop_triggers (
          id TEXT PRIMARY KEY,
          loop TEXT NOT NULL,
          source TEXT NOT NULL,
          cause TEXT NOT NULL,
          reason TEXT NOT NULL,
          requested_by TEXT NOT NULL,
          overrides TEXT NOT NULL,
          at_ms BIGINT NOT NULL,
          event_ms BIGINT,
          turn_id TEXT,
          UNIQUE (loop, source)
        );
        CREATE INDEX loop_triggers_waiting ON loop_triggers (loop, turn_id);
        CREATE INDEX loop_triggers_by_turn ON loop_triggers (turn_id);
        CREATE TABLE turns (
          id TEXT PRIMARY KEY,
          loop TEXT NOT NULL,
          number BIGINT NOT NULL,
          state TEXT NOT NULL,
          revision BIGINT NOT NULL,
          loop_version BIGINT NOT NULL,
          trigger_id TEXT NOT NULL,
          champion_version BIGINT,
          challenger_version BIGINT,
          data TEXT NOT NULL,
          reason TEXT NOT NULL,
          started_at_ms BIGINT NOT NULL,
          started_event_ms BIGINT,
          finished_at_ms BIGINT,
          finished_event_ms BIGINT,
          UNIQUE (loop, number)
        );
        CREATE TABLE turn_transitions (
          turn_id TEXT NOT NULL,
          number BIGINT NOT NULL,
          from_state TEXT,
          to_state TEXT NOT NULL,
          at_ms BIGINT NOT NULL,
          event_ms BIGINT,
          actor TEXT NOT NULL,
          reason TEXT NOT NULL,
          evidence TEXT NOT NULL,
          PRIMARY KEY (turn_id, number)
        );
        CREATE TABLE turn_steps (
          turn_id TEXT NOT NULL,
          number BIGINT NOT NULL,
          role TEXT NOT NULL,
          step_run_id TEXT NOT NULL,
          PRIMARY KEY (turn_id, number)
        )`,
      ),
  },
  {
    id: 'loop-011',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE rollouts (
          id TEXT PRIMARY KEY,
          endpoint TEXT NOT NULL,
          state TEXT NOT NULL,
          revision BIGINT NOT NULL,
          data TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE INDEX rollouts_by_endpoint ON rollouts (endpoint, id);
        CREATE INDEX rollouts_by_state ON rollouts (state)`,
      ),
  },
  {
    // What was decided and not done to its end is looked for every second, among all rollouts that ever were.
    id: 'loop-012',
    up: (tx) =>
      execute(
        tx,
        `ALTER TABLE rollouts ADD COLUMN is_interrupted BIGINT NOT NULL DEFAULT 0;
        UPDATE rollouts SET is_interrupted = 1 WHERE data LIKE '%"intent":{%';
        CREATE INDEX rollouts_interrupted ON rollouts (endpoint) WHERE is_interrupted = 1`,
      ),
  },
  {
    // Addresses of webhooks, which may carry tokens, are kept by monitors, and in loop files as they are shown.
    id: 'loop-013',
    async up(tx) {
      const { rows } = await sql<{
        loop: string;
        version: number;
        text: string;
        file: string;
      }>`SELECT loop, version, text, file FROM loop_versions`.execute(tx);
      for (const { loop, version, text, file } of rows) {
        const { monitor } = JSON.parse(file) as { monitor: { alerts: { webhook: string }[] } };
        const addresses = monitor.alerts.map(({ webhook }) => webhook);
        await sql`UPDATE loop_versions SET text = ${textAsShown(text, addresses)}, file = ${textAsShown(file, addresses)}
          WHERE loop = ${loop} AND version = ${version}`.execute(tx);
      }
    },
  },
  {
    // Rollouts that have ended and whose last rows are still coming in are looked for every second.
    id: 'loop-014',
    up: (tx) =>
      execute(
        tx,
        `ALTER TABLE rollouts ADD COLUMN is_uncounted BIGINT NOT NULL DEFAULT 0;
        CREATE INDEX rollouts_uncounted ON rollouts (id) WHERE is_uncounted = 1`,
      ),
  },
];
