import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { installDebianPackages } from './debian.ts';
import { freePorts } from './ports.ts';

/** A Postgres in a temporary directory, removed when it is stopped. */
interface ThrowawayPostgres {
  /** A URL of its superuser; tests make databases of their own. */
  readonly url: string;
  /** Shuts the server down and starts it again on the same port and data, after what is done meanwhile. */
  restart(meanwhile: () => Promise<void>): Promise<void>;
  /** Stops the server and removes its directory; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a Postgres server on a new cluster in a temporary directory and a free port of 127.0.0.1, as a user other
 * than root, installing Debian's package when there is none. It does not wait for the disk: tests end processes of
 * ours, never the machine, and each of them makes and drops a database.
 */
export async function startPostgres(): Promise<ThrowawayPostgres> {
  const bin = ensurePostgres();
  const user = serverUser();
  const directory = mkdtempSync(join(tmpdir(), 'millrace-postgres-'));
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const options = { ...user, cwd: directory, env: { ...process.env, HOME: directory, LC_ALL: 'C' } };
  const data = join(directory, 'data');
  const initdb = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'millrace', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...options, encoding: 'utf8' },
  );
  if (initdb.status !== 0) {
    rmSync(directory, { recursive: true, force: true });
    throw new Error(`initdb failed:\n${initdb.stderr || String(initdb.error)}`);
  }

  const [port] = await freePorts(1);
  let log = '';
  const launch = () => {
    const server = spawn(
      join(bin, 'postgres'),
      [
        ...['-D', data, '-p', String(port), '-k', directory, '-h', '127.0.0.1', '-c', 'max_connections=200'],
        ...['fsync', 'full_page_writes', 'synchronous_commit'].flatMap((name) => ['-c', `${name}=off`]),
      ],
      // Its own process group: Ctrl-C must reach the tests first, which close their databases.
      { ...options, detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-20_000);
    });
    return { server, exited: new Promise<void>((resolve) => server.once('exit', () => resolve())) };
  };
  let running = launch();
  const shutDown = async (): Promise<void> => {
    const { server, exited } = running;
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGINT');
    await Promise.race([exited, sleep(30_000, undefined, { ref: false })]);
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGQUIT');
    await exited;
  };
  const stop = async (): Promise<void> => {
    await shutDown();
    rmSync(directory, { recursive: true, force: true });
  };

  const url = `postgres://millrace@127.0.0.1:${port}/postgres`;
  const accepting = async (): Promise<void> => {
    for (let attempt = 0; !(await accepts(url)); attempt += 1) {
      if (attempt > 1200 || running.server.exitCode !== null) {
        await stop();
        throw new Error(`Postgres did not start:\n${log}`);
      }
      await sleep(100);
    }
  };
  await accepting();
  return {
    url,
    stop,
    restart: async (meanwhile) => {
      await shutDown();
      await meanwhile();
      running = launch();
      await accepting();
    },
  };
}

async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The folder of initdb and postgres. */
function ensurePostgres(): string {
  const found = findPostgres();
  if (found !== undefined) return found;
  installDebianPackages('PostgreSQL (for the tests of both databases)', ['postgresql']);
  const installed = findPostgres();
  if (installed === undefined) throw new Error('the package postgresql has no initdb');
  return installed;
}

function findPostgres(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(root, version, 'bin')),
    ...(process.env.PATH ?? '').split(':'),
  ];
  return folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))));
}

/** Postgres refuses to run as root: then it runs as the package's user, or as nobody. */
function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string, name: string): number =>
    Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: id('-u', name), gid: id('-g', name) };
    } catch {
      // No such user: try the next.
    }
  }
  throw new Error('Postgres needs a user other than root, and there is neither "postgres" nor "nobody"');
}
