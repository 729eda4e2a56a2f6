import type { TestContext } from 'node:test';
import type { OpenDatabase } from '../../platform/db/testing.ts';
import { Jobs, jobsMigrations } from '../../platform/jobs/index.ts';
import { openExperiments } from '../experiments/testing.ts';
import { registryMigrations } from './migrations.ts';
import { createRegistry } from './service.ts';

/** The slice over tracking on a fresh database, with a clock that the test sets. */
export async function openRegistry(t: TestContext, open: OpenDatabase) {
  const opened = await openExperiments(t, (context, migrations) =>
    open(context, [...migrations, ...jobsMigrations, ...registryMigrations]),
  );
  const { db, journal, clock, tracking, time } = opened;
  const jobs = new Jobs(db, clock);
  /** Endpoints that serve a version, by `model/version`. */
  const serving = new Map<string, readonly string[]>();
  const servedBy = async (model: string, version: number | null) =>
    serving.get(`${model}/${version ?? '*'}`) ?? [];
  const registry = createRegistry({ db, journal, jobs, clock, experiments: tracking, servedBy });
  return {
    ...opened,
    jobs,
    registry,
    serving,
    /** Lets a millisecond pass, so that what follows is later. */
    tick: (): void => {
      time.nowMs += 1;
    },
  };
}
