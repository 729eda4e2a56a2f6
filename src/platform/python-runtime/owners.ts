import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A file that this process holds. */
export interface Hold {
  release(): void;
}

const busy = 5;

/**
 * Holds a file (which is made where it is not there) until it is released or this process ends, however it ends; null
 * while another holds it. The lock is the operating system's, through an open transaction of SQLite: it holds between
 * containers that share a directory and see nothing of each other's processes.
 */
export function holdFile(path: string): Hold | null {
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return { release: () => lock.close() };
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode === busy) return null;
    throw error;
  }
}

/**
 * Names for the processes that share a directory, by which others see whether one still runs: each holds a file of its
 * name. What is left behind by one that does not may be removed.
 */
export class Owners {
  readonly #directory: string;
  #own: { readonly name: string; readonly hold: Hold } | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The name of this process, from now on until it ends. */
  async own(): Promise<string> {
    if (this.#own) return this.#own.name;
    await mkdir(this.#directory, { recursive: true });
    for (;;) {
      const name = randomUUID();
      const path = join(this.#directory, name);
      const hold = holdFile(path);
      // Whoever cleaned up between the making of the file and its lock took it for one that was left behind.
      if (hold && existsSync(path)) {
        this.#own ??= { name, hold };
        return this.#own.name;
      }
      hold?.release();
    }
  }

  /** Does the process of this name run? One of which nothing can be found out does. */
  isAlive(name: string): boolean {
    const path = join(this.#directory, name);
    if (!existsSync(path)) return false;
    try {
      const hold = holdFile(path);
      hold?.release();
      return hold === null;
    } catch {
      return true;
    }
  }

  /** Forgets the names of processes that ended. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#directory).catch(() => [])) {
      if (!this.isAlive(name)) await rm(join(this.#directory, name), { force: true });
    }
  }
}
