import type { Readable } from 'node:stream';
import { fail } from '../../../core/errors.ts';
import { isDigest } from '../../../core/json.ts';
import type { Clock } from '../../../core/time.ts';
import type { BlobStore, ByteRange } from '../../../platform/blobs/index.ts';
import type { Database } from '../../../platform/db/index.ts';
import type { ArtifactEntry } from '../contract.ts';
import { artifactsIn, findArtifact, putArtifact } from '../store/artifacts.ts';
import { type ArtifactRoot, byPath, joined, type StoredArtifact } from './port.ts';

/** Artifacts that this server keeps: paths in its database, the bytes in its blob store. */
export class ProxiedRoot implements ArtifactRoot {
  readonly #deps: { readonly db: Database; readonly blobs: BlobStore; readonly clock: Clock };
  readonly #folder: string;

  constructor(
    deps: { readonly db: Database; readonly blobs: BlobStore; readonly clock: Clock },
    folder: string,
  ) {
    this.#deps = deps;
    this.#folder = folder;
  }

  async list(folder: string): Promise<readonly ArtifactEntry[]> {
    const entries = await artifactsIn(this.#deps.db.read, joined(this.#folder, folder));
    const skip = this.#folder === '' ? 0 : this.#folder.length + 1;
    return entries.map((entry) => ({ ...entry, path: entry.path.slice(skip) })).sort(byPath);
  }

  async find(path: string): Promise<StoredArtifact | 'folder' | undefined> {
    const { db, blobs } = this.#deps;
    const at = joined(this.#folder, path);
    const file = await findArtifact(db.read, at);
    if (!file) return (await artifactsIn(db.read, at, 1)).length > 0 ? 'folder' : undefined;
    const { digest, sizeBytes } = file;
    if (!isDigest(digest)) throw fail('blob_missing', { digest });
    return { path, sizeBytes, etag: digest, read: (range?: ByteRange) => blobs.get(digest, range) };
  }

  async write(path: string, source: Readable | Uint8Array): Promise<void> {
    const { db, blobs, clock } = this.#deps;
    const { digest, sizeBytes } = await blobs.put(source);
    const file = { path: joined(this.#folder, path), digest, sizeBytes };
    await db.write((tx) => putArtifact(tx, file, clock.nowMs()));
  }
}
