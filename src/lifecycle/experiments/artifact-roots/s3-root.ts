import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fail } from '../../../core/errors.ts';
import { type Bucket, type ByteRange, spool } from '../../../platform/blobs/index.ts';
import type { ArtifactEntry } from '../contract.ts';
import { type ArtifactRoot, byPath, type StoredArtifact } from './port.ts';

/** Artifacts in S3, as MLflow's clients write them: one object per file, its key the path. */
export class S3Root implements ArtifactRoot {
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #temporaryDirectory: string;

  /** @param prefix keys begin with it and a slash; empty for the whole bucket */
  constructor(bucket: Bucket, prefix: string, temporaryDirectory: string) {
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#temporaryDirectory = temporaryDirectory;
  }

  async list(folder: string): Promise<readonly ArtifactEntry[]> {
    const { objects, prefixes } = await this.#bucket.folder(this.#key(folder === '' ? '' : `${folder}/`));
    const pathOf = (key: string) => key.slice(this.#prefix.length).replace(/\/$/, '');
    return [
      ...prefixes.map((key) => ({ path: pathOf(key), isDirectory: true, digest: null, sizeBytes: null })),
      // Consoles make empty objects that end with a slash to show a folder.
      ...objects
        .filter(({ key }) => !key.endsWith('/'))
        .map(({ key, sizeBytes }) => ({ path: pathOf(key), isDirectory: false, digest: null, sizeBytes })),
    ].sort(byPath);
  }

  async find(path: string): Promise<StoredArtifact | 'folder' | undefined> {
    const key = this.#key(path);
    const object = await this.#bucket.head(key);
    if (!object) return (await this.list(path)).length > 0 ? 'folder' : undefined;
    return {
      path,
      sizeBytes: object.sizeBytes,
      etag: object.etag,
      read: async (range?: ByteRange) => {
        const body = await this.#bucket.get(key, range);
        if (!body) throw fail('artifact_unknown', { path });
        return body;
      },
    };
  }

  async write(path: string, source: Readable | Uint8Array): Promise<void> {
    const file = await spool(this.#temporaryDirectory, source);
    try {
      await this.#bucket.putFile(this.#key(path), file.path, file.sizeBytes);
    } finally {
      await rm(file.path, { force: true });
    }
  }

  readonly urls = {
    download: async (path: string, expiresInS: number) => {
      const object = await this.#bucket.head(this.#key(path));
      if (!object) return undefined;
      const name = path.slice(path.lastIndexOf('/') + 1);
      const url = await this.#bucket.downloadUrl(object.key, name, expiresInS);
      return { url, sizeBytes: object.sizeBytes };
    },
    upload: (path: string, contentType: string, expiresInS: number) =>
      this.#bucket.uploadUrl(this.#key(path), contentType, expiresInS),
  };

  #key(path: string): string {
    return `${this.#prefix}${path}`;
  }
}
