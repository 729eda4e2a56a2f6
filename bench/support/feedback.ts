import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FeedbackService, feedbackMigrations } from '../../src/lifecycle/feedback/index.ts';
import { openDirectoryBlobs } from '../../src/platform/blobs/index.ts';
import { migrate, openSqlite } from '../../src/platform/db/index.ts';
import { Frames } from '../../src/platform/frames/index.ts';
import { Journal, journalMigrations } from '../../src/platform/journal/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { fernetBox, newFernetKey } from '../../src/platform/secrets/index.ts';

/** A prediction log with its labels in a directory, without a server; what a run before this left there is in it. */
export async function openFeedback(directory: string) {
  await mkdir(directory, { recursive: true });
  const db = openSqlite(join(directory, 'bench.db'));
  await migrate(db, [...journalMigrations, ...feedbackMigrations]);
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '1GB', threads: 2 });
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const service = await FeedbackService.open({
    db,
    blobs,
    frames,
    journal: new Journal(db),
    log: createLogger('bench', 'warn'),
    labelDirectory: join(directory, 'labels'),
    endpointExists: async () => true,
    secrets: fernetBox(newFernetKey(), 'key'),
  });
  return { db, blobs, frames, service };
}
