import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Digest } from '../../core/json.ts';
import type { Clock } from '../../core/time.ts';
import type { BlobInfo, BlobSource, ByteRange, DirectoryBlobStore } from '../../platform/blobs/index.ts';
import type { ControlClient } from '../../platform/client/index.ts';
import type { StepBlobs } from '../../platform/registries/index.ts';

/** A copy that nothing has used for so long is dropped: control may have erased what it is of. */
const keepMs = 3_600_000;

/** Control's blobs with copies on this machine: read once over HTTP, checked against the digest, kept for a while. */
export class ControlBlobs implements StepBlobs {
  readonly #client: Pick<ControlClient, 'blob' | 'putBlobStream'>;
  readonly #copies: DirectoryBlobStore;
  readonly #clock: Clock;
  /** When each copy was asked for last in this process. */
  readonly #usedMs = new Map<Digest, number>();
  /** When the users that hold copies now began. */
  readonly #held = new Map<symbol, number>();

  constructor(
    client: Pick<ControlClient, 'blob' | 'putBlobStream'>,
    copies: DirectoryBlobStore,
    clock: Clock,
  ) {
    this.#client = client;
    this.#copies = copies;
    this.#clock = clock;
  }

  async put(source: BlobSource, expected?: Digest): Promise<BlobInfo> {
    const info = await this.#copies.put(source, expected);
    await this.#client.putBlobStream(info.digest, createReadStream(await this.path(info.digest)));
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
    this.#usedMs.set(digest, this.#clock.nowMs());
    if (!(await this.#copies.info(digest))) {
      await this.#copies.put(await this.#client.blob(digest), digest);
    }
    return this.#copies.path(digest);
  }

  /** Keeps every copy that is asked for from now on, until the function that it returns is called. */
  hold(): () => void {
    const user = Symbol();
    this.#held.set(user, this.#clock.nowMs());
    return () => this.#held.delete(user);
  }

  /** Drops copies that nothing has used for an hour; returns how many. What is missed then is fetched again. */
  async tidy(): Promise<number> {
    const beforeMs = Math.min(this.#clock.nowMs() - keepMs, ...this.#held.values());
    let dropped = 0;
    for await (const { digest, storedAtMs } of this.#copies.list()) {
      if ((this.#usedMs.get(digest) ?? storedAtMs) >= beforeMs) continue;
      if (!(await this.#copies.delete(digest, beforeMs))) continue;
      this.#usedMs.delete(digest);
      dropped++;
    }
    return dropped;
  }
}
