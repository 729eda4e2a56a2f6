import { accessSync, constants } from 'node:fs';

/**
 * The Python that runs training scripts: the one that was configured, else the repository's own environment when
 * it is there, else `python3` from PATH. Whether it works shows when a script is run; the server needs none.
 *
 * @param environmentPython the interpreter of the repository's virtual environment, e.g. `<root>/.venv/bin/python`
 */
export function findPython(configured: string | undefined, environmentPython: string): string {
  if (configured !== undefined) return configured;
  try {
    accessSync(environmentPython, constants.X_OK);
    return environmentPython;
  } catch {
    return 'python3';
  }
}
