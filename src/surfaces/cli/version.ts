import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installationDirectory } from '../../core/installation.ts';

const packageFile = join(installationDirectory, 'package.json');

/** The version of this millrace. */
export function version(): string {
  return (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;
}
