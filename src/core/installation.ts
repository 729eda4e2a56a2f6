import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The directory of package.json. Its files are found the same way from the sources and from the bundle in dist/. */
export const installationDirectory = nearestPackage(import.meta.dirname);

/** The version of this Millrace, as its package.json says. */
export function installedVersion(): string {
  const content: unknown = JSON.parse(readFileSync(join(installationDirectory, 'package.json'), 'utf8'));
  if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version);
  throw new Error('package.json has no version');
}

function nearestPackage(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory;
  return nearestPackage(dirname(directory));
}
