import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/**
 * Nice value of background work: a sixth of a processor that others want too. Sealing the log of a server that is
 * saturated by one-row requests takes an eighth; a smaller one would make it late, a larger share would make its answers late.
 */
const backgroundNice = 7;

/**
 * Lowers the priority of this process. On Linux a priority is a thread's own, so all that run are lowered; those that
 * come later inherit it. A thread that the system refuses to lower computes beside the others as it is.
 */
export function giveWay(): void {
  const ids = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [process.pid];
  for (const id of ids) {
    try {
      if (getPriority(id) < backgroundNice) setPriority(id, backgroundNice);
    } catch {
      // It has ended by now, or may not be lowered.
    }
  }
}
