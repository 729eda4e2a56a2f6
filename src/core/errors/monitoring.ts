import type { ErrorEntries } from './error-entry.ts';

export const monitoringErrors = {} as const satisfies ErrorEntries;
