import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { firstIssue } from '../../../core/issue-text.ts';
import { formatTime } from '../../../core/time.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { type CreateEndpointKey, type EndpointKey, endpointKeySchema } from './contract.ts';
import type { KeyRing } from './key-ring.ts';
import { makeKey } from './make-key.ts';
import { toResource } from './to-resource.ts';

const lookEveryMs = 2000;
/** So long a change waits for another one's end. */
const lockWaitMs = 10_000;
const lockLookMs = 20;
/** SQLite's code for a lock that another one holds. */
const busy = 5;

/** A file of keys: what is kept of each, never the key itself. */
const keyFileSchema = z.strictObject({
  formatVersion: z.literal(1),
  keys: z.array(
    endpointKeySchema.extend({
      /** SHA-256 of the key in hex. */
      digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a key in hex'),
      reason: z.string(),
      expiresAt: z.iso.datetime({ offset: true, error: 'must be a time or null' }).nullable(),
      revokedReason: z.string().optional(),
    }),
  ),
});
type FileOfKeys = z.infer<typeof keyFileSchema>;

/** Makes a key and adds it to a file, which is made where there is none. Throws `key_file_unreadable`, `invalid_input`. */
export async function createKeyInFile(
  path: string,
  input: CreateEndpointKey,
  createdBy: string,
  nowMs: number,
): Promise<EndpointKey & { readonly key: string }> {
  const { key, stored } = makeKey(input, createdBy, nowMs);
  const resource = toResource(stored);
  const { digest } = stored;
  return alone(path, async () => {
    const file = await read(path, true);
    await write(path, { ...file, keys: [...file.keys, { ...resource, digest, reason: input.reason }] });
    return { ...resource, key };
  });
}

/** The keys of a file, newest first. Throws `key_file_unreadable`. */
export async function keysOfFile(path: string): Promise<readonly EndpointKey[]> {
  const { keys } = await read(path, false);
  return keys.map((key) => endpointKeySchema.parse(key)).reverse();
}

/** Ends a key of a file; one that is revoked stays so. Throws `key_file_unreadable`, `key_not_in_file`. */
export async function revokeKeyInFile(
  path: string,
  id: string,
  reason: string,
  nowMs: number,
): Promise<EndpointKey> {
  await read(path, false);
  return alone(path, async () => {
    const file = await read(path, false);
    const key = file.keys.find((k) => k.id === id);
    if (!key) throw fail('key_not_in_file', { id, path });
    if (key.revokedAt !== null) return endpointKeySchema.parse(key);
    const revoked = { ...key, revokedAt: formatTime(nowMs), revokedReason: reason };
    await write(path, { ...file, keys: file.keys.map((k) => (k === key ? revoked : k)) });
    return endpointKeySchema.parse(revoked);
  });
}

/**
 * Puts the keys of a file in force, now and whenever it changes. A file that cannot be read, as it is between two
 * writes, leaves those before in force. Throws `key_file_unreadable` when it is so at the start.
 *
 * @returns ends it
 */
export function followKeyFile(path: string, ring: KeyRing, logger: Logger): () => void {
  const load = () => {
    const { keys } = parse(path, readText(path));
    ring.set(
      keys
        .filter((key) => key.revokedAt === null)
        .map(({ digest, endpoints, actions, expiresAt }) => ({
          digest,
          endpoints,
          actions,
          expiresAtMs: expiresAt === null ? null : Date.parse(expiresAt),
        })),
    );
    return keys.length;
  };
  load();
  const onChange = () => {
    try {
      logger.info({ path, keys: load() }, 'keys read again');
    } catch (error) {
      logger.error({ err: error }, 'the keys changed and cannot be used: those before stay');
    }
  };
  watchFile(path, { interval: lookEveryMs, persistent: false }, onChange);
  return () => unwatchFile(path, onChange);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, (error as Error).message, error);
  }
}

async function read(path: string, mayBeNew: boolean): Promise<FileOfKeys> {
  try {
    return parse(path, await readFile(path, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && mayBeNew) return { formatVersion: 1, keys: [] };
    throw code === 'key_file_unreadable' ? error : unreadable(path, message, error);
  }
}

function parse(path: string, text: string): FileOfKeys {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(path, 'it is not JSON', error);
  }
  const parsed = keyFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw unreadable(path, firstIssue(parsed.error, 'it'));
}

/**
 * Changes a file while nobody else does. The lock is the operating system's on a file beside it, so that a killed
 * process leaves none behind; the file stays, as another process may wait at it.
 */
async function alone<T>(path: string, change: () => Promise<T>): Promise<T> {
  const lock = await lockFile(path);
  try {
    return await change();
  } finally {
    lock.close();
  }
}

async function lockFile(path: string): Promise<DatabaseSync> {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${path}.lock`, { timeout: 0 });
    for (const untilMs = performance.now() + lockWaitMs; ; await sleep(lockLookMs)) {
      try {
        lock.exec('BEGIN EXCLUSIVE');
        return lock;
      } catch (error) {
        if (performance.now() > untilMs || (error as { errcode?: number }).errcode !== busy) throw error;
      }
    }
  } catch (error) {
    lock?.close();
    throw unreadable(path, `it cannot be locked: ${(error as Error).message}`, error);
  }
}

/** All at once, for its owner alone. */
async function write(path: string, file: FileOfKeys): Promise<void> {
  const part = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(part, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
    await rename(part, path);
  } catch (error) {
    throw unreadable(path, (error as Error).message, error);
  }
}

function unreadable(path: string, problem: string, cause?: unknown) {
  return fail('key_file_unreadable', { path, problem }, cause);
}
