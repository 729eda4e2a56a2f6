import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const tickUs = 10_000;

/** Processor time of a process and everything that it started, in microseconds; NaN where there is no /proc. */
export function cpuUs(pid: number): number {
  try {
    const parents = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number));
    const tree = new Set([pid]);
    for (let before = 0; before < tree.size; ) {
      before = tree.size;
      for (const [child = 0, parent = 0] of parents) if (tree.has(parent)) tree.add(child);
    }
    return [...tree].reduce((sum, p) => sum + ownUs(p), 0);
  } catch {
    return Number.NaN;
  }
}

function ownUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickUs;
}
