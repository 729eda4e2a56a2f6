import { connect, type Socket } from 'node:net';
import type { LoadPlan, LoadResult } from './load.ts';

/**
 * The sending process: raw sockets and the least parsing that HTTP/1.1 keep-alive answers need, so that it costs
 * little beside the server that it measures.
 */
process.once('message', (plan) => {
  void run(plan as LoadPlan).then((result) => {
    process.send?.(result, () => process.exit(0));
  });
});

const ANSWER_TIMEOUT_MS = 60_000;
const FIRST_NUMBER = 100_000_000;
/** As long as the numbers that take its place. */
const NUMBER_MARK = '#########';
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');

async function run(plan: LoadPlan): Promise<LoadResult> {
  const requests = encode(plan);
  const latencies: number[] = [];
  const failures: Record<string, number> = {};
  const beginMs = performance.now() + (plan.warmUpMs ?? 0);
  const endMs = beginMs + plan.durationMs;
  let sent = 0;

  /** Sends one request, and notes how long after its planned time the answer was there. */
  const send = async (connection: Connection, plannedMs: number): Promise<Connection> => {
    const request = requests[sent % requests.length]!;
    const status = await connection.exchange(numbered(request, FIRST_NUMBER + sent++));
    const doneMs = performance.now();
    if (doneMs >= beginMs && doneMs < endMs) {
      latencies.push(doneMs - plannedMs);
      if (status < 200 || status > 299) failures[status] = (failures[status] ?? 0) + 1;
    }
    return connection.closed ? Connection.open(plan.url) : connection;
  };
  const open = await Promise.all(Array.from({ length: plan.connections }, () => Connection.open(plan.url)));
  const { ratePerSecond } = plan;
  if (ratePerSecond === undefined) {
    const closedLoop = async (connection: Connection): Promise<void> => {
      let current = connection;
      while (performance.now() < endMs) current = await send(current, performance.now());
      current.close();
    };
    await Promise.all(open.map(closedLoop));
  } else {
    await openLoop(open, send, { intervalMs: 1000 / ratePerSecond, endMs });
  }

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

interface EncodedRequest {
  readonly bytes: Buffer;
  /** Where the request's number stands. */
  readonly numberAt: readonly number[];
}

function numbered({ bytes, numberAt }: EncodedRequest, number: number): Buffer {
  if (numberAt.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  const digits = String(number);
  for (const at of numberAt) copy.write(digits, at, 'latin1');
  return copy;
}

function encode(plan: LoadPlan): readonly EncodedRequest[] {
  const { host, pathname, search } = new URL(plan.url);
  const bodies = plan.bodies ?? [''];
  const method = plan.method ?? (plan.bodies === undefined ? 'GET' : 'POST');
  return bodies.map((template) => {
    const body = plan.counter === undefined ? template : template.replaceAll(plan.counter, NUMBER_MARK);
    const content = Buffer.from(body, plan.bodyEncoding ?? 'utf8');
    const headers = {
      host,
      ...(plan.bodies === undefined ? {} : { 'content-type': 'application/json' }),
      ...plan.headers,
      'content-length': String(content.length),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`);
    const bytes = Buffer.concat([head, content]);
    const numberAt: number[] = [];
    for (let at = bytes.indexOf(NUMBER_MARK); at !== -1; at = bytes.indexOf(NUMBER_MARK, at + 1)) {
      numberAt.push(at);
    }
    return { bytes, numberAt };
  });
}

/**
 * Begins requests at fixed times on whatever connection is free, the one that waits longest for it first. It looks at
 * the clock in every turn of the event loop: a timer would be late by a millisecond.
 */
async function openLoop(
  free: Connection[],
  send: (connection: Connection, plannedMs: number) => Promise<Connection>,
  { intervalMs, endMs }: { readonly intervalMs: number; readonly endMs: number },
): Promise<void> {
  const all = free.length;
  let plannedMs = performance.now();
  while (performance.now() < endMs) {
    while (plannedMs <= performance.now()) {
      const connection = free.shift();
      if (!connection) break;
      void send(connection, plannedMs).then((next) => free.push(next));
      plannedMs += intervalMs;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (free.length < all) await new Promise((resolve) => setImmediate(resolve));
  for (const connection of free) connection.close();
}

class Connection {
  readonly #socket: Socket;
  #pending: ((status: number) => void) | undefined;
  #parts: Buffer[] = [];
  #receivedBytes = 0;
  #head: string | undefined;
  /** Undefined while the answer comes in chunks. */
  #answerBytes: number | undefined;
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
    this.#parts.push(part);
    this.#receivedBytes += part.length;
    if (this.#head === undefined) {
      const start = Buffer.concat(this.#parts);
      const headEnd = start.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      this.#head = start.toString('latin1', 0, headEnd);
      const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head)?.[1];
      const isChunked = /\r\ntransfer-encoding: *chunked/i.test(this.#head);
      if (length === undefined && !isChunked) throw new Error(`an answer of no length:\n${this.#head}`);
      this.#answerBytes = length === undefined ? undefined : headEnd + 4 + Number(length);
    }
    // One answer at a time is under way, so the last chunk, or the length, ends what was received.
    const isWhole =
      this.#answerBytes === undefined
        ? Buffer.concat(this.#parts.slice(-2)).subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
        : this.#receivedBytes >= this.#answerBytes;
    if (!isWhole) return;
    if (/\r\nconnection: *close/i.test(this.#head)) this.closed = true;
    const status = Number(this.#head.slice(9, 12));
    this.#parts = [];
    this.#receivedBytes = 0;
    this.#head = undefined;
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
