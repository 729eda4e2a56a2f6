import { randomBytes } from 'node:crypto';
import { access, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const longestHost = 40;
/** What every replica without a name was called before each had one of its own. */
const formerName = 'local';

/**
 * The name of a replica that was given none: its machine's and some letters, made once and kept in its directory, so
 * that any two have different names and one keeps its own when it or its machine is started anew. One that has followed
 * control under the former name of all keeps that.
 *
 * @param directory of the replica, shared by the processes on its port
 */
export async function replicaName(directory: string): Promise<string> {
  const path = join(directory, 'replica-name');
  const known = await readName(path);
  if (known) return known;
  const isOld = await access(join(directory, 'routes.json')).then(
    () => true,
    () => false,
  );
  const host = hostname()
    .replace(/[^\w-].*$/, '')
    .slice(0, longestHost);
  const own = `${host || 'replica'}-${randomBytes(3).toString('hex')}`;
  await mkdir(directory, { recursive: true });
  // Whole or not at all, and the same for all that start at once, each with a draft of its own.
  const draft = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  await writeFile(draft, isOld ? formerName : own, { flush: true });
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
  return (await readName(path)) ?? own;
}

async function readName(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.trim() || null;
}
