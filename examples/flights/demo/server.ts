import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Says that a directory is a demo's and may be emptied, and which process serves it. */
const marker = 'demo.json';
const contents = 'data of the flights demo; emptied when it starts again';
const startPatienceMs = 60_000;

/** The server of the demo: `millrace up` in a directory of its own, as a user would start it. */
export class Server {
  readonly url: string;
  readonly serveUrl: string;
  readonly directory: string;
  readonly logPath: string;
  readonly #root: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;

  constructor(root: string, directory: string, port: number, servePort: number) {
    this.#root = root;
    this.directory = directory;
    this.url = `http://127.0.0.1:${port}`;
    this.serveUrl = `http://127.0.0.1:${servePort}`;
    this.logPath = join(directory, 'server.log');
    this.#env = {
      ...process.env,
      MILLRACE_PORT: String(port),
      MILLRACE_SERVE_PORT: String(servePort),
      MILLRACE_DATA: directory,
      MILLRACE_URL: this.url,
      MILLRACE_LOG_FORMAT: 'json',
    };
  }

  /** Empties the directory and starts the server; resolves when control and serve are ready. */
  async start(): Promise<void> {
    wipe(this.directory);
    const log = openSync(this.logPath, 'a');
    const child = spawn(join(this.#root, 'bin/millrace'), ['up'], {
      env: this.#env,
      stdio: ['ignore', log, log],
      // Ctrl-C is for the demo, which then stops the server.
      detached: true,
    });
    this.#child = child;
    child.on('error', () => {});
    writeFileSync(join(this.directory, marker), `${JSON.stringify({ what: contents, pid: child.pid })}\n`);
    await this.ready();
  }

  /** Waits until control and serve are ready. */
  async ready(): Promise<void> {
    const giveUpMs = performance.now() + startPatienceMs;
    while (!((await isReady(this.url)) && (await isReady(this.serveUrl)))) {
      if (!this.running) throw new Error(`the server ended while starting. ${this.logTail()}`);
      if (performance.now() > giveUpMs) {
        throw new Error(`the server is not ready after ${startPatienceMs / 1000} s. ${this.logTail()}`);
      }
      await sleep(50);
    }
  }

  get running(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Ends control and serve with SIGKILL: no farewell, no last write. The supervisor starts them again. */
  killRoles(): { readonly control: number; readonly serve: number } {
    const control = pidIn(join(this.directory, 'control.pid'));
    const serve = pidIn(join(this.directory, 'serve', 'serve.pid'));
    process.kill(control, 'SIGKILL');
    process.kill(serve, 'SIGKILL');
    return { control, serve };
  }

  /** A command of the command line, against this server. Resolves with what it printed. */
  async cli(args: readonly string[]): Promise<string> {
    const child = spawn(join(this.#root, 'bin/millrace'), args, {
      cwd: this.#root,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stderr.on('data', (chunk) => (text += chunk));
    const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${code}:\n${text}`);
    return text;
  }

  /** Stops the server and waits until it has ended. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || !this.running) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  /** Resolves when the server ends. */
  async ended(): Promise<void> {
    const child = this.#child;
    if (child && this.running) await new Promise((resolve) => child.once('exit', resolve));
  }

  logTail(): string {
    const lines = existsSync(this.logPath) ? readFileSync(this.logPath, 'utf8').trim().split('\n') : [];
    const last = lines.slice(-8).map((line) => line.slice(0, 400));
    return `The end of ${this.logPath}:\n${last.join('\n')}`;
  }
}

/** Two ports: the wanted ones if they are free, else others. */
export async function choosePorts(wanted: readonly [number, number]): Promise<readonly [number, number]> {
  if ((await isFree(wanted[0])) && (await isFree(wanted[1]))) return wanted;
  const [a, b] = await Promise.all([anyPort(), anyPort()]);
  return [a, b];
}

/** Empties a directory of an earlier demo. Throws when it is in use, or holds something else. */
function wipe(directory: string): void {
  const files = existsSync(directory) ? readdirSync(directory) : [];
  if (files.length > 0 && !files.includes(marker)) {
    throw new Error(
      `${directory} holds files that are not of a demo; move them away, or remove the directory.`,
    );
  }
  if (files.includes(marker)) {
    const { pid } = JSON.parse(readFileSync(join(directory, marker), 'utf8')) as { pid?: number };
    if (pid !== undefined && isServer(pid)) {
      throw new Error(`an earlier demo's server is still up; stop it with Ctrl-C there, or "kill ${pid}".`);
    }
  }
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, marker), `${JSON.stringify({ what: contents })}\n`);
}

/** Whether the process lives and is a millrace: pids are used again. */
function isServer(pid: number): boolean {
  const { status, stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && /main\.[jt]s up/.test(stdout);
}

function pidIn(path: string): number {
  return Number(readFileSync(path, 'utf8').trim());
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

function anyPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
