import type { VersionRecord } from './records.ts';

/** Tag of a version that was trained once more, on all rows, after its gates: the number of the version that was judged. */
export const REFIT_TAG = 'millrace.refitOf';

/** The version of the same model that was judged in a refitted version's stead; null for any other version. */
export function judgedInsteadOf(version: Pick<VersionRecord, 'tags'>): number | null {
  const judged = Number(version.tags.find(({ key }) => key === REFIT_TAG)?.value);
  return Number.isInteger(judged) && judged > 0 ? judged : null;
}
