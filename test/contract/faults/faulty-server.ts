import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { digestOf } from '../../../src/core/json.ts';
import type { Loop, Turn } from '../../../src/loop/index.ts';
import { type Cleanup, startServer, type TestServer } from '../../support/server.ts';

const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

/** What a fault must look like: its code, and a message that names the thing. */
interface Fault {
  readonly status: number;
  readonly code: string;
  readonly detail: RegExp;
  /** Part of the next step, where it must name something too. */
  readonly next?: RegExp;
}

/** A server without Python, a folder with data, and the ways to ask for what must be refused. */
export class FaultyServer {
  readonly server: TestServer;
  readonly folder: string;

  private constructor(server: TestServer, folder: string) {
    this.server = server;
    this.folder = folder;
  }

  static async start(cleanup: Cleanup): Promise<FaultyServer> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-faults-'));
    cleanup.after(() => rm(folder, { recursive: true, force: true }));
    const server = await startServer(cleanup, { env: { MILLRACE_PYTHON: '/nowhere/python' } });
    const rows = Array.from({ length: 300 }, (_, i) => {
      const [x1, x2] = [((i * 37) % 21) / 10 - 1, ((i * 53) % 19) / 10 - 0.9];
      const late = x1 - x2 + (((i * 71) % 13) / 13 - 0.5) > 0 ? 1 : 0;
      return `r${i},${new Date(Date.UTC(2001, 0, 1, i)).toISOString()},${x1},${x2},${late}`;
    });
    await writeFile(join(folder, 'rows.csv'), ['id,date,x1,x2,late', ...rows].join('\n'));
    return new FaultyServer(server, folder);
  }

  /** Sends JSON (text goes as it is) and returns status and answer. */
  async send(
    path: string,
    body?: unknown,
    method = body === undefined ? 'GET' : 'POST',
    base = this.server.url,
  ) {
    const response = await fetch(base + path, {
      method,
      ...(body === undefined
        ? {}
        : {
            body: typeof body === 'string' ? body : JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          }),
    });
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
  }

  async get<T>(path: string): Promise<T> {
    const { status, answer } = await this.send(path);
    assert.equal(status, 200, JSON.stringify(answer));
    return answer as T;
  }

  /** The request is refused as RFC 9457 has it, with our code and next step. */
  async refused(fault: Fault, path: string, body?: unknown, method?: string): Promise<void> {
    const { status, answer } = await this.send(path, body, method);
    assert.equal(answer.code, fault.code, JSON.stringify(answer));
    assert.equal(status, fault.status);
    assert.equal(answer.status, status);
    assert.equal(answer.type, `urn:millrace:error:${fault.code}`);
    assert.match(String(answer.detail), fault.detail);
    assert.match(String(answer.next), fault.next ?? /\w+ \w+/);
  }

  /** Starts a role that must not come up; resolves with its exit code and the line that says why. */
  async refusedStart(args: readonly string[], env: Readonly<Record<string, string>>) {
    const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_'));
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
      env: { ...Object.fromEntries(clean), MILLRACE_LOG_FORMAT: 'json', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), 120_000);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    clearTimeout(limit);
    const line = text.split('\n').find((each) => each.includes('"level":60')) ?? '{}';
    const { msg = '', code: name = '' } = JSON.parse(line) as { msg?: string; code?: string };
    return { exitCode: code, code: name, message: msg || text };
  }

  async registerRows(): Promise<void> {
    const source = { path: join(this.folder, 'rows.csv') };
    const roles = { time: 'date', entity: 'id', label: 'late' };
    const { answer } = await this.send('/api/v1/dataset-versions', { dataset: 'rows', source, ...roles });
    assert.ok(answer.version, JSON.stringify(answer));
  }

  /** Applies a loop of its own for a training command, with the code that it needs. */
  async apply(
    loop: string,
    run: string,
    code: Readonly<Record<string, string | Uint8Array>> = {},
    timeout = '30s',
  ): Promise<void> {
    const files = await Promise.all(
      Object.entries(code).map(async ([path, content]) => {
        const digest = digestOf(content);
        const body = content as NonNullable<RequestInit['body']>;
        await fetch(`${this.server.url}/api/v1/blobs/${digest}`, { method: 'PUT', body });
        return { path, digest };
      }),
    );
    const text = JSON.stringify({
      loop,
      data: { source: 'dataset:rows', time: 'date', entity: 'id', label: { column: 'late', positive: '1' } },
      train: { run, timeout },
    });
    const { status, answer } = await this.send('/api/v1/loops', { text, files });
    assert.equal(status, 200, JSON.stringify(answer));
  }

  /** Waits until a turn of the loop has ended, and returns it. */
  async ended(loop: string, number = 1): Promise<Turn> {
    for (;;) {
      const { lastTurn, activeTurn } = await this.get<Loop>(`/api/v1/loops/${loop}`);
      if (lastTurn?.number === number && !activeTurn) return this.get<Turn>(`/api/v1/turns/${lastTurn.id}`);
      await sleep(50);
    }
  }

  /** A turn that failed says in which state, why, and can go on from there. */
  async turnFails(loop: string, state: string, code: string, message: RegExp): Promise<void> {
    const turn = await this.ended(loop);
    assert.equal(turn.state, 'failed', turn.reason);
    assert.equal(turn.failure?.code, code, turn.failure?.message);
    assert.equal(turn.failure?.state, state);
    assert.match(turn.failure?.message ?? '', message);
    const standing = await this.get<Loop>(`/api/v1/loops/${loop}`);
    assert.equal(standing.state, 'active');
    const { status, answer } = await this.send(`/api/v1/turns/${turn.id}/retry`, { reason: 'once more' });
    assert.equal(status, 200, JSON.stringify(answer));
    assert.equal((answer as unknown as Turn).state, state, 'it goes on where it failed');
  }
}
