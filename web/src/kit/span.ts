/** What is wrong with the end of a span of time, both as the fields of a browser have them; empty fields are not there yet. Pure. */
export const spanProblem = (from: string, to: string): string | undefined =>
  from !== '' && to !== '' && to <= from ? 'It ends before it begins.' : undefined;

/** What a field for a date and time in UTC holds (`2026-01-31T08:00`) for a time of the view, and back. */
export const toField = (time: string | undefined): string => time?.slice(0, 16) ?? '';
export const fromField = (field: string): string | undefined => (field === '' ? undefined : `${field}:00Z`);
