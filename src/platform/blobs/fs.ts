import { createReadStream } from 'node:fs';
import { mkdir, open, opendir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import type { Digest } from '../../core/json.ts';
import { blobKey, digestOfKey } from './keys.ts';
import type { BlobInfo, BlobSource, BlobStore, ByteRange, DirectoryBlobStore, StoredBlob } from './port.ts';
import { spool } from './spool.ts';

/**
 * Blobs as files `<root>/ab/cdef…`: written to a temporary name, synced, renamed, and the directory synced. What a
 * killed process left half written is removed, so a directory is opened once, by its owner; others join it.
 */
export async function openDirectoryBlobs(root: string): Promise<DirectoryBlobStore> {
  await rm(temporaryOf(root), { recursive: true, force: true });
  return joinDirectoryBlobs(root);
}

/** The blobs of a directory that another thread or process owns and may be writing to. */
export async function joinDirectoryBlobs(root: string): Promise<DirectoryBlobStore> {
  await mkdir(temporaryOf(root), { recursive: true });
  return new DirectoryBlobs(root, temporaryOf(root));
}

function temporaryOf(root: string): string {
  return join(root, 'tmp');
}

class DirectoryBlobs implements DirectoryBlobStore {
  readonly direct: BlobStore['direct'] = undefined;
  readonly #root: string;
  readonly #temporary: string;

  constructor(root: string, temporary: string) {
    this.#root = root;
    this.#temporary = temporary;
  }

  async put(source: BlobSource, expected?: Digest): Promise<BlobInfo> {
    const { path, digest, sizeBytes } = await spool(this.#temporary, source, expected);
    const target = this.#file(digest);
    try {
      const isNew = await mkdir(dirname(target), { recursive: true });
      await rename(path, target);
      if (isNew) await syncDirectory(this.#root);
      await syncDirectory(dirname(target));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return { digest, sizeBytes };
  }

  async get(digest: Digest, range?: ByteRange) {
    const path = await this.path(digest);
    return createReadStream(path, range);
  }

  async bytes(digest: Digest): Promise<Buffer> {
    return readFile(await this.path(digest));
  }

  async info(digest: Digest): Promise<BlobInfo | undefined> {
    const stored = await this.#stored(digest);
    return stored && { digest, sizeBytes: stored.sizeBytes };
  }

  async delete(digest: Digest, storedBeforeMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const file = this.#file(digest);
    const stored = await this.#stored(digest);
    if (!stored || stored.storedAtMs >= storedBeforeMs) return !stored;
    const away = join(this.#temporary, uuidv7());
    try {
      // Taken away, and looked at again: what is put meanwhile lands in its place and is not what is removed here.
      await rename(file, away);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
      throw error;
    }
    const isOld = (await stat(away)).mtimeMs < storedBeforeMs;
    if (isOld) await rm(away, { force: true });
    else await rename(away, file);
    return isOld;
  }

  async *list(): AsyncIterable<StoredBlob> {
    for await (const folder of await opendir(this.#root)) {
      if (!/^[0-9a-f]{2}$/.test(folder.name)) continue;
      for await (const entry of await opendir(join(this.#root, folder.name))) {
        const digest = digestOfKey(`${folder.name}/${entry.name}`);
        const stored = digest && (await this.#stored(digest));
        if (stored) yield stored;
      }
    }
  }

  async path(digest: Digest): Promise<string> {
    if (!(await this.#stored(digest))) throw fail('blob_missing', { digest });
    return this.#file(digest);
  }

  async #stored(digest: Digest): Promise<StoredBlob | undefined> {
    try {
      const { size, mtimeMs } = await stat(this.#file(digest));
      return { digest, sizeBytes: size, storedAtMs: Math.floor(mtimeMs) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #file(digest: Digest): string {
    return join(this.#root, blobKey(digest));
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
