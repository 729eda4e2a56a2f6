import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const entrySchema = z.object({ directory: z.string(), sizeBytes: z.number() });
type Entry = z.infer<typeof entrySchema>;

/**
 * Environments on the disk: `<key>.json` says where the environment of a key is and when it was last used, and is
 * written when it is complete. Several processes may share the directory; an environment that one of them uses
 * (a file named after its pid is in it) is never removed.
 */
export class EnvironmentCache {
  readonly #directory: string;
  readonly #limitBytes: number;

  constructor(directory: string, limitBytes: number) {
    this.#directory = directory;
    this.#limitBytes = limitBytes;
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

  /** A new directory to build the environment of a key in. */
  place(key: string): string {
    return join(this.#directory, `${key}-${randomUUID().slice(0, 8)}`);
  }

  /** Makes a built environment that of its key, and has others leave where all take too much. */
  async keep(key: string, directory: string): Promise<string> {
    const other = await this.find(key);
    if (other) {
      await rm(directory, { recursive: true, force: true });
      return other;
    }
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
    await writeFile(join(users, String(process.pid)), '');
    const now = new Date();
    await utimes(join(this.#directory, `${key}.json`), now, now);
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
    return users.some((pid) => isAlive(Number(pid)));
  }

  async #entry(name: string): Promise<Entry | null> {
    try {
      return entrySchema.parse(JSON.parse(await readFile(join(this.#directory, name), 'utf8')));
    } catch {
      return null;
    }
  }
}

/** Does a process of this number run? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function sizeOf(directory: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) total += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return total;
}
