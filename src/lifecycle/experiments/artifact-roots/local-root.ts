import { createReadStream } from 'node:fs';
import { mkdir, opendir, realpath, rename, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { type ByteRange, spool } from '../../../platform/blobs/index.ts';
import type { ArtifactEntry } from '../contract.ts';
import { invalidParameter } from '../validation.ts';
import { type ArtifactRoot, byPath, joined, type StoredArtifact } from './port.ts';

/** MLflow's clients and server give files this name until they are whole. */
const unfinished = '.artifact.uploading.';

/** Artifacts in a directory of this machine, as MLflow's clients write them. Links may not lead out of it. */
export class LocalRoot implements ArtifactRoot {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = resolve(directory);
  }

  async list(folder: string): Promise<readonly ArtifactEntry[]> {
    const at = await this.#real(folder);
    if (at === undefined || !(await stat(at)).isDirectory()) return [];
    const entries: ArtifactEntry[] = [];
    for await (const { name } of await opendir(at)) {
      if (name.startsWith(unfinished)) continue;
      const path = joined(folder, name);
      const real = await this.#real(path).catch(() => undefined);
      const facts = real === undefined ? undefined : await stat(real).catch(() => undefined);
      if (!facts?.isDirectory() && !facts?.isFile()) continue;
      const isDirectory = facts.isDirectory();
      entries.push({ path, isDirectory, digest: null, sizeBytes: isDirectory ? null : facts.size });
    }
    return entries.sort(byPath);
  }

  async find(path: string): Promise<StoredArtifact | 'folder' | undefined> {
    const real = await this.#real(path);
    if (real === undefined) return undefined;
    const facts = await stat(real);
    if (facts.isDirectory()) return 'folder';
    if (!facts.isFile()) return undefined;
    return {
      path,
      sizeBytes: facts.size,
      etag: `${Math.floor(facts.mtimeMs).toString(36)}-${facts.size.toString(36)}`,
      read: async (range?: ByteRange) => createReadStream(real, range),
    };
  }

  async write(path: string, source: Readable | Uint8Array): Promise<void> {
    const name = basename(path);
    if (name.startsWith(unfinished)) {
      throw invalidParameter(
        `Invalid artifact file name: '${name}'. Artifact names starting with '${unfinished}' are reserved.`,
      );
    }
    await mkdir(this.#directory, { recursive: true });
    const folder = dirname(path);
    // Links are looked at before anything is made behind them.
    for (const part of ancestors(folder)) await this.#real(part);
    const target = join(this.#directory, folder);
    await mkdir(target, { recursive: true });
    const whole = await spool(target, source, undefined, unfinished);
    await rename(whole.path, join(target, name));
  }

  /** The real path of what is there. Throws `tracking_invalid` when a link leads out of the root. */
  async #real(path: string): Promise<string | undefined> {
    try {
      const root = await realpath(this.#directory);
      const real = await realpath(join(root, path));
      const way = relative(root, real);
      if (way === '..' || way.startsWith('../')) throw invalidParameter('Invalid path');
      return real;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  }
}

/** `a/b/c` as `a`, `a/b`, `a/b/c`. */
function ancestors(folder: string): readonly string[] {
  const parts = folder.split('/');
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}
