import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from './ports.ts';

/** What a test starts of Millrace. */
type Role = 'up' | 'control' | 'serve' | 'work';

/** How it is started; nothing need be given. */
export interface ServerOptions {
  /** What to run; `up` is control, serve and a worker. */
  readonly role?: Role;
  /** Kept after the test when given; else a temporary one that is removed. */
  readonly dataDirectory?: string;
  /** Where control is, for a `serve` or `work` of its own. */
  readonly controlUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly readyTimeoutMs?: number;
}

/** How it ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** From the signal to the end of the process. */
  readonly elapsedMs: number;
}

/** Something that runs clean-up after a test: node:test's context, or a list of one's own. */
export interface Cleanup {
  after(fn: () => void | Promise<void>): void;
}

const launcher = fileURLToPath(new URL('../../bin/millrace', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const MAX_LOG_CHARACTERS = 1_000_000;
/** A start takes half a second, and far longer where many others compute on the same processors. */
const patienceMs = 120_000;

/**
 * Starts a millrace process on free ports with a temporary data directory and waits until it answers /readyz. It is
 * stopped, and its temporary directory removed, after the test.
 *
 * @throws with the process's log when it ends or is not ready in time
 */
export async function startServer(t: Cleanup, options: ServerOptions = {}): Promise<TestServer> {
  const [port, servePort] = await freePorts(2);
  const server = new TestServer(options, port!, servePort!);
  t.after(() => server.dispose());
  await server.start();
  return server;
}

/** A millrace process under test. It can be stopped or killed, and started again on the same ports and data. */
export class TestServer {
  readonly role: Role;
  readonly url: string;
  readonly serveUrl: string;
  readonly dataDirectory: string;
  readonly #options: ServerOptions;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #exit: Promise<Omit<Exit, 'elapsedMs'>> | undefined;
  #log = '';

  constructor(options: ServerOptions, port: number, servePort: number) {
    this.#options = options;
    this.role = options.role ?? 'up';
    const prefix = options.env?.MILLRACE_STATIC_PREFIX ?? '';
    this.url = options.controlUrl ?? `http://127.0.0.1:${port}${prefix}`;
    this.serveUrl = `http://127.0.0.1:${servePort}`;
    this.dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'millrace-server-'));
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('MILLRACE_') || name === 'MILLRACE_PYTHON',
    );
    this.#env = {
      ...Object.fromEntries(inherited),
      NODE_COMPILE_CACHE: join(root, '.cache/node'),
      MILLRACE_PORT: String(port),
      MILLRACE_SERVE_PORT: String(servePort),
      MILLRACE_DATA: this.dataDirectory,
      MILLRACE_LOG_FORMAT: 'json',
      ...(this.role === 'up' || this.role === 'control' ? {} : { MILLRACE_URL: this.url }),
      ...options.env,
    };
  }

  /** What the process has written so far: JSON lines. */
  get log(): string {
    return this.#log;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.role} is not running`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it, for the first time or again, and waits until it is ready. */
  async start(): Promise<void> {
    if (this.running) throw new Error(`${this.role} is running already`);
    const logStart = this.#log.length;
    // The launcher becomes the process itself, so that it is started as people start it.
    const child = spawn(launcher, [this.role], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const collect = (text: string): void => {
      this.#log = (this.#log + text).slice(-MAX_LOG_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    this.#exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    const deadlineMs = performance.now() + (this.#options.readyTimeoutMs ?? patienceMs);
    while (!(await this.#ready(logStart))) {
      if (!this.running) throw new Error(`${this.role} ended before it was ready:\n${this.#log}`);
      if (performance.now() > deadlineMs) throw new Error(`${this.role} is not ready in time:\n${this.#log}`);
      await sleep(20);
    }
  }

  /** Asks it to stop (SIGTERM unless told otherwise) and waits until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    const beganMs = performance.now();
    if (this.#exit === undefined) throw new Error(`${this.role} was never started`);
    if (this.running) this.#child?.kill(signal);
    return { ...(await this.#exit), elapsedMs: performance.now() - beganMs };
  }

  /** kill -9 of the process that was started (of `up`: the supervisor), and waits until it is gone. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL');
  }

  /** Pids of the roles that `up` has started; a role that is being started again is missing. */
  rolePids(): Partial<Record<Exclude<Role, 'up'>, number>> {
    const pids: Partial<Record<Exclude<Role, 'up'>, number>> = {};
    const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
    for (const line of processes.split('\n')) {
      const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      const role = /main\.[jt]s (control|serve|work)\b/.exec(args ?? '')?.[1];
      if (Number(parent) === this.pid && role !== undefined) {
        pids[role as Exclude<Role, 'up'>] = Number(pid);
      }
    }
    return pids;
  }

  /** kill -9 of one role of `up`; the supervisor starts it again. */
  killRole(role: Exclude<Role, 'up'>): void {
    const pid = this.rolePids()[role];
    if (pid === undefined) throw new Error(`${role} is not running`);
    process.kill(pid, 'SIGKILL');
  }

  /** Waits until it answers /readyz (again). */
  async waitUntilReady(timeoutMs = patienceMs): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!(await this.#ready(0))) {
      if (performance.now() > deadlineMs) throw new Error(`not ready after ${timeoutMs} ms:\n${this.#log}`);
      await sleep(20);
    }
  }

  async dispose(): Promise<void> {
    if (this.running) await this.stop();
    // Roles whose supervisor was killed end by themselves, a little later, and may still be writing.
    if (this.#options.dataDirectory === undefined) {
      rmSync(this.dataDirectory, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    }
  }

  async #ready(logStart: number): Promise<boolean> {
    const answers: boolean[] = [];
    if (this.role === 'up' || this.role === 'control') answers.push(await answersReady(this.url));
    if (this.role === 'up' || this.role === 'serve') answers.push(await answersReady(this.serveUrl));
    if (this.role === 'up' || this.role === 'work') {
      answers.push(this.#log.slice(logStart).includes('work is ready'));
    }
    return answers.every(Boolean);
  }
}

async function answersReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
