import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { Digest } from '../../../core/json.ts';
import { blobKey, digestOfKey } from '../keys.ts';
import type {
  BlobInfo,
  BlobSource,
  ByteRange,
  DirectoryBlobStore,
  DirectTransfer,
  StoredBlob,
  UploadedPart,
} from '../port.ts';
import { spool } from '../spool.ts';
import { BlobCache } from './blob-cache.ts';
import type { Bucket } from './bucket.ts';

/** How long a client may take for the parts of an upload. */
const uploadUrlS = 24 * 3600;
const aboutAsManyAtOnce = 100;

interface S3BlobsOptions {
  readonly bucket: Bucket;
  /** Keys begin with it and a slash; empty for the whole bucket. */
  readonly prefix: string;
  /** A directory of this process alone: files on their way up, and copies of blobs that are read as files. */
  readonly localDirectory: string;
  /** How much the copies may take. */
  readonly cacheBytes: number;
}

/**
 * Blobs as objects `<prefix>/ab/cdef…`, as in a directory of blobs, so that one can be synchronised with the other.
 *
 * What is put goes through a file on this machine: its name in the bucket is its digest, which is known at the
 * end only, a file can be sent again when the network fails, and S3 shows an object only when it is whole. That
 * costs disk for what is under way, and saves a copy within S3 and half blobs after a crash.
 */
export async function openS3Blobs(options: S3BlobsOptions): Promise<DirectoryBlobStore> {
  const spoolDirectory = join(options.localDirectory, 'spool');
  await rm(spoolDirectory, { recursive: true, force: true });
  await rm(join(options.localDirectory, 'copies', 'tmp'), { recursive: true, force: true });
  await mkdir(spoolDirectory, { recursive: true });
  await mkdir(join(options.localDirectory, 'copies'), { recursive: true });
  return new S3Blobs(options, spoolDirectory);
}

class S3Blobs implements DirectoryBlobStore, DirectTransfer {
  readonly direct: DirectTransfer = this;
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #spool: string;
  readonly #cache: BlobCache;

  constructor({ bucket, prefix, localDirectory, cacheBytes }: S3BlobsOptions, spoolDirectory: string) {
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#spool = spoolDirectory;
    this.#cache = new BlobCache(join(localDirectory, 'copies'), cacheBytes);
  }

  async put(source: BlobSource, expected?: Digest): Promise<BlobInfo> {
    const { path, digest, sizeBytes } = await spool(this.#spool, source, expected);
    try {
      const checksum = Buffer.from(digest.slice('sha256:'.length), 'hex').toString('base64');
      await this.#bucket.putFile(this.#key(digest), path, sizeBytes, checksum);
      return { digest, sizeBytes };
    } finally {
      await rm(path, { force: true });
    }
  }

  async get(digest: Digest, range?: ByteRange): Promise<Readable> {
    const body = await this.#bucket.get(this.#key(digest), range);
    if (!body) throw fail('blob_missing', { digest });
    return body;
  }

  async bytes(digest: Digest): Promise<Buffer> {
    return buffer(await this.get(digest));
  }

  async info(digest: Digest): Promise<BlobInfo | undefined> {
    const object = await this.#bucket.head(this.#key(digest));
    return object && { digest, sizeBytes: object.sizeBytes };
  }

  async delete(digest: Digest, storedBeforeMs?: number): Promise<boolean> {
    if (storedBeforeMs !== undefined) {
      const object = await this.#bucket.head(this.#key(digest));
      if (object && object.modifiedAtMs >= storedBeforeMs) return false;
    }
    await this.#bucket.delete(this.#key(digest));
    await this.#cache.forget(digest);
    return true;
  }

  async *list(): AsyncIterable<StoredBlob> {
    for await (const { key, sizeBytes, modifiedAtMs } of this.#bucket.objects(this.#prefix)) {
      const digest = digestOfKey(key.slice(this.#prefix.length));
      if (digest) yield { digest, sizeBytes, storedAtMs: modifiedAtMs };
    }
  }

  async path(digest: Digest): Promise<string> {
    return this.#cache.path(digest, () => this.get(digest));
  }

  downloadUrl(digest: Digest, fileName: string, expiresInS: number): Promise<string> {
    return this.#bucket.downloadUrl(this.#key(digest), fileName, expiresInS);
  }

  async beginUpload(): Promise<string> {
    const name = uuidv7();
    return `${name}/${await this.#bucket.createUpload(this.#temporary(name))}`;
  }

  async partUrls(upload: string, count: number): Promise<readonly string[]> {
    const { key, id } = this.#uploadOf(upload);
    const urls: string[] = [];
    while (urls.length < count) {
      const first = urls.length + 1;
      const many = Math.min(aboutAsManyAtOnce, count - urls.length);
      const numbers = Array.from({ length: many }, (_, i) => first + i);
      urls.push(...(await Promise.all(numbers.map((n) => this.#bucket.partUrl(key, id, n, uploadUrlS)))));
    }
    return urls;
  }

  async completeUpload(upload: string, parts: readonly UploadedPart[]): Promise<BlobInfo> {
    const { key, id } = this.#uploadOf(upload);
    // After a crash below, the parts are together and the upload is gone.
    if (!(await this.#bucket.head(key))) await this.#bucket.completeUpload(key, id, parts);
    const body = await this.#bucket.get(key);
    if (!body) throw fail('upload_invalid', { problem: 'it does not exist' });
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of body) {
      hash.update(chunk as Buffer);
      sizeBytes += (chunk as Buffer).length;
    }
    const digest: Digest = `sha256:${hash.digest('hex')}`;
    await this.#bucket.copy(key, this.#key(digest), sizeBytes);
    await this.#bucket.delete(key);
    return { digest, sizeBytes };
  }

  async abortUpload(upload: string): Promise<void> {
    const { key, id } = this.#uploadOf(upload);
    await this.#bucket.abortUpload(key, id);
    await this.#bucket.delete(key);
  }

  #key(digest: Digest): string {
    return `${this.#prefix}${blobKey(digest)}`;
  }

  #temporary(name: string): string {
    return `${this.#prefix}tmp/${name}`;
  }

  #uploadOf(upload: string): { readonly key: string; readonly id: string } {
    const slash = upload.indexOf('/');
    return { key: this.#temporary(upload.slice(0, slash)), id: upload.slice(slash + 1) };
  }
}
