import type { Readable } from 'node:stream';
import type { Digest } from '../../core/json.ts';

/** A blob's name, the SHA-256 of its bytes, and its length. */
export interface BlobInfo {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A blob as listings show it. */
export interface StoredBlob extends BlobInfo {
  /** When it was last put. */
  readonly storedAtMs: number;
}

/** A part of a blob: from `start` up to and including `end` (both from 0, as in HTTP ranges). */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** What can be stored; text is stored as UTF-8. */
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
  /**
   * Removes it if it is there; with `storedBeforeMs` only if it was last put before. Whoever clears up gives that:
   * what is put again meanwhile is in use again. Returns whether it is gone.
   */
  delete(digest: Digest, storedBeforeMs?: number): Promise<boolean>;
  list(): AsyncIterable<StoredBlob>;
  /** Ways past this server, where the store has them. */
  readonly direct: DirectTransfer | undefined;
}

/** A blob store that also gives each blob as a file on this machine, for readers such as DuckDB. */
export interface DirectoryBlobStore extends BlobStore {
  /** The file of a blob. Throws `blob_missing`. Read only; open it at once. */
  path(digest: Digest): Promise<string>;
}

/** A part that a client has uploaded: its number from 1, and the tag that the store answered. */
export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
}

/**
 * Clients that talk to the store behind the server, by signed URLs. An upload becomes a blob only when it is
 * completed: then its bytes are read once for their digest.
 */
export interface DirectTransfer {
  /** A URL that gives a blob as a download of that name, for a time. */
  downloadUrl(digest: Digest, fileName: string, expiresInS: number): Promise<string>;
  beginUpload(): Promise<string>;
  /** The URLs to which parts 1 to `count` are put, in order. */
  partUrls(upload: string, count: number): Promise<readonly string[]>;
  /** Makes a blob of the parts. May be repeated after a crash. Throws `upload_invalid`. */
  completeUpload(upload: string, parts: readonly UploadedPart[]): Promise<BlobInfo>;
  /** Forgets an upload and its parts, if they are there. */
  abortUpload(upload: string): Promise<void>;
}
