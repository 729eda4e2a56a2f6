import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { newFernetKey } from './fernet.ts';

/** The key in a file that only its owner may read; made when it is not there. Losing it loses what it sealed. */
export function keyFromFile(path: string): string {
  const present = read(path);
  if (present !== undefined) return present;
  // Written aside and linked in place whole, so that a crash leaves no half of a key.
  const aside = `${path}.${process.pid}.new`;
  writeFileSync(aside, `${newFernetKey()}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(aside);
  }
  return keyFromFile(path);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
