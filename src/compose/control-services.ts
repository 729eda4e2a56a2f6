import { DataService, dataMigrations } from '../lifecycle/data/index.ts';
import { Pipelines, pipelinesMigrations } from '../lifecycle/pipelines/index.ts';
import type { DirectoryBlobStore } from '../platform/blobs/index.ts';
import type { DataDirectory, Settings } from '../platform/config/index.ts';
import type { Database, Migration } from '../platform/db/index.ts';
import type { Frames } from '../platform/frames/index.ts';
import type { FastifyInstance } from '../platform/http/index.ts';
import { Jobs, jobsMigrations, Schedules } from '../platform/jobs/index.ts';
import { Journal, journalMigrations } from '../platform/journal/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Registry } from '../platform/metrics/index.ts';
import { Watermarks, watermarksMigrations } from '../platform/watermarks/index.ts';
import { createStatus } from './status.ts';

export const allMigrations: readonly Migration[] = [
  ...journalMigrations,
  ...jobsMigrations,
  ...watermarksMigrations,
  ...dataMigrations,
  ...pipelinesMigrations,
];

export interface ControlParts {
  readonly db: Database;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  readonly metrics: Registry;
  readonly directory: DataDirectory;
  readonly controlUrl: string;
  readonly settings: Settings;
  readonly log: Logger;
}

export type ControlServices = Awaited<ReturnType<typeof createControlServices>>;

/** Builds every service of control by plain arguments, in the order in which they depend on each other. */
export async function createControlServices(parts: ControlParts) {
  const { db, blobs, frames, directory } = parts;
  const journal = new Journal(db);
  const jobs = new Jobs(db);
  const schedules = new Schedules(db, jobs);
  const watermarks = new Watermarks(db, journal, schedules);
  const data = new DataService({ db, journal, blobs, frames, temporaryDirectory: directory.temporary });
  const pipelines = new Pipelines({ db, journal, jobs, kinds: [] });
  const status = createStatus(db, jobs, directory.root);

  return {
    blobs,
    journal,
    jobs,
    watermarks,
    data,
    pipelines,
    status,
    addSurfaces(_app: FastifyInstance): void {},
    async start(): Promise<void> {
      jobs.start();
      schedules.start();
      watermarks.start();
    },
    async stop(): Promise<void> {
      watermarks.stop();
      schedules.stop();
      jobs.stop();
    },
  };
}
