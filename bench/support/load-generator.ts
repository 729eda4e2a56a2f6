import { connect, type Socket } from 'node:net';
import type { LoadPlan, LoadResult } from './load.ts';

/**
 * The sending process: raw sockets and the least parsing that HTTP/1.1 keep-alive answers with a content-length
 * need, so that it costs little beside the server that it measures.
 */
process.once('message', (plan) => {
  void run(plan as LoadPlan).then((result) => {
    process.send?.(result, () => process.exit(0));
  });
});

const ANSWER_TIMEOUT_MS = 10_000;

async function run(plan: LoadPlan): Promise<LoadResult> {
  const requests = encode(plan);
  const latencies: number[] = [];
  const failures: Record<string, number> = {};
  const beginMs = performance.now() + (plan.warmUpMs ?? 0);
  const endMs = beginMs + plan.durationMs;
  const intervalMs = plan.ratePerSecond === undefined ? 0 : (1000 * plan.connections) / plan.ratePerSecond;
  let sent = 0;

  const one = async (index: number): Promise<void> => {
    let connection = await Connection.open(plan.url);
    let plannedMs = performance.now() + (intervalMs * index) / plan.connections;
    while (performance.now() < endMs) {
      if (intervalMs > 0) {
        await delay(plannedMs - performance.now());
      } else {
        plannedMs = performance.now();
      }
      const status = await connection.exchange(requests[sent++ % requests.length]!);
      const doneMs = performance.now();
      if (doneMs >= beginMs && doneMs < endMs) {
        latencies.push(doneMs - plannedMs);
        if (status < 200 || status > 299) failures[status] = (failures[status] ?? 0) + 1;
      }
      plannedMs += intervalMs;
      if (connection.closed) connection = await Connection.open(plan.url);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: plan.connections }, (_, index) => one(index)));

  const sorted = Float64Array.from(latencies).sort();
  const at = (ratio: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(ratio * sorted.length))] ?? NaN;
  return {
    requests: latencies.length,
    failures,
    requestsPerSecond: (1000 * latencies.length) / plan.durationMs,
    latencyMs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) ?? NaN },
  };
}

function encode(plan: LoadPlan): Buffer[] {
  const { host, pathname, search } = new URL(plan.url);
  const bodies = plan.bodies ?? [''];
  const method = plan.method ?? (plan.bodies === undefined ? 'GET' : 'POST');
  return bodies.map((body) => {
    const headers = {
      host,
      ...(plan.bodies === undefined ? {} : { 'content-type': 'application/json' }),
      ...plan.headers,
      'content-length': String(Buffer.byteLength(body)),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  });
}

async function delay(ms: number): Promise<void> {
  if (ms > 1) await new Promise((resolve) => setTimeout(resolve, ms - 1));
  else if (ms > 0) await new Promise((resolve) => setImmediate(resolve));
}

class Connection {
  readonly #socket: Socket;
  #pending: ((status: number) => void) | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  closed = false;

  static async open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url);
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 80),
      noDelay: true,
    });
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve);
      socket.once('error', () => resolve());
    });
    return new Connection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', (part) => this.#read(part));
    socket.on('error', () => this.#settle(0));
    socket.on('close', () => this.#settle(0));
    if (socket.destroyed) this.closed = true;
  }

  /** The status of the answer, 0 when the connection broke before it was whole. */
  exchange(request: Buffer): Promise<number> {
    if (this.closed) return Promise.resolve(0);
    return new Promise((resolve) => {
      this.#pending = resolve;
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(part: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? part : Buffer.concat([this.#buffer, part]);
    const headEnd = this.#buffer.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = this.#buffer.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? NaN);
    if (Number.isNaN(length)) throw new Error(`an answer without content-length:\n${head}`);
    if (this.#buffer.length < headEnd + 4 + length) return;
    this.#buffer = this.#buffer.subarray(headEnd + 4 + length);
    if (/\r\nconnection: *close/i.test(head)) this.closed = true;
    const status = Number(head.slice(9, 12));
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.(status);
  }

  #settle(status: number): void {
    this.closed = true;
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.(status);
  }
}
