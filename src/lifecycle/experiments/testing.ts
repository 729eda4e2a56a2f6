import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { MillraceError } from '../../core/errors.ts';
import type { Actor } from '../../platform/access/index.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import type { OpenDatabase } from '../../platform/db/testing.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { experimentsMigrations } from './migrations.ts';
import type { NewRun } from './service/runs.ts';
import { createExperiments } from './service.ts';

export const tester: Actor = { kind: 'user', id: 'tester' };

/** The slice on a fresh database and blob directory, with a clock that the test sets. */
export async function openExperiments(t: TestContext, open: OpenDatabase) {
  const db = await open(t, [...journalMigrations, ...experimentsMigrations]);
  const directory = await mkdtemp(join(tmpdir(), 'millrace-experiments-'));
  t.after(() => rm(directory, { recursive: true }));
  // Later than the wall clock, by which the migration dates the default experiment.
  const time = { nowMs: 4_000_000_000_000 };
  const clock = { nowMs: () => time.nowMs };
  const journal = new Journal(db, clock);
  const blobs = await openDirectoryBlobs(directory);
  const tracking = createExperiments({ db, journal, blobs, clock });
  return { db, journal, blobs, time, clock, tracking };
}

/** The same with an experiment of its own, and a function that starts runs in it. */
export async function startedExperiment(t: TestContext, open: OpenDatabase) {
  const opened = await openExperiments(t, open);
  const { tracking } = opened;
  const experimentId = await tracking.experiments.create(tester, { name: 'flights', tags: [] });
  const start = (change: Partial<NewRun> = {}, actor = tester) =>
    tracking.runs.create(actor, {
      experimentId,
      userId: 'ada',
      startTimeMs: 5,
      name: '',
      tags: [],
      ...change,
    });
  return { ...opened, experimentId, start };
}

/** Tells whether something was refused with this code and a message like this, for assert.rejects. */
export const refused = (code: string, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MillraceError, String(error));
  assert.equal(error.code, code);
  if (message) assert.match(error.message, message);
  return true;
};
