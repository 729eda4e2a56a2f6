import type { ErrorEntries } from './ErrorEntry.ts';

export const feedbackErrors = {} as const satisfies ErrorEntries;
