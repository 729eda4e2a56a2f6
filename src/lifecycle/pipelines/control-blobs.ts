import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { Digest } from '../../core/json.ts';
import type { Clock } from '../../core/time.ts';
import type { BlobInfo, BlobSource, ByteRange, DirectoryBlobStore } from '../../platform/blobs/index.ts';
import { type ControlClient, isPassing } from '../../platform/client/index.ts';
import type { StepBlobs } from '../../platform/registries/index.ts';

/** A copy that nothing has used for so long is dropped: control may have erased what it is of. */
const keepMs = 3_600_000;
/** How long a control that is away is waited for, and how often it is asked meanwhile. */
const patienceMs = 120_000;
const retryMs = 500;

/** Control's blobs, and what packages keep secret, with copies on this machine: read once over HTTP, checked against the digest, kept for a while. */
export class ControlBlobs implements StepBlobs {
  readonly #client: Pick<ControlClient, 'part' | 'putBlobStream'>;
  readonly #copies: DirectoryBlobStore;
  readonly #clock: Clock;
  /** When each copy was asked for last in this process. */
  readonly #usedMs = new Map<Digest, number>();
  /** When the users that hold copies now began. */
  readonly #held = new Map<symbol, number>();

  constructor(
    client: Pick<ControlClient, 'part' | 'putBlobStream'>,
    copies: DirectoryBlobStore,
    clock: Clock,
  ) {
    this.#client = client;
    this.#copies = copies;
    this.#clock = clock;
  }

  async put(source: BlobSource, expected?: Digest): Promise<BlobInfo> {
    const info = await this.#copies.put(source, expected);
    const path = await this.path(info.digest);
    await this.#patiently(() => this.#client.putBlobStream(info.digest, createReadStream(path)));
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
      await this.#patiently(async () => this.#copies.put(await this.#client.part(digest), digest));
    }
    return this.#copies.path(digest);
  }

  /** A control that starts again is no reason to throw a step's work away. */
  async #patiently<T>(call: () => Promise<T>): Promise<T> {
    const untilMs = this.#clock.nowMs() + patienceMs;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isPassing(error) || this.#clock.nowMs() >= untilMs) throw error;
        await setTimeout(retryMs);
      }
    }
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
