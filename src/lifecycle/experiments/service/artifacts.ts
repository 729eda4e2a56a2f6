import type { Readable } from 'node:stream';
import { fail } from '../../../core/errors.ts';
import { type Digest, isDigest } from '../../../core/json.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { ByteRange } from '../../../platform/blobs/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { artifactFolder, safeArtifactPath } from '../artifact-path.ts';
import type { ArtifactEntry, ArtifactFile } from '../contract.ts';
import { artifactsUnder, deleteArtifacts, findArtifact, putArtifact } from '../store/artifacts.ts';
import { invalidParameter } from '../validation.ts';
import type { ExperimentsDeps } from './context.ts';

/** The files under an artifact root, with paths relative to it; none for roots that others serve. */
export async function filesUnder(tx: Tx, artifactUri: string): Promise<readonly ArtifactFile[]> {
  if (!artifactUri.startsWith('mlflow-artifacts:')) return [];
  const folder = artifactFolder(artifactUri);
  const files = await artifactsUnder(tx, folder);
  return files.map((file) => ({ ...file, path: file.path.slice(folder.length + 1) }));
}

/** Artifacts: files by path, their bytes in the content-addressed blob store. */
export function artifactOperations(deps: ExperimentsDeps) {
  const { db, blobs, clock } = deps;

  const listFolder = async (folder: string): Promise<readonly ArtifactEntry[]> => {
    const skip = folder === '' ? 0 : folder.length + 1;
    const entries = new Map<string, ArtifactEntry>();
    for (const file of await artifactsUnder(db.read, folder)) {
      const rest = file.path.slice(skip);
      const slash = rest.indexOf('/');
      const path = slash < 0 ? rest : rest.slice(0, slash);
      const isDirectory = slash >= 0;
      const { digest, sizeBytes } = file;
      const facts = isDirectory ? { digest: null, sizeBytes: null } : { digest, sizeBytes };
      if (!entries.has(path)) entries.set(path, { path, isDirectory, ...facts });
    }
    return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  };

  return {
    /** Stores a file as it streams in; a file of that path is overwritten. Throws `tracking_invalid`, `disk_full`. */
    async put(actor: Actor, path: string, source: Readable | Uint8Array): Promise<ArtifactFile> {
      authorize(actor, 'experiments:write');
      const safe = safeArtifactPath(path);
      if (safe === '') throw invalidParameter('Invalid path');
      const { digest, sizeBytes } = await blobs.put(source);
      const file = { path: safe, digest, sizeBytes };
      await db.write((tx) => putArtifact(tx, file, clock.nowMs()));
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
      return listFolder(safeArtifactPath(folder));
    },

    /** As `list`, of a folder within an artifact root; paths are relative to the root. */
    async listRoot(actor: Actor, artifactUri: string, folder: string): Promise<readonly ArtifactEntry[]> {
      authorize(actor, 'read');
      const inside = safeArtifactPath(folder);
      const entries = await listFolder(joined(artifactFolder(artifactUri), inside));
      return entries.map((entry) => ({ ...entry, path: joined(inside, entry.path) }));
    },

    /** The path in the store of a file within an artifact root. */
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

function joined(folder: string, path: string): string {
  return folder && path ? `${folder}/${path}` : folder || path;
}

function digestOf(file: ArtifactFile): Digest {
  if (!isDigest(file.digest)) throw fail('blob_missing', { digest: file.digest });
  return file.digest;
}
