/** When a model that could not be loaded for a passing reason is tried again. */
export interface LoadRetry {
  /** Attempts that failed one after the other. */
  readonly failures: number;
  readonly atMs: number;
}

const firstMs = 10_000;
const longestMs = 600_000;

/** Codes of the catalogue whose cause may be gone the next time: no index, no memory, no room, no other server. */
const passingCodes: ReadonlySet<string> = new Set([
  'python_missing',
  'python_environment_failed',
  'python_start_failed',
  'python_crashed',
  'python_timeout',
  'model_busy',
  'model_restarting',
  'remote_unavailable',
  'remote_timeout',
  'remote_failed',
  'disk_full',
]);

/**
 * Whether what kept a model from loading may pass of itself. What is wrong with its files stays until they change. The
 * operating system speaks by codes like ENOSPC.
 */
export function mayPass(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (typeof code !== 'string') return false;
  return passingCodes.has(code) || /^E[A-Z]+$/.test(code) || code === 'ERR_WORKER_OUT_OF_MEMORY';
}

/** The next attempt after one that failed: after 10 s, 20 s … 10 min. */
export function nextRetry(before: LoadRetry | null, nowMs: number): LoadRetry {
  const failures = (before?.failures ?? 0) + 1;
  return { failures, atMs: nowMs + Math.min(longestMs, firstMs * 2 ** (failures - 1)) };
}

/** Whether the time has come to try a model again. */
export function isDue({ retry }: { readonly retry: LoadRetry | null }): boolean {
  return retry !== null && retry.atMs <= Date.now();
}
