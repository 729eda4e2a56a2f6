import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onCore } from '../support/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const python = join(root, '.venv/bin/python');
const peersBin = join(root, '.venv-serving/bin');

export function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Another server of the same model, as its documentation says to start it for one core. */
export interface Peer {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** The request of the rows, in the peer's own protocol. */
  readonly body: (rows: readonly (readonly number[])[]) => string;
  readonly stop: () => Promise<void>;
}

export const peerNames = ['mlserver', 'mlserver-no-pool', 'litserve', 'bentoml', 'mlflow'] as const;
export type PeerName = (typeof peerNames)[number];

interface Start {
  readonly command: readonly string[];
  readonly path: string;
  readonly body: Peer['body'];
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const oneRowObject = (rows: readonly (readonly number[])[]) => JSON.stringify({ data: rows });

const starts: Readonly<Record<PeerName, (folder: string, port: number) => Start>> = {
  mlserver: (folder, port) => startOfMlServer(folder, port, {}),
  'mlserver-no-pool': (folder, port) => startOfMlServer(folder, port, { parallel_workers: 0 }),
  litserve: (folder, port) => ({
    command: [join(peersBin, 'python'), script('peer_litserve.py'), join(folder, 'model.onnx'), String(port)],
    path: '/predict',
    body: oneRowObject,
  }),
  bentoml: (folder, port) => ({
    command: [
      join(peersBin, 'bentoml'),
      'serve',
      'peer_bentoml:Forest',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
    ],
    path: '/predict',
    body: oneRowObject,
    cwd: script('.'),
    environment: { BENCH_MODEL: join(folder, 'model.onnx'), BENTOML_DO_NOT_TRACK: 'True', DO_NOT_TRACK: '1' },
  }),
  mlflow: (folder, port) => ({
    command: [
      ...[python, '-m', 'mlflow', 'models', 'serve', '-m', join(folder, 'mlflow-model')],
      ...['-p', String(port), '-h', '127.0.0.1', '--env-manager', 'local', '--workers', '1'],
    ],
    path: '/invocations',
    // It finds the server that it starts by PATH.
    environment: { PATH: `${dirname(python)}:${process.env.PATH ?? ''}` },
    body: (rows) => JSON.stringify({ inputs: rows }),
  }),
};

/** MLServer as it comes (the model in a pool of one worker process) but for the settings given, and without debug output. */
function startOfMlServer(folder: string, port: number, settings: Readonly<Record<string, number>>): Start {
  const cwd = join(folder, `mlserver-${port}`);
  mkdirSync(cwd, { recursive: true });
  const ports = { http_port: port, grpc_port: port + 1, metrics_port: port + 2, host: '127.0.0.1' };
  writeFileSync(join(cwd, 'settings.json'), JSON.stringify({ ...ports, debug: false, ...settings }));
  writeFileSync(
    join(cwd, 'model-settings.json'),
    JSON.stringify({ name: 'bench', implementation: 'peer_mlserver.Forest' }),
  );
  return {
    command: [join(peersBin, 'mlserver'), 'start', cwd],
    path: '/v2/models/bench/infer',
    cwd,
    environment: { PYTHONPATH: script('.'), BENCH_MODEL: join(folder, 'model.onnx') },
    body: (rows) =>
      JSON.stringify({
        inputs: [
          {
            name: 'features',
            datatype: 'FP32',
            shape: [rows.length, rows[0]?.length ?? 0],
            data: rows.flat(),
          },
        ],
      }),
  };
}

const startLimitMs = 120_000;

/** Starts a peer on a core, and waits until it answers a request. */
export async function startPeer(
  name: PeerName,
  folder: string,
  core: number,
  row: readonly number[],
): Promise<Peer> {
  const port = await freePort();
  const { command, path, body, environment, cwd } = starts[name](folder, port);
  const [program = '', ...args] = [...onCore(core), ...command];
  const child = spawn(program, args, {
    cwd: cwd ?? tmpdir(),
    // A group of its own: these servers start processes that would outlive them.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, OMP_NUM_THREADS: '1', GIT_PYTHON_REFRESH: 'quiet', ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4000);
    });
  }
  const peer = {
    name,
    url: `http://127.0.0.1:${port}${path}`,
    pid: child.pid ?? 0,
    body,
    stop: () => stopGroup(child),
  };
  const deadlineMs = performance.now() + startLimitMs;
  while (!(await answers(peer.url, body([row])))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      await peer.stop();
      throw new Error(`${name} does not answer:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return peer;
}

async function answers(url: string, body: string): Promise<boolean> {
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(5000) });
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}

/** Ends a process with all that it started. */
async function stopGroup(child: ChildProcess): Promise<void> {
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It is gone.
    }
  };
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit');
    signalGroup('SIGTERM');
    const timer = setTimeout(() => signalGroup('SIGKILL'), 5000);
    await exit;
    clearTimeout(timer);
  }
  signalGroup('SIGKILL');
}

/** A port with two free ones behind it, as far as one can know. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
