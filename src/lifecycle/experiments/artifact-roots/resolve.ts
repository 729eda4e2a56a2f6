import { realpath } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { fail } from '../../../core/errors.ts';
import type { Bucket } from '../../../platform/blobs/index.ts';
import { storageLocation } from '../../../platform/config/index.ts';
import { artifactFolder, proxiedPath } from '../artifact-path.ts';
import { LocalRoot } from './local-root.ts';
import type { ArtifactRoot } from './port.ts';
import { ProxiedRoot } from './proxied-root.ts';
import { S3Root } from './s3-root.ts';

/** What the server may read and write beside the artifacts that it keeps itself. */
export interface ArtifactStorage {
  /** Where artifacts of new experiments go: the id of the experiment is appended. */
  readonly defaultRoot: string;
  /** False: the artifacts of `mlflow-artifacts:` roots are served by another server. */
  readonly servesProxied: boolean;
  /** Never read as artifacts, nor anything above it. */
  readonly dataDirectory: string;
  /** Directories outside the default root are refused: whoever reaches the server could read this machine. */
  readonly onlyDefaultRoot: boolean;
  readonly temporaryDirectory: string;
  readonly openBucket: (name: string) => Bucket;
}

/** Finds the artifacts behind a URI. */
export function artifactRootResolver(
  deps: ConstructorParameters<typeof ProxiedRoot>[0],
  storage: ArtifactStorage | undefined,
) {
  /**
   * The root of a run, a logged model or a version. Throws `artifact_elsewhere` for what this server does not serve,
   * `artifact_root_refused` for a directory that it may not read.
   */
  return async (uri: string): Promise<ArtifactRoot> => {
    if (proxiedPath(uri) !== undefined) {
      if (storage?.servesProxied === false) throw fail('artifact_elsewhere', { uri });
      return new ProxiedRoot(deps, artifactFolder(uri));
    }
    const location = storageLocation(uri);
    if (!location || !storage) throw fail('artifact_elsewhere', { uri });
    if (location.kind === 's3') {
      return new S3Root(storage.openBucket(location.bucket), location.prefix, storage.temporaryDirectory);
    }
    await checkDirectory(uri, location.path, storage);
    return new LocalRoot(location.path);
  };
}

async function checkDirectory(uri: string, path: string, storage: ArtifactStorage): Promise<void> {
  const root = await realOrNearest(path);
  const data = await realOrNearest(storage.dataDirectory);
  if (isWithin(data, root) || isWithin(root, data)) {
    const problem = "it holds the server's own data directory, or lies in it";
    throw fail('artifact_root_refused', {
      uri,
      problem,
      next: 'Keep artifacts in a directory of their own.',
    });
  }
  if (!storage.onlyDefaultRoot) return;
  const allowed = storageLocation(storage.defaultRoot);
  if (allowed?.kind === 'directory' && isWithin(root, await realOrNearest(allowed.path))) return;
  throw fail('artifact_root_refused', {
    uri,
    problem: 'the server listens to other machines, so it reads no directory but its own artifact root',
    next: 'Set MILLRACE_ARTIFACT_ROOT (--artifact-root) to a directory that holds it, or MILLRACE_HOST to 127.0.0.1.',
  });
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith('../'));
}

/** The real path; of what does not exist, by its nearest folder that does. */
async function realOrNearest(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : resolve(await realOrNearest(parent), relative(parent, path));
  }
}
