import type { ErrorEntries } from './ErrorEntry.ts';

export const evaluationErrors = {} as const satisfies ErrorEntries;
