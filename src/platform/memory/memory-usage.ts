/**
 * What the process has of memory. Null where the system cannot tell now: it tells in a file, and callers may have taken
 * all the files that the process may open (EMFILE).
 */
export function memoryUsage(): NodeJS.MemoryUsage | null {
  try {
    return process.memoryUsage();
  } catch {
    return null;
  }
}
