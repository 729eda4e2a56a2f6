import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface SmallDisk {
  readonly directory: string;
  remove(): Promise<void>;
}

/**
 * A file system of its own that can be filled.
 *
 * @param size as mount takes it, for instance `256k`
 * @returns null where this user may not mount one
 */
export async function smallDisk(size: string): Promise<SmallDisk | null> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    await rm(directory, { recursive: true });
    return null;
  }
  const remove = async () => {
    execFileSync('umount', [directory]);
    await rm(directory, { recursive: true });
  };
  return { directory, remove };
}
