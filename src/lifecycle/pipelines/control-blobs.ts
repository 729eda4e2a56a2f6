import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Digest } from '../../core/json.ts';
import type { BlobInfo, BlobSource, ByteRange, DirectoryBlobStore } from '../../platform/blobs/index.ts';
import type { ControlClient } from '../../platform/client/index.ts';
import type { StepBlobs } from '../../platform/registries/index.ts';

/** Control's blobs with copies on this machine: read once over HTTP, checked against the digest, kept. */
export class ControlBlobs implements StepBlobs {
  readonly #client: ControlClient;
  readonly #copies: DirectoryBlobStore;

  constructor(client: ControlClient, copies: DirectoryBlobStore) {
    this.#client = client;
    this.#copies = copies;
  }

  async put(source: BlobSource, expected?: Digest): Promise<BlobInfo> {
    const info = await this.#copies.put(source, expected);
    await this.#client.putBlobStream(info.digest, createReadStream(await this.#copies.path(info.digest)));
    return info;
  }

  async get(digest: Digest, range?: ByteRange): Promise<Readable> {
    return createReadStream(await this.path(digest), range);
  }

  async bytes(digest: Digest): Promise<Buffer> {
    await this.path(digest);
    return this.#copies.bytes(digest);
  }

  async path(digest: Digest): Promise<string> {
    if (!(await this.#copies.info(digest))) {
      await this.#copies.put(await this.#client.blob(digest), digest);
    }
    return this.#copies.path(digest);
  }
}
