import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { UsageError } from './Command.ts';

/** What counts as code of a training script; data is registered, not sent along. */
const codeName = /\.(py|pyi|ipynb|txt|toml|cfg|ini|ya?ml|json|sh|sql|r)$/i;
const skippedFolder = /^(\.|node_modules$|__pycache__$|venv$|mlruns$|mlartifacts$)/;
const largestBytes = 2_000_000;
const mostFiles = 500;
const deepest = 6;

/**
 * The code beside a loop file: scripts, settings and requirements of up to 2 MB each, in the loop file's folder
 * and below, hidden folders and environments left out. In order of path.
 *
 * Throws `UsageError` when the training command names a script that is not there, or when there are too many files.
 */
export async function codeFiles(
  folder: string,
  run: string,
): Promise<readonly { readonly path: string; readonly content: Buffer }[]> {
  const script = run.split(/\s+/).find((word) => /\.(py|sh|r)$/i.test(word) && !word.startsWith('/'));
  if (script && !existsSync(join(folder, script))) {
    throw new UsageError(`train.run names ${script}, which is not in ${folder}`);
  }
  const paths: string[] = [];
  await gather(folder, 0, paths);
  if (paths.length > mostFiles) {
    throw new UsageError(
      `${folder} holds more than ${mostFiles} files of code; give the loop file a folder of its own`,
    );
  }
  return Promise.all(
    paths.sort().map(async (path) => ({
      path: relative(folder, path).split(sep).join('/'),
      content: await readFile(path),
    })),
  );
}

async function gather(folder: string, depth: number, paths: string[]): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (depth < deepest && !skippedFolder.test(entry.name)) await gather(path, depth + 1, paths);
    } else if (entry.isFile() && codeName.test(entry.name) && (await stat(path)).size <= largestBytes) {
      paths.push(path);
    }
    if (paths.length > mostFiles) return;
  }
}
