import { execute, type Migration } from '../db/index.ts';

export const watermarksMigrations: readonly Migration[] = [
  {
    id: 'watermarks-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE watermarks (
          stream TEXT PRIMARY KEY,
          mode TEXT NOT NULL,
          watermark_ms BIGINT,
          allowed_delay_ms BIGINT NOT NULL
        )`,
      ),
  },
];
