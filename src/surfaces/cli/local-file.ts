import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import type { Api } from './api.ts';
import { UsageError } from './command.ts';

/** The bytes of a file here. Throws `local_file_unreadable`, naming it. */
export async function readLocal(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * The object that a file of YAML or JSON here has. Throws `local_file_unreadable`, and `UsageError` where it has anything
 * else.
 *
 * @param what what the file is to be, as errors go on: `a plan`
 */
export async function readLocalObject(
  path: string,
  what: string,
): Promise<Readonly<Record<string, unknown>>> {
  const text = (await readLocal(path)).toString('utf8');
  let read: unknown;
  try {
    read = parse(text);
  } catch (error) {
    throw new UsageError(`${path} is not YAML: ${(error as Error).message}`);
  }
  const found = z.record(z.string(), z.unknown()).safeParse(read);
  if (found.success) return found.data;
  throw new UsageError(`${path} is not ${what}: it is names with values, as YAML or JSON`);
}

/** Sends a file of any size as a blob. Throws `local_file_unreadable`. */
export async function uploadLocal(api: Api, path: string): Promise<Digest> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw unreadable(path, error);
  }
  const digest: Digest = `sha256:${hash.digest('hex')}`;
  await api.client.putBlobStream(digest, createReadStream(path));
  return digest;
}

/** True where control most likely sees the same files as we do. */
export function isSameMachine(api: Api): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(api.client.url).hostname);
}

function unreadable(file: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'it does not exist',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
  };
  return fail('local_file_unreadable', { file, problem: words[code ?? ''] ?? message }, error);
}
