import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import { pieces } from './pieces.ts';

const suffix = '.package';
const draftSuffix = '.tmp';
/** What a process that was killed had half written is removed after this time: nobody writes for so long. */
const draftMs = 3_600_000;

/**
 * Packages by what they were made of, so that the same files are not converted again. Each is one file, the manifest
 * on its first line and the bytes of its graph behind it, there whole or not at all: processes on one port share the
 * folder and may keep and look for the same package at the same time.
 */
export class KeptPackages {
  readonly #directory: string;
  readonly #blobs: BlobStore;
  readonly #most: number;

  /** @param most so many are kept: those that were used last */
  constructor(directory: string, blobs: BlobStore, most: number) {
    this.#directory = directory;
    this.#blobs = blobs;
    this.#most = most;
  }

  /** Puts a package into the store and returns its digest; null when there is none, or none that can be read. */
  async find(key: string): Promise<Digest | null> {
    const path = this.#path(key);
    const bytes = await readFile(path).catch(() => null);
    const parts = bytes && partsOf(bytes);
    if (!parts) return null;
    if (parts.graph) await this.#blobs.put(pieces(parts.graph));
    const { digest } = await this.#blobs.put(parts.manifest);
    const now = new Date();
    // Another process may just have removed it.
    await utimes(path, now, now).catch(() => undefined);
    return digest;
  }

  async keep(key: string, digest: Digest): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const manifest = await this.#blobs.bytes(digest);
    const { onnx } = packageManifestSchema.parse(JSON.parse(manifest.toString('utf8')));
    const graph = onnx === null ? Buffer.alloc(0) : await this.#blobs.bytes(onnx);
    const draft = `${this.#path(key)}.${randomUUID()}${draftSuffix}`;
    try {
      await writeFile(draft, [manifest, '\n', graph], { flush: true });
      await rename(draft, this.#path(key));
    } finally {
      await rm(draft, { force: true });
    }
    await this.#trim();
  }

  #path(key: string): string {
    return join(this.#directory, `${key}${suffix}`);
  }

  async #trim(): Promise<void> {
    const files = await Promise.all(
      (await readdir(this.#directory)).map(async (name) => {
        const path = join(this.#directory, name);
        return { path, usedMs: (await stat(path).catch(() => null))?.mtimeMs ?? 0 };
      }),
    );
    const packages = files.filter(({ path }) => path.endsWith(suffix)).sort((a, b) => b.usedMs - a.usedMs);
    const left = files.filter(({ path, usedMs }) => {
      return path.endsWith(draftSuffix) && usedMs < Date.now() - draftMs;
    });
    for (const { path } of [...packages.slice(this.#most), ...left]) await rm(path, { force: true });
  }
}

interface Parts {
  readonly manifest: Buffer;
  readonly graph: Buffer | null;
}

/** Undefined for what is no whole package. */
function partsOf(bytes: Buffer): Parts | undefined {
  const end = bytes.indexOf('\n');
  if (end < 0) return undefined;
  const [manifest, graph] = [bytes.subarray(0, end), bytes.subarray(end + 1)];
  try {
    const { onnx } = packageManifestSchema.parse(JSON.parse(manifest.toString('utf8')));
    if (onnx === null) return { manifest, graph: null };
    return digestOf(graph) === onnx ? { manifest, graph } : undefined;
  } catch {
    return undefined;
  }
}
