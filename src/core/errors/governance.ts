import type { ErrorEntries } from './error-entry.ts';

export const governanceErrors = {} as const satisfies ErrorEntries;
