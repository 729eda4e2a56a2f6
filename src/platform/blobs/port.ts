import type { Readable } from 'node:stream';
import type { Digest } from '../../core/json.ts';

export interface BlobInfo {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A part of a blob: from `start` up to and including `end` (both from 0, as in HTTP ranges). */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

export type BlobSource = Uint8Array | string | Readable | AsyncIterable<Uint8Array>;

/**
 * Content-addressed storage. A blob is named by its SHA-256, so writing the same bytes twice stores them once
 * and a blob never changes. When `put` has resolved, the blob survives a crash of process and machine.
 */
export interface BlobStore {
  /**
   * Stores the bytes. With `expected`, throws `blob_corrupt` and stores nothing when the digest differs.
   * Throws `disk_full` when there is no space; nothing is left behind.
   */
  put(source: BlobSource, expected?: Digest): Promise<BlobInfo>;
  /** The bytes. Throws `blob_missing`. */
  get(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** Whole content in memory, for small blobs. Throws `blob_missing`. */
  bytes(digest: Digest): Promise<Buffer>;
  info(digest: Digest): Promise<BlobInfo | undefined>;
  /** Removes it if it is there. */
  delete(digest: Digest): Promise<void>;
  list(): AsyncIterable<BlobInfo>;
}
