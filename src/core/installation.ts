import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The directory of package.json. Its files are found the same way from the sources and from the bundle in dist/. */
export const installationDirectory = nearestPackage(import.meta.dirname);

function nearestPackage(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory;
  return nearestPackage(dirname(directory));
}
