import type { ErrorEntries } from './ErrorEntry.ts';

export const monitoringErrors = {} as const satisfies ErrorEntries;
