import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpAnswer } from './answer.ts';
import { type RequestHead, RequestHeads } from './request-head.ts';
import { latin1Body, ResponseHeads } from './response-text.ts';

export interface PlainConnectionsOptions {
  readonly headerBytes: number;
  readonly bodyBytes: number;
  /** How long a new connection has for its first bytes; 0: for ever. */
  readonly headersTimeoutMs: number;
  /** How long a connection may be idle between requests, as callers are told; it is closed a second later. */
  readonly keepAliveMs: number;
  /** Whether a whole request is answered here; node:http gets the others, and their connection. */
  readonly takes: (head: RequestHead, body: Buffer) => boolean;
  /** Whether the rest of a body is waited for here; node:http tells of a request as soon as its head is there. */
  readonly waits: (head: RequestHead) => boolean;
  /**
   * Answers a request in one piece, errors too: it never rejects.
   *
   * @param hasLeft whether the caller has gone
   */
  readonly answer: (head: RequestHead, body: Buffer, hasLeft: () => boolean) => Promise<HttpAnswer>;
  /** Whether connections end with their next answer. */
  readonly draining: () => boolean;
}

/** For requests that leave their caller at the last moment; node:http has the same. */
const keepAliveBufferMs = 1000;

type HandOver = (socket: Socket) => void;

/** How long the rest of a body may be on its way before node:http, which has limits for that, waits for it. */
const patienceMs = 1000;
/**
 * How long a caller that sends no more is believed to wait for its answer: one that closes its connection, as after a
 * time-out of its own, looks the same.
 */
const halfClosedMs = 1000;
/** Bytes of later requests that are taken while one is being answered. */
const mostAhead = 64 * 1024;
const emptyLine = '\r\n\r\n';
const nothing = Buffer.alloc(0);

/**
 * Answers plain HTTP/1.1 requests without node:http, whose objects and events are a sixth of the time of a prediction of
 * one row. It reads what `RequestHeads` knows for certain. At the first request that is anything else (and at half of
 * one that keeps us waiting) the connection goes to node:http with all bytes that were not answered, and stays there:
 * that one knows the whole of HTTP, and its limits.
 */
export class PlainConnections {
  readonly #open = new Map<Socket, PlainConnection>();

  /** Takes the connections of a server, in front of its own reading of them. */
  constructor(server: Server, secure: boolean, options: PlainConnectionsOptions) {
    const heads = new RequestHeads();
    const responses = new ResponseHeads();
    const event = secure ? 'secureConnection' : 'connection';
    const [own] = server.listeners(event) as [HandOver];
    server.off(event, own);
    server.on(event, (socket: Socket) => {
      const connection = new PlainConnection(socket, options, heads, responses, {
        toNode: () => {
          this.#open.delete(socket);
          own.call(server, socket);
        },
        broken: (error) => server.emit('clientError', error, socket),
      });
      this.#open.set(socket, connection);
      socket.once('close', () => this.#open.delete(socket));
    });
  }

  /** Whether a whole request is being answered on a connection. */
  isAnswering(socket: Socket): boolean {
    return this.#open.get(socket)?.isAnswering ?? false;
  }

  /** Ends the connections on which nothing is under way, and leaves halves of requests to node:http. */
  closeIdle(): void {
    for (const connection of this.#open.values()) connection.closeIfIdle();
  }
}

interface Ways {
  readonly toNode: () => void;
  readonly broken: (error: NodeJS.ErrnoException) => void;
}

class PlainConnection {
  readonly #socket: Socket;
  readonly #options: PlainConnectionsOptions;
  readonly #heads: RequestHeads;
  readonly #responses: ResponseHeads;
  readonly #ways: Ways;
  readonly #keepAlive: string;
  /** Bytes that came and belong to no answered request; in several pieces only while a body is incomplete. */
  #ahead: Buffer[] = [];
  #aheadBytes = 0;
  /** How many there must be before it is worth looking again. */
  #wanted = 0;
  #patience: NodeJS.Timeout | null = null;
  #answering = false;
  /** It ends with the next answer. */
  #closes = false;
  #endedMs: number | null = null;

  constructor(
    socket: Socket,
    options: PlainConnectionsOptions,
    heads: RequestHeads,
    responses: ResponseHeads,
    ways: Ways,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#heads = heads;
    this.#responses = responses;
    this.#ways = ways;
    this.#keepAlive = `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(options.keepAliveMs / 1000)}`;
    socket.setTimeout(options.headersTimeoutMs);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', this.#onError);
    socket.once('close', () => this.#stopWaiting());
  }

  get isAnswering(): boolean {
    return this.#answering;
  }

  closeIfIdle(): void {
    if (this.#answering) return;
    if (this.#aheadBytes > 0) this.#handOver();
    else if (this.#socket.bytesRead > 0) this.#socket.destroySoon();
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#ahead.push(bytes);
    this.#aheadBytes += bytes.length;
    if (this.#answering) {
      if (this.#aheadBytes > mostAhead) this.#socket.pause();
    } else if (this.#aheadBytes >= this.#wanted) this.#next();
  };

  /** Answers the request at the front of what came, or waits for the rest of its body, or hands over. */
  #next(): void {
    const [first = nothing] = this.#ahead;
    const bytes = this.#ahead.length > 1 ? Buffer.concat(this.#ahead, this.#aheadBytes) : first;
    const { headerBytes, bodyBytes } = this.#options;
    const headEnd = bytes.indexOf(emptyLine, 0, 'latin1');
    const head =
      headEnd < 0 || headEnd > headerBytes ? null : this.#heads.read(bytes.toString('latin1', 0, headEnd));
    this.#ahead = [bytes];
    if (!head || head.bodyBytes > bodyBytes) {
      this.#handOver();
      return;
    }
    const bodyStart = headEnd + emptyLine.length;
    const end = bodyStart + head.bodyBytes;
    if (bytes.length < end) {
      this.#waitFor(end, head);
      return;
    }
    const body = bytes.subarray(bodyStart, end);
    // What follows a request that ends its connection is a mistake, and node:http's to tell.
    if ((head.closes && bytes.length > end) || !this.#options.takes(head, body)) {
      this.#handOver();
      return;
    }
    this.#stopWaiting();
    this.#wanted = 0;
    this.#aheadBytes = bytes.length - end;
    this.#ahead = this.#aheadBytes > 0 ? [bytes.subarray(end)] : [];
    this.#answering = true;
    this.#closes = head.closes;
    void this.#options.answer(head, body, this.#hasLeft).then(this.#send);
  }

  #waitFor(end: number, head: RequestHead): void {
    if (this.#endedMs !== null || !this.#options.waits(head)) {
      this.#handOver();
      return;
    }
    this.#wanted = end;
    this.#patience ??= setTimeout(() => this.#handOver(), patienceMs);
  }

  readonly #send = (answer: HttpAnswer): void => {
    const socket = this.#socket;
    this.#answering = false;
    if (socket.destroyed) return;
    const last =
      this.#closes || this.#options.draining() || (this.#endedMs !== null && this.#aheadBytes === 0);
    const connection = last ? 'connection: close' : this.#keepAlive;
    const text = latin1Body(answer);
    if (text !== null) {
      socket.write(this.#responses.write(answer, text.length, connection) + text, 'latin1');
    } else {
      socket.cork();
      socket.write(this.#responses.write(answer, Buffer.byteLength(answer.body), connection), 'latin1');
      socket.write(answer.body);
      socket.uncork();
    }
    if (last) socket.destroySoon();
    else this.#goOn();
  };

  /** Takes what came meanwhile, once the caller takes its answers. */
  #goOn(): void {
    const socket = this.#socket;
    const idleMs = this.#options.keepAliveMs + keepAliveBufferMs;
    if (socket.timeout !== idleMs) socket.setTimeout(idleMs);
    if (this.#aheadBytes === 0) return;
    if (socket.writableNeedDrain) {
      this.#answering = true;
      socket.once('drain', () => {
        this.#answering = false;
        this.#goOn();
      });
      return;
    }
    socket.resume();
    this.#next();
  }

  #handOver(): void {
    const socket = this.#socket;
    this.#stopWaiting();
    // A stream that has ended takes nothing back.
    if (this.#endedMs !== null) {
      this.#cutOff();
      return;
    }
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('timeout', this.#onTimeout);
    socket.off('error', this.#onError);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(Buffer.concat(this.#ahead, this.#aheadBytes));
    this.#ways.toNode();
    process.nextTick(() => socket.resume());
  }

  #stopWaiting(): void {
    if (this.#patience) clearTimeout(this.#patience);
    this.#patience = null;
  }

  readonly #hasLeft = (): boolean =>
    this.#socket.destroyed || (this.#endedMs !== null && performance.now() - this.#endedMs > halfClosedMs);

  /** The caller sends no more; what it asked for it gets. */
  readonly #onEnd = (): void => {
    this.#endedMs = performance.now();
    if (this.#answering) return;
    if (this.#aheadBytes === 0) this.#socket.end();
    else this.#cutOff();
  };

  #cutOff(): void {
    this.#ways.broken(httpError('the request is cut off', 'HPE_INVALID_EOF_STATE'));
  }

  readonly #onTimeout = (): void => {
    if (this.#answering || this.#aheadBytes > 0) return;
    if (this.#socket.bytesRead > 0) this.#socket.destroy();
    else this.#ways.broken(httpError('nothing came', 'ERR_HTTP_REQUEST_TIMEOUT'));
  };

  readonly #onError = (): void => {
    this.#socket.destroy();
  };
}

/** What node:http would say. */
function httpError(message: string, code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
