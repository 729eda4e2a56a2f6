/** How long control takes from its start to /readyz and how much memory it then holds, beside a bare Node. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startServer } from '../test/support/server.ts';
import { interleave, median, report, residentBytes } from './support/index.ts';

const ROUNDS = 7;
const memory = { node: [] as number[], control: [] as number[] };

async function bareNode(): Promise<number> {
  const beganMs = performance.now();
  const child = spawn(process.execPath, ['-e', 'console.log("ready"); setInterval(() => {}, 1e6)']);
  await once(child.stdout, 'data');
  const elapsedMs = performance.now() - beganMs;
  memory.node.push(residentBytes(child.pid!));
  child.kill();
  await once(child, 'exit');
  return elapsedMs;
}

async function control(): Promise<number> {
  const cleanup: (() => void | Promise<void>)[] = [];
  const beganMs = performance.now();
  const server = await startServer({ after: (fn) => cleanup.push(fn) }, { role: 'control' });
  const elapsedMs = performance.now() - beganMs;
  memory.control.push(residentBytes(server.pid));
  for (const fn of cleanup) await fn();
  return elapsedMs;
}

await control(); // Fills the compile cache, as any earlier start did.
memory.control.length = 0;
const elapsedMs = await interleave(ROUNDS, { node: bareNode, control });
const MB = 1e6;
report({
  name: 'control, start to ready',
  value: median(elapsedMs.control),
  unit: 'ms',
  floor: { name: 'bare node', value: median(elapsedMs.node) },
  aim: { most: 1000, of: 'value' },
});
report({
  name: 'control, resident memory when ready',
  value: median(memory.control) / MB,
  unit: 'MB',
  floor: { name: 'bare node', value: median(memory.node) / MB },
  aim: { most: 150, of: 'value' },
});
