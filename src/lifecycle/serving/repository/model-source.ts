import { readdir, readFile, stat } from 'node:fs/promises';
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
/** Graphs of ONNX cannot be larger, nor can what this process reads at once. */
const largestFileBytes = 2 ** 31 - 1;

/** Can it be the path of a file of a model: does it stay inside its folder? */
function staysInside(path: string): boolean {
  const isName = (p: string) =>
    p !== '' && p !== '.' && p !== '..' && Buffer.byteLength(p) <= longestFileName;
  return !/[\\\0]/.test(path) && path.split('/').every(isName);
}

const byNumber = (a: string, b: string) => a.length - b.length || (a < b ? -1 : 1);

/** Folders of a repository, in order. */
interface ModelFolders {
  /** Those that are models, by their names. */
  readonly names: readonly string[];
  /** Those whose names can be no part of an address. */
  readonly passedOver: readonly string[];
}

/** Links may be models too; what is hidden is nobody's. Throws the file system's error where there is no folder. */
export async function modelFolders(directory: string): Promise<ModelFolders> {
  const entries = await readdir(directory, { withFileTypes: true });
  const found = entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map((entry) => entry.name)
    .filter((name) => !name.startsWith('.'))
    .sort();
  const isName = (name: string) => endpointNameSchema.safeParse(name).success;
  return { names: found.filter(isName), passedOver: found.filter((name) => !isName(name)) };
}

/** Files of a model's folder, with what of it changes when it does. */
interface Walked {
  readonly paths: string[];
  readonly facts: string[];
  readonly versions: string[];
}

/**
 * A model's folder as it is now; null when there is none. Links are followed, as folders of Kubernetes are made of them,
 * but for hidden ones; what is no plain file is not read.
 */
export async function folderSource(directory: string): Promise<ModelSource | null> {
  const walked: Walked = { paths: [], facts: [], versions: [] };
  try {
    await walk(directory, '', walked);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  return {
    versions: walked.versions.sort(byNumber),
    paths: walked.paths.sort(),
    fingerprint: walked.facts.sort().join('\n'),
    async read(path) {
      // Names come out of configurations too, which a caller may send along.
      if (!staysInside(path)) return null;
      try {
        const facts = await stat(join(directory, path));
        if (facts.isDirectory()) return null;
        if (!facts.isFile()) throw new Error(`${path} is no plain file`);
        if (facts.size > largestFileBytes) throw new Error(`${path} is larger than 2 GB`);
        return await readFile(join(directory, path));
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
  };
}

/** @param above folders that it lies in: a link may lead back to one */
async function walk(
  directory: string,
  path: string,
  into: Walked,
  above: readonly string[] = [],
): Promise<void> {
  for (const entry of await readdir(join(directory, path), { withFileTypes: true })) {
    const name = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isSymbolicLink() && entry.name.startsWith('.')) continue;
    // A link that leads nowhere is as good as none.
    const facts = await stat(join(directory, name)).catch(() => null);
    if (!facts) continue;
    if (!facts.isDirectory()) {
      into.paths.push(name);
      into.facts.push(`${name} ${facts.size} ${facts.mtimeMs} ${facts.ino}`);
      continue;
    }
    if (path === '' && versionName.test(entry.name)) into.versions.push(entry.name);
    const id = `${facts.dev} ${facts.ino}`;
    if (!above.includes(id)) await walk(directory, name, into, [...above, id]);
  }
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
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
      throw new Error(`"${path.slice(0, 80)}" cannot be the path of a file`);
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

/** What keeps a name from being a model's, in Triton's words; null for one that may be. */
export function problemOfName(name: string): string | null {
  const trimmed = name.trim();
  if (trimmed === '') return 'Model name cannot be empty. Please enter a valid name to deploy.';
  if (trimmed === '..' || /[/\\]/.test(name)) return 'model name must not contain path traversal characters';
  if (endpointNameSchema.safeParse(name).success) return null;
  return 'failed to poll from model repository: names of models are letters, digits, dots, dashes, underscores';
}
