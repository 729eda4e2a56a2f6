import type { Readable } from 'node:stream';
import type { ByteRange } from '../../../platform/blobs/index.ts';
import type { ArtifactEntry } from '../contract.ts';

/** A file that can be read. */
export interface StoredArtifact {
  /** Path under the root. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Changes with the content. */
  readonly etag: string;
  read(range?: ByteRange): Promise<Readable>;
}

/**
 * Where the artifacts of a run or a logged model lie. Paths are relative to the root, with forward slashes, and have
 * been found to stay within it (`safeArtifactPath`).
 */
export interface ArtifactRoot {
  /** Files and folders directly in a folder (empty: the root), by path; none when it does not exist. */
  list(folder: string): Promise<readonly ArtifactEntry[]>;
  /** A file; `folder` when there is a folder of that path. */
  find(path: string): Promise<StoredArtifact | 'folder' | undefined>;
  /** Stores a file as it streams in, overwriting one of that path. */
  write(path: string, source: Readable | Uint8Array): Promise<void>;
  /** Ways past this server; undefined where there are none. */
  readonly urls?: {
    /** A URL that gives a file as a download, for a time; undefined when there is no such file. */
    download(
      path: string,
      expiresInS: number,
    ): Promise<{ readonly url: string; readonly sizeBytes: number } | undefined>;
    /** A URL to which a file is put with that content type, for a time. */
    upload(path: string, contentType: string, expiresInS: number): Promise<string>;
  };
}

/** A path below a folder; either may be empty. */
export function joined(folder: string, path: string): string {
  return folder && path ? `${folder}/${path}` : folder || path;
}

/** Sorts entries by path, code unit by code unit, as every root lists them. */
export function byPath(a: ArtifactEntry, b: ArtifactEntry): number {
  return a.path < b.path ? -1 : 1;
}
