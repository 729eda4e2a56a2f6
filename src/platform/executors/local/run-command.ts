import { spawn } from 'node:child_process';
import { readLines } from '../../log/index.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Aborting ends the whole process group: SIGTERM, and SIGKILL after `graceMs`. */
  readonly signal: AbortSignal;
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Called with the process group's id as soon as it runs. */
  readonly onStart?: (pid: number) => void;
  /** Default 5 s. */
  readonly graceMs?: number;
}

/** How a command ended; exactly one of `code` and `signal` is not null. */
export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs a program in a process group of its own, so that ending it also ends whatever it started, and hands on
 * its output line by line. Rejects only when the program cannot be started (ENOENT, EACCES).
 */
export async function runCommand(command: Command): Promise<CommandEnd> {
  const child = spawn(command.program, command.args, {
    cwd: command.cwd,
    env: { ...command.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const ended = new Promise<CommandEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const lines = (['stdout', 'stderr'] as const).map((stream) =>
    readLines(child[stream], (line) => command.onLine(line, stream)),
  );
  await started;
  const pid = child.pid ?? 0;
  command.onStart?.(pid);
  const stop = () => endGroup(pid, command.graceMs ?? 5000, ended);
  if (command.signal.aborted) stop();
  else command.signal.addEventListener('abort', stop, { once: true });
  try {
    const end = await ended;
    // What the program started and left behind is ended too; only then are its pipes sure to close.
    signalGroup(pid, 'SIGKILL');
    await Promise.allSettled(lines);
    return end;
  } finally {
    command.signal.removeEventListener('abort', stop);
  }
}

function endGroup(pid: number, graceMs: number, ended: Promise<unknown>): void {
  signalGroup(pid, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
  void ended.then(() => clearTimeout(timer));
}

/** Sends a signal to a whole process group; one that is gone already is no error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
