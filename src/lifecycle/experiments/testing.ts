import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Actor } from '../../platform/access/index.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import type { OpenDatabase } from '../../platform/db/testing.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { experimentsMigrations } from './migrations.ts';
import { createExperiments } from './service.ts';

export const tester: Actor = { kind: 'user', id: 'tester' };

/** The slice on a fresh database and blob directory, with a clock that the test sets. */
export async function openExperiments(t: TestContext, open: OpenDatabase) {
  const db = await open(t, [...journalMigrations, ...experimentsMigrations]);
  const directory = await mkdtemp(join(tmpdir(), 'millrace-experiments-'));
  t.after(() => rm(directory, { recursive: true }));
  const time = { nowMs: 1_000_000_000_000 };
  const clock = { nowMs: () => time.nowMs };
  const journal = new Journal(db, clock);
  const blobs = await openDirectoryBlobs(directory);
  const tracking = createExperiments({ db, journal, blobs, clock });
  return { db, journal, blobs, time, clock, tracking };
}
