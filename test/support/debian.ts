import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * Installs Debian packages. Where that is not possible (no root, no apt-get) it throws and says what to install.
 */
export function installDebianPackages(purpose: string, names: readonly string[]): void {
  const canInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!canInstall) {
    throw new Error(
      `${purpose} is missing and only root can install it here. Install it and run this again ` +
        `(Debian: sudo apt-get install ${names.join(' ')}).`,
    );
  }
  console.log(`Installing ${purpose}: ${names.join(' ')}`);
  aptGet(['update', '--quiet']);
  aptGet(['install', '--quiet', '--yes', '--no-install-recommends', ...names]);
}

function aptGet(args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync('apt-get', args, { env, encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(`apt-get ${args.join(' ')} failed:\n${result.stdout}${result.stderr}`);
  }
}
