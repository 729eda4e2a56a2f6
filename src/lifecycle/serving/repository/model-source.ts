import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endpointNameSchema } from '../contract.ts';

/** Files of one model: a folder of the repository, or what a load request brought along. */
export interface ModelSource {
  /** Names of its version folders, oldest first. */
  readonly versions: readonly string[];
  /** Paths of all files, in order. */
  readonly paths: readonly string[];
  /** Changes whenever a file does. */
  readonly fingerprint: string;
  /** A file by its path inside the model's folder; null when there is none. */
  read(path: string): Promise<Uint8Array | null>;
}

export const configFileName = 'config.pbtxt';
/** A version folder is named by a number above 0, written plainly; Triton ignores all others too. */
const versionName = /^[1-9]\d*$/;
const longestFileName = 255;

/** Can it be the path of a file of a model: does it stay inside its folder? */
function staysInside(path: string): boolean {
  const isName = (p: string) =>
    p !== '' && p !== '.' && p !== '..' && Buffer.byteLength(p) <= longestFileName;
  return !/[\\\0]/.test(path) && path.split('/').every(isName);
}

const byNumber = (a: string, b: string) => a.length - b.length || (a < b ? -1 : 1);

/** Names of the models in a repository: its folders that can be part of an address. */
export async function modelNames(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map((entry) => entry.name)
    .filter((name) => endpointNameSchema.safeParse(name).success)
    .sort();
}

/** A model's folder as it is now; null when there is none. */
export async function folderSource(directory: string): Promise<ModelSource | null> {
  const facts: string[] = [];
  const paths: string[] = [];
  const versions: string[] = [];
  const walk = async (path: string): Promise<void> => {
    for (const entry of await readdir(join(directory, path), { withFileTypes: true })) {
      const name = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) {
        if (path === '' && versionName.test(entry.name)) versions.push(entry.name);
        await walk(name);
      } else {
        const { size, mtimeMs, ino } = await lstat(join(directory, name));
        paths.push(name);
        facts.push(`${name} ${size} ${mtimeMs} ${ino}`);
      }
    }
  };
  try {
    await walk('');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  return {
    versions: versions.sort(byNumber),
    paths: paths.sort(),
    fingerprint: facts.sort().join('\n'),
    async read(path) {
      // Names come out of configurations too, which a caller may send along.
      if (!staysInside(path)) return null;
      try {
        return await readFile(join(directory, path));
      } catch (error) {
        if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
          return null;
        throw error;
      }
    },
  };
}

/**
 * Files of a load request, by their path inside the model's folder. Throws an Error when a path could not be one:
 * it leads out of the folder or is longer than a file's name may be.
 */
export function givenSource(files: ReadonlyMap<string, Uint8Array>): ModelSource {
  const versions = new Set<string>();
  for (const path of files.keys()) {
    const parts = path.split('/');
    if (!staysInside(path)) {
      throw new Error(
        `failed to poll from model repository: "${path.slice(0, 80)}" cannot be the path of a file`,
      );
    }
    if (parts.length > 1 && parts[0] && versionName.test(parts[0])) versions.add(parts[0]);
  }
  return {
    versions: [...versions].sort(byNumber),
    paths: [...files.keys()].sort(),
    fingerprint: 'given',
    read: async (path) => files.get(path) ?? null,
  };
}
