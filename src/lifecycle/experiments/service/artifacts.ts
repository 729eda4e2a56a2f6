import type { Readable } from 'node:stream';
import { fail } from '../../../core/errors.ts';
import { type Digest, isDigest } from '../../../core/json.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { ByteRange } from '../../../platform/blobs/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { artifactFolder, proxiedPath, safeArtifactPath } from '../artifact-path.ts';
import { artifactRootResolver, joined, ProxiedRoot, type StoredArtifact } from '../artifact-roots/index.ts';
import type { ArtifactEntry, ArtifactFile } from '../contract.ts';
import { artifactsUnder, deleteArtifacts, findArtifact, putArtifact } from '../store/artifacts.ts';
import { runIdsIn, touchRuns } from '../store/run-life.ts';
import { invalidParameter } from '../validation.ts';
import type { ExperimentsDeps } from './context.ts';

/** The files under an artifact root, with paths relative to it; none for roots that others serve. */
export async function filesUnder(tx: Tx, artifactUri: string): Promise<readonly ArtifactFile[]> {
  if (proxiedPath(artifactUri) === undefined) return [];
  const folder = artifactFolder(artifactUri);
  const files = await artifactsUnder(tx, folder);
  return files.map((file) => ({ ...file, path: file.path.slice(folder.length + 1) }));
}

/** Artifacts: files by path under the roots of runs, models and versions, wherever those are. */
export function artifactOperations(deps: ExperimentsDeps) {
  const { db, blobs } = deps;
  const store = new ProxiedRoot(deps, '');
  const rootOf = artifactRootResolver(deps, deps.artifactStorage);

  return {
    /** Stores a file as it streams in; a file of that path is overwritten. Throws `tracking_invalid`, `disk_full`. */
    async put(actor: Actor, path: string, source: Readable | Uint8Array): Promise<ArtifactFile> {
      authorize(actor, 'experiments:write');
      const safe = safeArtifactPath(path);
      if (safe === '') throw invalidParameter('Invalid path');
      const { digest, sizeBytes } = await blobs.put(source);
      const file = { path: safe, digest, sizeBytes };
      await db.write(async (tx) => {
        await putArtifact(tx, file, deps.clock.nowMs());
        await touchRuns(tx, runIdsIn(safe), deps.clock.nowMs());
      });
      return file;
    },

    /** What is known of a file. Throws `artifact_unknown`. */
    async find(actor: Actor, path: string): Promise<ArtifactFile> {
      authorize(actor, 'read');
      const file = await findArtifact(db.read, safeArtifactPath(path));
      if (!file) throw fail('artifact_unknown', { path });
      return file;
    },

    /** The bytes of a file that `find` gave. */
    async read(actor: Actor, file: ArtifactFile, range?: ByteRange): Promise<Readable> {
      authorize(actor, 'read');
      return blobs.get(digestOf(file), range);
    },

    /** Files and folders directly in a folder (empty: the root), by name; none when it does not exist. */
    async list(actor: Actor, folder: string): Promise<readonly ArtifactEntry[]> {
      authorize(actor, 'read');
      const safe = safeArtifactPath(folder);
      const skip = safe === '' ? 0 : safe.length + 1;
      const entries = await store.list(safe);
      return entries.map((entry) => ({ ...entry, path: entry.path.slice(skip) }));
    },

    /**
     * Files and folders directly in a folder within an artifact root of any kind; paths are relative to the root.
     * Throws `artifact_elsewhere`, `artifact_root_refused`.
     */
    async listRoot(actor: Actor, artifactUri: string, folder: string): Promise<readonly ArtifactEntry[]> {
      authorize(actor, 'read');
      const inside = safeArtifactPath(folder);
      return (await rootOf(artifactUri)).list(inside);
    },

    /** A file within an artifact root of any kind (empty: of our own store). Throws `artifact_unknown`, as `listRoot`. */
    async open(actor: Actor, artifactUri: string, path: string): Promise<StoredArtifact> {
      authorize(actor, 'read');
      const inside = safeArtifactPath(path);
      const root = artifactUri === '' ? store : await rootOf(artifactUri);
      const found = inside === '' ? 'folder' : await root.find(inside);
      if (found === 'folder') {
        throw invalidParameter(`Artifact path refers to a directory, not a file: '${path}'`);
      }
      if (!found) throw fail('artifact_unknown', { path });
      return found;
    },

    /** Stores a file within an artifact root of any kind. Throws as `listRoot`. */
    async write(
      actor: Actor,
      artifactUri: string,
      path: string,
      source: Readable | Uint8Array,
    ): Promise<void> {
      authorize(actor, 'experiments:write');
      const inside = safeArtifactPath(path);
      if (inside === '') throw invalidParameter('Invalid path');
      await (await rootOf(artifactUri)).write(inside, source);
    },

    /**
     * A URL past this server to read a file of a root, for a time. Throws `presigned_unsupported` where there is no
     * such way, `artifact_unknown`.
     */
    async downloadUrl(actor: Actor, artifactUri: string, path: string, expiresInS: number) {
      authorize(actor, 'read');
      const inside = safeArtifactPath(path);
      const { urls } = await rootOf(artifactUri);
      if (!urls) throw fail('presigned_unsupported', { what: 'Presigned download' });
      const found = await urls.download(inside, expiresInS);
      if (!found) throw fail('artifact_unknown', { path });
      return found;
    },

    /** A URL past this server to put a file of a root, for a time. Throws `presigned_unsupported`. */
    async uploadUrl(actor: Actor, artifactUri: string, path: string, type: string, expiresInS: number) {
      authorize(actor, 'experiments:write');
      const inside = safeArtifactPath(path);
      const { urls } = await rootOf(artifactUri);
      if (!urls) throw fail('presigned_unsupported', { what: 'Presigned upload' });
      return urls.upload(inside, type, expiresInS);
    },

    /** The path in our own store of a file within an artifact root there. */
    pathIn(artifactUri: string, path: string): string {
      return joined(artifactFolder(artifactUri), safeArtifactPath(path));
    },

    /** Removes a file, or a folder with all in it; the blobs stay until nothing refers to them. */
    async delete(actor: Actor, path: string): Promise<number> {
      authorize(actor, 'experiments:write');
      const safe = safeArtifactPath(path);
      if (safe === '') throw invalidParameter('Invalid path');
      return db.write((tx) => deleteArtifacts(tx, safe));
    },
  };
}

function digestOf(file: ArtifactFile): Digest {
  if (!isDigest(file.digest)) throw fail('blob_missing', { digest: file.digest });
  return file.digest;
}
