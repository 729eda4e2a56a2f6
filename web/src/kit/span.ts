/** What is wrong with the end of a span of time, both as the fields of a browser have them; empty fields are not there yet. Pure. */
export const spanProblem = (from: string, to: string): string | undefined =>
  from !== '' && to !== '' && to <= from ? 'It ends before it begins.' : undefined;
