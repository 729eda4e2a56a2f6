import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SealedSegment } from '../../../platform/segments/index.ts';

interface Kept {
  readonly path: string;
  /** Ids of segments begin with their time, so they sort by age. */
  readonly id: string;
  readonly sizeBytes: number;
}

const suffix = '.parquet';

/**
 * The prediction log of a server that nobody collects from: sealed segments stay as Parquet files
 * `<directory>/<endpoint>/<id>.parquet`, the newest ones up to a size for all endpoints together.
 */
export class KeptSegments {
  readonly #directory: string;
  readonly #limitBytes: number;
  readonly #onDropped: (path: string) => void;
  /** Oldest first. */
  readonly #kept: Kept[];
  #sizeBytes: number;
  #trimming: Promise<void> = Promise.resolve();

  private constructor(
    directory: string,
    limitBytes: number,
    onDropped: (path: string) => void,
    kept: Kept[],
  ) {
    this.#directory = directory;
    this.#limitBytes = limitBytes;
    this.#onDropped = onDropped;
    this.#kept = kept;
    this.#sizeBytes = kept.reduce((sum, k) => sum + k.sizeBytes, 0);
  }

  static async open(
    directory: string,
    limitBytes: number,
    onDropped: (path: string) => void,
  ): Promise<KeptSegments> {
    await mkdir(directory, { recursive: true });
    const kept: Kept[] = [];
    for (const endpoint of await readdir(directory, { withFileTypes: true })) {
      if (!endpoint.isDirectory()) continue;
      for (const name of await readdir(join(directory, endpoint.name))) {
        if (!name.endsWith(suffix)) continue;
        const path = join(directory, endpoint.name, name);
        kept.push({ path, id: name.slice(0, -suffix.length), sizeBytes: (await stat(path)).size });
      }
    }
    kept.sort((a, b) => (a.id < b.id ? -1 : 1));
    return new KeptSegments(directory, limitBytes, onDropped, kept);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Takes a sealed segment over; the oldest ones make room. */
  readonly keep = async ({ id, stream, path }: SealedSegment): Promise<void> => {
    const folder = join(this.#directory, stream);
    const target = join(folder, id + suffix);
    const { size } = await stat(path);
    await mkdir(folder, { recursive: true });
    await rename(path, target);
    this.#kept.push({ path: target, id, sizeBytes: size });
    this.#sizeBytes += size;
    // It is kept by now, whatever becomes of the oldest; what could not be removed is known again after the next start.
    this.#trimming = this.#trimming.then(() => this.#trim()).catch(() => undefined);
    await this.#trimming;
  };

  async #trim(): Promise<void> {
    while (this.#sizeBytes > this.#limitBytes && this.#kept.length > 1) {
      const oldest = this.#kept.shift() as Kept;
      this.#sizeBytes -= oldest.sizeBytes;
      await rm(oldest.path, { force: true });
      this.#onDropped(oldest.path);
    }
  }
}
