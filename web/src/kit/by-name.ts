const collator = new Intl.Collator(undefined, { numeric: true });

/** Compares names as people sort them: `many-2` comes before `many-10`, `Ähre` before `Zeit`. */
export const byName = (a: string, b: string): number => collator.compare(a, b);
