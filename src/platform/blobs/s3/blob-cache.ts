import { mkdir, opendir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest } from '../../../core/json.ts';
import { blobKey, digestOfKey } from '../keys.ts';
import type { StoredBlob } from '../port.ts';
import { spool } from '../spool.ts';

/** A file that was given out within this time stays, however full the cache is: its reader may not have opened it. */
const keepMs = 10 * 60_000;

/**
 * Copies of blobs on this machine, the least recently used removed beyond a size. It may exceed the size by what
 * was used in the last ten minutes.
 */
export class BlobCache {
  readonly #root: string;
  readonly #limitBytes: number;
  readonly #fetching = new Map<Digest, Promise<string>>();

  constructor(root: string, limitBytes: number) {
    this.#root = root;
    this.#limitBytes = limitBytes;
  }

  /** The file of a blob, fetched when it is not here. Throws `blob_corrupt` when other bytes come. */
  async path(digest: Digest, fetch: () => Promise<Readable>): Promise<string> {
    const file = join(this.#root, blobKey(digest));
    const now = new Date();
    try {
      await utimes(file, now, now);
      return file;
    } catch {
      // Not here yet.
    }
    const running = this.#fetching.get(digest) ?? this.#fetch(digest, file, fetch);
    this.#fetching.set(digest, running);
    try {
      return await running;
    } finally {
      this.#fetching.delete(digest);
    }
  }

  async forget(digest: Digest): Promise<void> {
    await rm(join(this.#root, blobKey(digest)), { force: true });
  }

  async #fetch(digest: Digest, file: string, fetch: () => Promise<Readable>): Promise<string> {
    const temporary = join(this.#root, 'tmp');
    await mkdir(temporary, { recursive: true });
    const { path } = await spool(temporary, await fetch(), digest);
    await mkdir(dirname(file), { recursive: true });
    await rename(path, file);
    await this.#trim(Date.now());
    return file;
  }

  async #trim(nowMs: number): Promise<void> {
    const copies: StoredBlob[] = [];
    for await (const folder of await opendir(this.#root)) {
      if (!/^[0-9a-f]{2}$/.test(folder.name)) continue;
      for await (const entry of await opendir(join(this.#root, folder.name))) {
        const digest = digestOfKey(`${folder.name}/${entry.name}`);
        const facts = digest && (await stat(join(this.#root, blobKey(digest))).catch(() => undefined));
        if (digest && facts) copies.push({ digest, sizeBytes: facts.size, storedAtMs: facts.mtimeMs });
      }
    }
    let total = copies.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const copy of copies.sort((a, b) => a.storedAtMs - b.storedAtMs)) {
      if (total <= this.#limitBytes || copy.storedAtMs > nowMs - keepMs) return;
      await this.forget(copy.digest);
      total -= copy.sizeBytes;
    }
  }
}
