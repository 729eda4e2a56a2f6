import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { installationDirectory } from '../core/installation.ts';
import { dataDirectory, flagOf, lockDirectory, type Settings, variableOf } from '../platform/config/index.ts';
import { type Database, migrate, openSqlite } from '../platform/db/index.ts';
import { Frames } from '../platform/frames/index.ts';
import { addRoutes, ConnectionRoom, createHttpServer, drain, listen } from '../platform/http/index.ts';
import { KeptAnswers } from '../platform/idempotency/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { giveMemoryBack } from '../platform/memory/index.ts';
import { metricsText, Registry } from '../platform/metrics/index.ts';
import { addWeb } from '../surfaces/web/index.ts';
import { resolveActor } from './actor.ts';
import { openBlobs } from './blobs.ts';
import { browserGuardOf } from './browser-guard.ts';
import { allMigrations, createControlServices } from './control-services.ts';
import { type RunningRole, requestsLimitMs } from './role.ts';
import { restRoutes } from './routes.ts';
import { ownUrlOf, reachable } from './urls.ts';

const jsonBodyLimitBytes = 64 * 1024 * 1024;
const framesThreads = 2;
const webDirectory = join(installationDirectory, 'web/dist');

/** Starts control: takes the data directory, brings the database up to date, listens, and turns the loop. */
export async function startControl(settings: Settings, log: Logger): Promise<RunningRole> {
  const directory = dataDirectory(settings.data);
  const lock = lockDirectory(directory.root, 'control');
  for (const path of [directory.temporary, directory.labels]) mkdirSync(path, { recursive: true });

  const db = await openDatabase(settings, directory.database);
  await migrate(db, allMigrations);
  const blobs = await openBlobs(settings, directory);
  const frames = new Frames({
    temporaryDirectory: directory.temporary,
    memoryLimit: settings.framesMemory,
    threads: framesThreads,
  });
  const metrics = new Registry('control');
  const controlUrl = ownUrlOf(settings);
  const services = await createControlServices({
    db,
    blobs,
    frames,
    metrics,
    directory,
    controlUrl,
    settings,
    log,
  });

  await services.experiments.experiments.placeDefault();

  const app = createHttpServer({
    log,
    metrics,
    bodyLimitBytes: jsonBodyLimitBytes,
    pathPrefix: settings.staticPrefix,
    browserGuard: browserGuardOf(settings),
    resolveActor: (request) => resolveActor(services.jobs, request),
  });
  addRoutes(app, restRoutes(services), new KeptAnswers(db));
  app.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await metricsText(metrics)));
  app.get('/healthz', async () => ({ live: true }));
  app.get('/readyz', async () => ({ ready: true, ...(await services.status.readiness()) }));
  services.addSurfaces(app);
  addWeb(app, webDirectory, { pathPrefix: settings.staticPrefix, frames: settings.xFrameOptions });

  const room = await ConnectionRoom.open({ logger: log, metrics });
  room.guard(app.server);
  const setting = `${flagOf('port')} or ${variableOf('port')}`;
  const port = await listen(app, settings.host, settings.port, setting);
  await services.start();
  const keepMemory = giveMemoryBack();
  return {
    ready: `http://${reachable(settings.host)}:${port}${settings.staticPrefix} (data in ${directory.root})`,
    async stop() {
      keepMemory();
      await drain(app, requestsLimitMs);
      room.close();
      await services.stop();
      await frames.close();
      await db.close();
      lock.release();
    },
  };
}

async function openDatabase(settings: Settings, sqlitePath: string): Promise<Database> {
  if (!settings.databaseUrl) return openSqlite(sqlitePath);
  // Loaded here: most servers need no Postgres client.
  const { openPostgres } = await import('../platform/db/postgres.ts');
  return openPostgres(settings.databaseUrl);
}
