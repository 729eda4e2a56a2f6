import { bytesOf } from '../config/index.ts';

/** The processes of `up` share what a container has, and need more beside it than the engine's own limit counts. */
const shareOfContainer = 0.25;
const leastMegabytes = 64;

/**
 * DuckDB's memory limit: the one that is set, and at most a quarter of what the container allows, so that a large
 * query spills to the disk where it would otherwise be killed, or somebody beside it.
 *
 * @param limit for instance `1GB`
 * @param allowedBytes what the process's control group allows; 0, or more than any machine has, where nothing is bound
 */
export function memoryLimitOf(limit: string, allowedBytes = process.constrainedMemory()): string {
  const shareBytes = allowedBytes * shareOfContainer;
  if (allowedBytes <= 0 || shareBytes >= bytesOf(limit)) return limit;
  return `${Math.max(leastMegabytes, Math.floor(shareBytes / 1024 ** 2))}MB`;
}
