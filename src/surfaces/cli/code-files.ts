import { readdir, readFile, stat } from 'node:fs/promises';
import { posix, relative, resolve, sep } from 'node:path';
import { fail } from '../../core/errors.ts';

const skipped = /^(\.|__pycache__$|node_modules$|mlruns$)/;

/**
 * The files that a training command needs, as paths below the loop file's folder with forward slashes, sorted: those
 * that the command names, the Python modules of the folder that these import (and those import, and so on), and what
 * `include` names (a folder with all in it, but what begins with a dot). Modules that are installed are not of the
 * folder and stay out; so does what a program loads at run time, unless it is included.
 *
 * Throws `local_file_unreadable` for an included path that is not there.
 */
export async function codeFiles(
  folder: string,
  command: string,
  include: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>();
  const words = command.split(/\s+/).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
  const add = async (path: string): Promise<boolean> => {
    const inside = below(folder, path);
    if (inside === undefined || found.has(inside)) return inside !== undefined;
    if (!(await isFile(resolve(folder, inside)))) return false;
    found.add(inside);
    if (inside.endsWith('.py')) await addImports(folder, inside, add);
    return true;
  };
  for (const [i, word] of words.entries()) {
    if (words[i - 1] === '-m') await addModule(word.split('.'), '', add);
    else await add(word);
  }
  for (const path of include) await addIncluded(folder, path, add);
  return [...found].sort();
}

type Add = (path: string) => Promise<boolean>;

async function addImports(folder: string, file: string, add: Add): Promise<void> {
  const text = await readFile(resolve(folder, file), 'utf8');
  const own = posix.dirname(file);
  for (const [, from, names, plain] of text.matchAll(
    /^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)|import[ \t]+([^\n#]+))/gm,
  )) {
    if (plain !== undefined) {
      for (const name of namesIn(plain)) await addModule(name.split('.'), own, add);
      continue;
    }
    const [, dots = '', path = ''] = /^(\.*)(.*)$/.exec(from ?? '') ?? [];
    // One dot is the module's own package, each further one the package above.
    const base = dots === '' ? own : posix.join(own, ...Array<string>(dots.length - 1).fill('..'));
    const parts = path === '' ? [] : path.split('.');
    if (parts.length > 0) await addModule(parts, base, add);
    for (const name of namesIn(names ?? '')) await addModule([...parts, name], base, add);
  }
}

/** The names of an import list, without `as` and brackets. */
function namesIn(list: string): readonly string[] {
  return list
    .replace(/#[^\n]*/g, '')
    .replace(/[()\\]/g, ' ')
    .split(',')
    .map((name) => name.trim().split(/\s/)[0] ?? '')
    .filter((name) => /^[\w.]+$/.test(name));
}

/** Adds a module's file and the packages around it, looked for beside the importing file, then at the top. */
async function addModule(parts: readonly string[], base: string, add: Add): Promise<void> {
  for (const root of new Set([base, ''])) {
    let any = false;
    for (let length = 1; length <= parts.length; length++) {
      const path = posix.join(root, ...parts.slice(0, length));
      any = (await add(posix.join(path, '__init__.py'))) || any;
      if (length === parts.length) any = (await add(`${path}.py`)) || any;
    }
    if (any) return;
  }
}

async function addIncluded(folder: string, path: string, add: Add): Promise<void> {
  const inside = below(folder, path);
  const info = inside === undefined ? undefined : await stat(resolve(folder, inside)).catch(() => undefined);
  if (inside === undefined || !info) {
    const problem = `it is not below ${folder}`;
    throw fail('local_file_unreadable', { file: `--include ${path}`, problem });
  }
  if (!info.isDirectory()) {
    await add(inside);
    return;
  }
  for (const entry of await readdir(resolve(folder, inside), { withFileTypes: true })) {
    if (!skipped.test(entry.name)) await addIncluded(folder, posix.join(inside, entry.name), add);
  }
}

/** A path relative to the folder, or undefined if it leads out of it. */
function below(folder: string, path: string): string | undefined {
  const inside = relative(folder, resolve(folder, path)).split(sep).join('/');
  return inside === '..' || inside.startsWith('../') || inside.includes(':') ? undefined : inside;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
