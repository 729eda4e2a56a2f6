import { join, resolve } from 'node:path';
import { installationDirectory } from '../core/installation.ts';
import { findPython } from '../lifecycle/pipelines/index.ts';
import type { Settings } from '../platform/config/index.ts';

const environmentPython = join(installationDirectory, '.venv/bin/python');

/** The Python of training, of conversion, and of models whose requirements it meets. */
export function givenPython(settings: Settings): string {
  const { python } = settings;
  // Programs are started in folders of their own: a path is one from here.
  const given = python?.includes('/') ? resolve(python) : python;
  return findPython(given, environmentPython);
}
