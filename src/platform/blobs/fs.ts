import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, opendir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { type Digest, isDigest } from '../../core/json.ts';
import type { BlobInfo, BlobSource, BlobStore } from './port.ts';

/** A blob store that also tells where a blob lies, for readers on the same machine (DuckDB). */
export interface DirectoryBlobStore extends BlobStore {
  /** The file of a blob. Throws `blob_missing`. Read only. */
  path(digest: Digest): Promise<string>;
}

/** Blobs as files `<root>/ab/cdef…`: written to a temporary name, synced, renamed, and the directory synced. */
export async function openDirectoryBlobs(root: string): Promise<DirectoryBlobStore> {
  const temporary = join(root, 'tmp');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  return new DirectoryBlobs(root, temporary);
}

class DirectoryBlobs implements DirectoryBlobStore {
  readonly #root: string;
  readonly #temporary: string;

  constructor(root: string, temporary: string) {
    this.#root = root;
    this.#temporary = temporary;
  }

  async put(source: BlobSource, expected?: Digest): Promise<BlobInfo> {
    const name = join(this.#temporary, uuidv7());
    const file = await open(name, 'wx');
    try {
      const info = await this.#write(file, source);
      if (expected && info.digest !== expected) throw fail('blob_corrupt', { expected, actual: info.digest });
      await file.sync();
      await file.close();
      const target = this.#file(info.digest);
      await mkdir(dirname(target), { recursive: true });
      await rename(name, target);
      await syncDirectory(dirname(target));
      return info;
    } catch (error) {
      await file.close().catch(() => {});
      await rm(name, { force: true });
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
        throw fail('disk_full', { path: this.#root }, error);
      throw error;
    }
  }

  async get(digest: Digest, range?: { start: number; end?: number }) {
    const path = await this.path(digest);
    return createReadStream(path, range);
  }

  async bytes(digest: Digest): Promise<Buffer> {
    return readFile(await this.path(digest));
  }

  async info(digest: Digest): Promise<BlobInfo | undefined> {
    try {
      return { digest, sizeBytes: (await stat(this.#file(digest))).size };
    } catch {
      return undefined;
    }
  }

  async delete(digest: Digest): Promise<void> {
    await rm(this.#file(digest), { force: true });
  }

  async *list(): AsyncIterable<BlobInfo> {
    for await (const folder of await opendir(this.#root)) {
      if (!/^[0-9a-f]{2}$/.test(folder.name)) continue;
      for await (const entry of await opendir(join(this.#root, folder.name))) {
        const info = await this.info(`sha256:${folder.name}${entry.name}`);
        if (info) yield info;
      }
    }
  }

  async path(digest: Digest): Promise<string> {
    if (!(await this.info(digest))) throw fail('blob_missing', { digest });
    return this.#file(digest);
  }

  async #write(file: FileHandle, source: BlobSource): Promise<BlobInfo> {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const chunks =
      typeof source === 'string' ? [Buffer.from(source)] : source instanceof Uint8Array ? [source] : source;
    for await (const chunk of chunks) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
      hash.update(bytes);
      sizeBytes += bytes.length;
      await file.writeFile(bytes);
    }
    return { digest: `sha256:${hash.digest('hex')}`, sizeBytes };
  }

  #file(digest: Digest): string {
    if (!isDigest(digest))
      throw fail('invalid_input', { field: 'digest', problem: `"${digest}" is not a digest` });
    return join(this.#root, digest.slice(7, 9), digest.slice(9));
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
