import { join } from 'node:path';
import { installationDirectory } from '../core/installation.ts';
import { findPython } from '../lifecycle/pipelines/index.ts';
import type { Settings } from '../platform/config/index.ts';

const environmentPython = join(installationDirectory, '.venv/bin/python');

/** The Python of training, of conversion, and of models whose requirements it meets. */
export function givenPython(settings: Settings): string {
  return findPython(settings.python, environmentPython);
}
