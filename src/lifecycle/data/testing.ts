import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import type { OpenDatabase } from '../../platform/db/testing.ts';
import { Frames } from '../../platform/frames/index.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { dataMigrations } from './migrations.ts';
import { DataService } from './service.ts';

/** A data service over real parts in a directory of its own; all gone after the test. */
export async function openDataService(t: TestContext, open: OpenDatabase) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-data-'));
  const db = await open(t, [...journalMigrations, ...dataMigrations]);
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '300MB', threads: 1 });
  t.after(async () => {
    await frames.close();
    await rm(directory, { recursive: true, force: true });
  });
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const journal = new Journal(db);
  const service = new DataService({ db, journal, blobs, frames, temporaryDirectory: directory });
  return { service, journal, blobs, frames, directory };
}
