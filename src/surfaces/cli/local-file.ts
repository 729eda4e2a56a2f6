import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import type { Api } from './api.ts';

/** The bytes of a file here. Throws `local_file_unreadable`, naming it. */
export async function readLocal(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
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
