import { fail } from '../../../core/errors.ts';
import { nearestName } from '../../../core/nearest-name.ts';

/** Refuses names of experiments that there are none of. Throws `transfer_experiment_unknown`. */
export function checkNames(only: readonly string[] | undefined, present: ReadonlySet<string>): void {
  const missing = only?.find((name) => !present.has(name));
  if (missing === undefined) return;
  const nearest = nearestName(missing, [...present]);
  const hint = nearest ? `did you mean "${nearest}"?` : `there are ${present.size} others`;
  throw fail('transfer_experiment_unknown', { name: missing, hint });
}
