import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskError } from '../../core/disk-error.ts';
import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import type { Digest } from '../../core/json.ts';
import type { BlobInfo, BlobSource } from './port.ts';

/** A file on this machine that holds bytes whose digest is known now. */
interface SpooledFile extends BlobInfo {
  readonly path: string;
}

/**
 * Streams bytes into a new file of a directory and syncs it; memory stays flat. The file is the caller's to
 * move or remove. Its name is a new one, after the prefix.
 *
 * @throws `blob_corrupt` when `expected` is another digest, `disk_full`, `disk_unusable`, or what the source throws; then no file is left
 */
export async function spool(
  directory: string,
  source: BlobSource,
  expected?: Digest,
  prefix = '',
): Promise<SpooledFile> {
  const path = join(directory, `${prefix}${uuidv7()}`);
  const file = await open(path, 'wx');
  try {
    const info = await write(file, source);
    if (expected && info.digest !== expected) throw fail('blob_corrupt', { expected, actual: info.digest });
    await file.sync();
    await file.close();
    return { ...info, path };
  } catch (error) {
    await file.close().catch(() => {});
    await rm(path, { force: true });
    throw diskError(error, directory) ?? error;
  }
}

async function write(file: FileHandle, source: BlobSource): Promise<BlobInfo> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const chunks =
    typeof source === 'string' ? [Buffer.from(source)] : source instanceof Uint8Array ? [source] : source;
  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
    hash.update(bytes);
    sizeBytes += bytes.length;
    await file.writeFile(bytes);
  }
  return { digest: `sha256:${hash.digest('hex')}`, sizeBytes };
}
