import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fail } from '../../core/errors.ts';

/** The files of a data directory. */
export interface DataDirectory {
  readonly root: string;
  readonly database: string;
  readonly blobs: string;
  /** Files on their way to S3, and copies of blobs that lie there. */
  readonly blobCache: string;
  readonly temporary: string;
  readonly labels: string;
  readonly serve: string;
  readonly work: string;
  /** Environments and files of models that run as Python. */
  readonly python: string;
  /** Working directories of the steps that control runs. */
  readonly attempts: string;
  /** Key of the secrets that are kept in the database. */
  readonly secretKey: string;
  /** Key that fields of the prediction log are hashed with. */
  readonly logHashKey: string;
}

export function dataDirectory(root: string): DataDirectory {
  return {
    root,
    database: join(root, 'millrace.db'),
    blobs: join(root, 'blobs'),
    blobCache: join(root, 'blob-cache'),
    temporary: join(root, 'tmp'),
    labels: join(root, 'labels'),
    serve: join(root, 'serve'),
    work: join(root, 'work'),
    python: join(root, 'python'),
    attempts: join(root, 'attempts'),
    secretKey: join(root, 'secrets.key'),
    logHashKey: join(root, 'log-hash.key'),
  };
}

/**
 * Takes a data directory (or a part of it) for this process until it ends, however it ends: the lock is the
 * operating system's, held through an open SQLite transaction, so a killed process leaves none behind.
 *
 * @param role names the lock: `control` of a data directory, `serve` of a replica's directory
 * @throws `data_locked` with the pid of the holder, `data_unusable` when nothing can be written there
 */
export function lockDirectory(path: string, role: string): { release(): void } {
  const pidFile = join(path, `${role}.pid`);
  const lock = openLock(path, role);
  try {
    lock.exec('PRAGMA journal_mode = DELETE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    let pid = 'unknown';
    try {
      pid = readFileSync(pidFile, 'utf8').trim();
    } catch {
      // The holder has not written it yet.
    }
    throw fail('data_locked', { path, pid }, error);
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  // The listener also keeps the lock from being collected as garbage, which would give it up.
  const release = (): void => {
    process.off('exit', release);
    lock.close();
  };
  process.once('exit', release);
  return { release };
}

/** The lock's file, after it was tried that files can be written beside it: SQLite would open it for reading too. */
function openLock(path: string, role: string): DatabaseSync {
  try {
    // Of a disk that may only be read mkdir says that the folder does not exist.
    accessSync(nearestFolder(path), constants.W_OK);
    // Predictions, artifacts and passwords are nobody else's on this machine. A directory that is there stays as it is.
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return new DatabaseSync(join(path, `${role}.lock`), { timeout: 0 });
  } catch (error) {
    // A full disk passes: the process ends, and is started again by `up`.
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    throw fail('data_unusable', { path, problem: (error as Error).message }, error);
  }
}

/** The path, or the nearest of the folders above it that is there. */
function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(resolve(path)));
}
