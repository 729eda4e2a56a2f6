import { type ChildProcess, spawn } from 'node:child_process';
import { MillraceError } from '../../core/errors.ts';
import type { Logger } from '../log/index.ts';

interface SupervisedProcess {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long it may take to end when it is told to, before it is killed. */
  readonly stopMs: number;
}

/** Starts a process with a channel to it that closes with this process. */
type Launch = (process_: SupervisedProcess) => ChildProcess;

function spawned({ command, args, env }: SupervisedProcess): ChildProcess {
  return spawn(command, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** Tells a process that it was started here; it keeps that from those that it starts itself. */
const supervisedVariable = 'MILLRACE_SUPERVISOR_PID';

/** `bin/millrace` sets it when it was started to outlive its terminal (nohup): node itself forgets that as it starts. */
const nohupVariable = 'MILLRACE_NOHUP';

/**
 * A process says with this exit code that starting it again cannot help (a wrong setting, a taken port). Believed of
 * one that never ran well: where another did with the same settings, its database is away, say, and comes back.
 */
const finalExitCode = 78;

const firstBackOffMs = 250;
const longestBackOffMs = 10_000;
/** A process that ran this long is taken to have started well, so its back-off begins anew. */
const healthyMs = 30_000;

/** The exit code for an error that ended a role. */
export function exitCodeOf(error: unknown): number {
  return error instanceof MillraceError ? finalExitCode : 1;
}

/**
 * Runs the roles of one machine as child processes. One that ends is started again with back-off and the reason
 * is logged; one that ends with `finalExitCode` ends them all. `stop` asks with SIGTERM and insists with SIGKILL.
 */
export class Supervisor {
  readonly #log: Logger;
  readonly #launch: Launch;
  readonly #children = new Map<string, { readonly child: ChildProcess; readonly stopMs: number }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #end: (exitCode: number) => void;
  /** Resolves with an exit code when all have been stopped or one could not start. */
  readonly ended: Promise<number>;
  #stopping = false;

  constructor(log: Logger, launch: Launch = spawned) {
    this.#log = log;
    this.#launch = launch;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    this.#end = resolve;
  }

  start(process_: SupervisedProcess, failures = 0, ranWell = false): void {
    const startedAtMs = Date.now();
    const env = { ...process_.env, [supervisedVariable]: String(process.pid) };
    const child = this.#launch({ ...process_, env });
    this.#children.set(process_.name, { child, stopMs: process_.stopMs });
    child.once('error', (error) => {
      this.#log.error({ err: error, process: process_.name }, 'could not be started');
      // Where there is no process, as when the system has no memory for one, there is no end of it either.
      if (child.pid === undefined) child.emit('exit', null, null);
    });
    child.once('exit', (code, signal) => {
      this.#children.delete(process_.name);
      if (this.#stopping) return;
      const isHealthy = Date.now() - startedAtMs > healthyMs;
      if (code === finalExitCode && !ranWell && !isHealthy) {
        void this.stop(finalExitCode);
        return;
      }
      const count = isHealthy ? 0 : failures;
      const waitMs = Math.min(longestBackOffMs, firstBackOffMs * 2 ** count);
      const reason = signal ? `killed by ${signal}` : `exit code ${code}`;
      this.#log.warn(
        { process: process_.name, reason, waitMs },
        `${process_.name} ended (${reason}); it is started again`,
      );
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.start(process_, count + 1, ranWell || isHealthy);
      }, waitMs);
      this.#timers.add(timer);
    });
  }

  /** Ends all at once, whatever they are at. */
  kill(): void {
    this.#stopping = true;
    for (const { child } of this.#children.values()) child.kill('SIGKILL');
  }

  async stop(exitCode = 0): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const exits = [...this.#children].map(async ([name, { child, stopMs }]) => {
      const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const insist = setTimeout(() => {
        this.#log.warn({ process: name }, 'did not stop in time and is killed');
        child.kill('SIGKILL');
      }, stopMs);
      await exit;
      clearTimeout(insist);
    });
    await Promise.all(exits);
    this.#end(exitCode);
  }
}

/**
 * For a role's process: calls `stop` once, on SIGTERM or Ctrl-C, when its terminal closes (SIGHUP), or when the
 * supervisor that started it is gone (its IPC channel closes even when it was killed), so no orphan stays. SIGTERM or
 * SIGINT again ends the process at once, after `giveUp`; another signal does not, as Ctrl-C reaches those that a
 * supervisor sends SIGTERM as well, and a terminal that closes sends SIGHUP twice: by its shell, and by itself. Nor does
 * SIGTERM again where a supervisor sends its own: systemd and `timeout` send one to all processes too.
 */
export function onStopRequest(stop: (reason: string) => void, giveUp: (reason: string) => void): void {
  let requested = false;
  const once = (reason: string) => () => {
    if (requested) return;
    requested = true;
    stop(reason);
  };
  const isSupervised = process.env[supervisedVariable] !== undefined;
  delete process.env[supervisedVariable];
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const again = () => {
      giveUp(signal);
      // Nobody listens any more: it does what it does to any process.
      process.kill(process.pid, signal);
    };
    process.once(signal, () => {
      if (isSupervised && signal === 'SIGTERM') process.on(signal, () => undefined);
      else process.once(signal, again);
      once(signal)();
    });
  }
  process.on('SIGHUP', process.env[nohupVariable] === undefined ? once('SIGHUP') : () => undefined);
  if (process.connected) {
    process.once('disconnect', once('supervisor gone'));
  } else if (isSupervised) {
    once('supervisor gone')();
  }
}
