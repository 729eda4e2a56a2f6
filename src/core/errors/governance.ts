import type { ErrorEntries } from './ErrorEntry.ts';

export const governanceErrors = {} as const satisfies ErrorEntries;
