import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Hold, holdFile, type Owners } from './owners.ts';

const entrySchema = z.object({ directory: z.string(), sizeBytes: z.number() });
type Entry = z.infer<typeof entrySchema>;

const askAgainMs = 500;

/**
 * Environments on the disk: `<key>.json` says where the environment of a key is and when it was last used, and is
 * written when it is complete; `<key>.lock` is held by whoever builds it. Several processes may share the directory;
 * an environment that one of them uses (a file of the process's name is in it) is never removed.
 */
export class EnvironmentCache {
  readonly #directory: string;
  readonly #limitBytes: number;
  readonly #owners: Owners;

  constructor(directory: string, limitBytes: number, owners: Owners) {
    this.#directory = directory;
    this.#limitBytes = limitBytes;
    this.#owners = owners;
  }

  /** The interpreter of a complete environment, marked as used by this process; null when there is none. */
  async find(key: string): Promise<string | null> {
    const entry = await this.#entry(`${key}.json`);
    if (!entry) return null;
    const python = join(this.#directory, entry.directory, 'bin/python');
    try {
      await stat(python);
      await this.#use(key, entry);
      return python;
    } catch {
      return null;
    }
  }

  /**
   * Has the environment of a key built, by one process at a time; another one waits, and takes what the first has
   * built. What builders that were killed left behind is removed first.
   *
   * @param build gets the new directory; when it throws, nothing is left of it
   * @param onWait is called once when another process is building it
   */
  async build(key: string, build: (directory: string) => Promise<void>, onWait: () => void): Promise<string> {
    await mkdir(this.#directory, { recursive: true });
    const turn = await this.#turn(key, onWait);
    try {
      const found = await this.find(key);
      if (found) return found;
      await this.#sweep(key);
      const directory = join(this.#directory, `${key}-${randomUUID().slice(0, 8)}`);
      try {
        await build(directory);
      } catch (error) {
        await rm(directory, { recursive: true, force: true });
        throw error;
      }
      return await this.#keep(key, directory);
    } finally {
      turn.release();
    }
  }

  async #turn(key: string, onWait: () => void): Promise<Hold> {
    for (let waited = false; ; waited = true) {
      const turn = holdFile(this.#lockOf(key));
      if (turn) return turn;
      if (!waited) onWait();
      await sleep(askAgainMs);
    }
  }

  /** Makes a built environment that of its key, and has others leave where all take too much. */
  async #keep(key: string, directory: string): Promise<string> {
    const entry = {
      directory: directory.slice(this.#directory.length + 1),
      sizeBytes: await sizeOf(directory),
    };
    const temporary = `${directory}.tmp`;
    await writeFile(temporary, JSON.stringify(entry));
    await rename(temporary, join(this.#directory, `${key}.json`));
    await this.#use(key, entry);
    await this.#shrink();
    return join(directory, 'bin/python');
  }

  async #use(key: string, entry: Entry): Promise<void> {
    const users = join(this.#directory, entry.directory, 'users');
    await mkdir(users, { recursive: true });
    await writeFile(join(users, await this.#owners.own()), '');
    const now = new Date();
    await utimes(join(this.#directory, `${key}.json`), now, now);
  }

  /** Removes directories that nobody finishes any more. The turn of `own` is this process's. */
  async #sweep(own: string): Promise<void> {
    const found = await readdir(this.#directory, { withFileTypes: true });
    for (const { name } of found.filter((entry) => entry.isDirectory())) {
      const key = name.slice(0, name.lastIndexOf('-'));
      const turn = key === own ? null : holdFile(this.#lockOf(key));
      if (key !== own && !turn) continue;
      const entry = await this.#entry(`${key}.json`);
      if (entry?.directory !== name && !(await this.#inUse(name)))
        await rm(join(this.#directory, name), { recursive: true, force: true });
      turn?.release();
    }
  }

  async #shrink(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith('.json'));
    const entries = await Promise.all(
      names.map(async (name) => {
        const entry = await this.#entry(name);
        const usedMs = (await stat(join(this.#directory, name)).catch(() => null))?.mtimeMs ?? 0;
        return entry && { name, usedMs, ...entry };
      }),
    );
    const known = entries.filter((e) => e !== null).sort((a, b) => a.usedMs - b.usedMs);
    let total = known.reduce((sum, e) => sum + e.sizeBytes, 0);
    for (const { name, directory, sizeBytes } of known) {
      if (total <= this.#limitBytes) return;
      if (await this.#inUse(directory)) continue;
      await rm(join(this.#directory, name), { force: true });
      await rm(join(this.#directory, directory), { recursive: true, force: true });
      total -= sizeBytes;
    }
  }

  async #inUse(directory: string): Promise<boolean> {
    const users = await readdir(join(this.#directory, directory, 'users')).catch(() => []);
    return users.some((name) => this.#owners.isAlive(name));
  }

  async #entry(name: string): Promise<Entry | null> {
    try {
      return entrySchema.parse(JSON.parse(await readFile(join(this.#directory, name), 'utf8')));
    } catch {
      return null;
    }
  }

  #lockOf(key: string): string {
    return join(this.#directory, `${key}.lock`);
  }
}

async function sizeOf(directory: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) total += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return total;
}
