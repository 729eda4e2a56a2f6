import { sql } from 'kysely';
import { z } from 'zod';
import { installedVersion } from '../core/installation.ts';
import { formatTime } from '../core/time.ts';
import type { Database } from '../platform/db/index.ts';
import { defineRoute, type Route } from '../platform/http/index.ts';
import type { Jobs } from '../platform/jobs/index.ts';

const statusResource = z.object({
  version: z.string(),
  startedAt: z.string(),
  database: z.enum(['sqlite', 'postgres']),
  dataDirectory: z.string(),
  jobs: z.record(z.string(), z.number()),
});

export interface Status {
  /** Throws when control cannot do its work. */
  readiness(): Promise<{ readonly database: string }>;
  readonly routes: readonly Route[];
}

/** What control tells about itself. */
export function createStatus(db: Database, jobs: Jobs, dataDirectory: string): Status {
  const version = installedVersion();
  const startedAt = formatTime(Date.now());
  return {
    async readiness() {
      await sql`SELECT 1`.execute(db.read);
      return { database: db.dialect };
    },
    routes: [
      defineRoute({
        method: 'GET',
        path: '/api/v1/status',
        summary: 'Version, database and work of this server',
        permission: 'read',
        response: statusResource,
        handle: async () => ({
          version,
          startedAt,
          database: db.dialect,
          dataDirectory,
          jobs: Object.fromEntries(await jobs.counts()),
        }),
      }),
    ],
  };
}
