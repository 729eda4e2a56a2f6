import { existsSync } from 'node:fs';
import { installDebianPackages } from './debian.ts';

const USUAL_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The Chromium to drive: CHROMIUM, else the first of the usual places; undefined when there is none. */
function findChromium(): string | undefined {
  const named = process.env.CHROMIUM;
  if (named) return named;
  return USUAL_PATHS.find((path) => existsSync(path));
}

/** Like findChromium, and installs Debian's package when there is none. */
export function ensureChromium(): string {
  const found = findChromium();
  if (found !== undefined) return found;
  installDebianPackages('Chromium (for the browser tests)', ['chromium', 'fonts-dejavu-core']);
  return '/usr/bin/chromium';
}
