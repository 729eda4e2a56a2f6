import { dirname } from 'node:path';
import { fail, type MillraceError } from '../../core/errors.ts';

/**
 * What DuckDB said, as an error of ours: `frames_failed`, or `disk_full` with the directory where it has no space.
 *
 * @param temporaryDirectory where it spills
 */
export function framesError(problem: string, temporaryDirectory: string, cause?: unknown): MillraceError {
  const full = /"([^"]+)": (?:No space left on device|Disk quota exceeded)/i.exec(problem)?.[1];
  if (full !== undefined) return fail('disk_full', { path: dirname(full) }, cause);
  // The limit of what is spilled is what the disk has, for we set none.
  if (problem.includes("'max_temp_directory_size'"))
    return fail('disk_full', { path: temporaryDirectory }, cause);
  // What follows is how to set DuckDB's memory from its own shell.
  const [said = problem] = problem.split('\n\nPossible solutions:');
  return fail('frames_failed', { problem: said }, cause);
}
