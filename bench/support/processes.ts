import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The command that runs another on one core, empty where that is not possible (no taskset, one core only). */
export function onCore(core: number): readonly string[] {
  const possible = availableParallelism() > core && spawnSync('taskset', ['--version']).status === 0;
  return possible ? ['taskset', '-c', String(core)] : [];
}

/** Confines a running process with all its threads to one core; says whether that worked. */
export function pinToCore(pid: number, core: number): boolean {
  if (onCore(core).length === 0) return false;
  return spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)]).status === 0;
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024;
}

/** The most memory that a process ever held, in bytes. Linux only, NaN elsewhere. */
export function mostResidentBytes(pid: number): number {
  const path = `/proc/${pid}/status`;
  const status = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

/**
 * Processor time that this process and its children have used, in milliseconds: what a busy machine does not stretch.
 * Linux only, NaN elsewhere. Threads that have ended are not counted.
 */
export function processorMs(): number {
  return [process.pid, ...childrenOf(process.pid)].reduce((sum, pid) => sum + onProcessorMs(pid), 0);
}

function childrenOf(pid: number): readonly number[] {
  const found = tasksOf(pid).flatMap((task) => textOf(`${task}/children`).split(' ').filter(Boolean));
  return found.map(Number);
}

function onProcessorMs(pid: number): number {
  const nanoseconds = tasksOf(pid).map((task) => Number(textOf(`${task}/schedstat`).split(' ')[0]));
  return nanoseconds.length === 0 ? Number.NaN : nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1e6;
}

function tasksOf(pid: number): readonly string[] {
  const path = `/proc/${pid}/task`;
  return existsSync(path) ? readdirSync(path).map((task) => `${path}/${task}`) : [];
}

/** Empty when the thread has just ended. */
function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

export interface EchoServer {
  readonly url: string;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

/** Starts the floor of HTTP measurements: a bare node:http server that answers each body with itself. */
export async function startEcho(core?: number): Promise<EchoServer> {
  const script = fileURLToPath(new URL('./echo-server.ts', import.meta.url));
  const command = [...(core === undefined ? [] : onCore(core)), process.execPath, script];
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return {
    url: line.trim(),
    child,
    stop: async () => {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    },
  };
}
