import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { fail } from '../../../core/errors.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { TlsFiles } from '../http/tls-files.ts';
import { listen } from '../listen.ts';
import { Exchange, type ExchangeOptions, refuse, trailersOf } from './exchange.ts';
import { FrameReader } from './framing.ts';
import { Inbox } from './inbox.ts';
import type { Methods, StreamMethod, UnaryMethod } from './methods.ts';
import { GrpcError, grpcStatus } from './status.ts';

export interface GrpcServerOptions {
  readonly methods: Methods;
  readonly logger: Logger;
  /** Largest message that is read, after expansion. */
  readonly limitBytes?: number;
  /** With it the server speaks TLS alone, HTTP/2 by ALPN. */
  readonly tls?: TlsFiles;
  /** How long callers have to hear that the server goes away before it takes no new calls. */
  readonly noticeMs?: number;
  /** How long calls that are under way then have to end. */
  readonly drainMs?: number;
}

const defaultLimitBytes = 64 * 1024 * 1024;
const windowBytes = 4 * 1024 * 1024;
const mostStreams = 1000;
const sessionMemoryMb = 256;
const defaultNoticeMs = 500;
const defaultDrainMs = 3000;
/** After so much of it answers in pieces are broken off, so that their callers can still be told. */
const drainShare = 0.8;
/** A connection that does not answer a ping for so long is dead. */
const keepAliveMs = 60_000;
const lastStreamId = 2 ** 31 - 1;

/**
 * gRPC over HTTP/2, with TLS where a certificate is given: unary and streaming methods, deadlines, compression, errors as trailers. Closing it
 * tells the callers first, so that no call is lost: what comes meanwhile is answered still.
 */
export class GrpcServer {
  readonly #methods: Methods;
  readonly #server: Http2Server | Http2SecureServer;
  readonly #exchangeOptions: ExchangeOptions;
  readonly #noticeMs: number;
  readonly #drainMs: number;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #streams = new Map<Exchange, () => void>();
  readonly #keepAlive: NodeJS.Timeout;
  #draining = false;

  constructor({ methods, logger, limitBytes, noticeMs, drainMs, tls }: GrpcServerOptions) {
    this.#methods = methods;
    this.#noticeMs = noticeMs ?? defaultNoticeMs;
    this.#drainMs = drainMs ?? defaultDrainMs;
    this.#exchangeOptions = {
      limitBytes: limitBytes ?? defaultLimitBytes,
      onUnforeseen: (error, path) => logger.error({ err: error, path }, 'a gRPC call failed'),
      onEnd: (exchange) => this.#streams.delete(exchange),
    };
    const http2 = {
      maxSessionMemory: sessionMemoryMb,
      settings: { maxConcurrentStreams: mostStreams, initialWindowSize: windowBytes },
    };
    this.#server = tls ? createSecureServer({ ...http2, ...tls.options }) : createServer(http2);
    if (tls && 'setSecureContext' in this.#server) tls.attach(this.#server);
    this.#server.on('session', (session) => this.#onSession(session));
    this.#server.on('stream', (stream, headers) => this.#onStream(stream, headers));
    // A connection that speaks something else is closed by node; there is nothing to tell.
    this.#server.on('sessionError', () => undefined);
    this.#server.on('unknownProtocol', (socket) => socket.destroy());
    this.#keepAlive = setInterval(() => this.#pingAll(), keepAliveMs).unref();
  }

  /**
   * Listens and returns the port in use. Throws `port_taken`.
   *
   * @param setting how the user names another port, for the message
   */
  listen(host: string, port: number, setting: string): Promise<number> {
    return listen(this.#server, host, port, setting);
  }

  /**
   * Tells every caller that the server goes away, answers what still comes until they know, then what is under way,
   * and returns when all of it is answered. Streams end with UNAVAILABLE after their messages are answered; callers
   * that do not end what they began are cut off after a while.
   */
  async close(): Promise<void> {
    this.#draining = true;
    clearInterval(this.#keepAlive);
    await Promise.all([...this.#sessions].map((session) => this.#giveNotice(session)));
    for (const drain of this.#streams.values()) drain();
    const timer = setTimeout(() => {
      for (const session of this.#sessions) session.destroy();
    }, this.#drainMs);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const session of this.#sessions) session.close();
    });
    clearTimeout(timer);
  }

  /** GOAWAY with the highest stream, and a ping behind it: once that is answered, the caller opens no new streams. */
  #giveNotice(session: ServerHttp2Session): Promise<void> {
    if (session.closed || session.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#noticeMs);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      session.once('close', done);
      session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamId);
      if (!session.ping(done)) done();
    });
  }

  #onSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.setLocalWindowSize(windowBytes);
    session.on('error', () => undefined);
    session.once('close', () => this.#sessions.delete(session));
    if (this.#draining) void this.#giveNotice(session).then(() => session.close());
  }

  #pingAll(): void {
    for (const session of this.#sessions) {
      const timer = setTimeout(() => session.destroy(), keepAliveMs / 2).unref();
      if (session.destroyed || !session.ping(() => clearTimeout(timer))) clearTimeout(timer);
    }
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', ignore);
    const type = headers['content-type'];
    if (headers[':method'] !== 'POST' || !type?.startsWith('application/grpc')) {
      const status = headers[':method'] === 'POST' ? 415 : 405;
      stream.respond({ ':status': status }, { endStream: true });
      stream.resume();
      return;
    }
    const path = String(headers[':path']);
    const method = this.#methods.get(path);
    if (!method) {
      const error = new GrpcError(grpcStatus.unimplemented, `there is no method ${path.slice(0, 200)}`);
      refuse(stream, trailersOf(error));
      return;
    }
    let exchange: Exchange;
    try {
      exchange = new Exchange(stream, headers, this.#exchangeOptions);
    } catch (error) {
      refuse(stream, trailersOf(error));
      return;
    }
    if (method.kind === 'unary') readUnary(stream, exchange, method);
    else this.#runStream(stream, exchange, method);
  }

  #runStream(stream: ServerHttp2Stream, exchange: Exchange, method: StreamMethod): void {
    const inbox = new Inbox(stream, exchange, method.request);
    const over = new AbortController();
    const gone = new AbortController();
    let drained = false;
    stream.once('close', () => {
      over.abort();
      gone.abort();
    });
    this.#streams.set(exchange, () => {
      drained = true;
      setTimeout(() => gone.abort(fail('stream_stopped', {})), this.#drainMs * drainShare).unref();
      inbox.close();
      over.abort();
    });
    const { headers, receivedAtMs, startedMs, timeoutMs } = exchange;
    const call = {
      headers,
      receivedAtMs,
      startedMs,
      timeoutMs,
      messages: inbox,
      signal: over.signal,
      gone: gone.signal,
      send: (message: object) => exchange.send(method.response.encode(message)),
    };
    method.run(call).then(
      () => (drained ? exchange.fail(goingAway()) : exchange.finish()),
      (error) => exchange.fail(error),
    );
  }
}

function ignore(): void {}

function goingAway(): GrpcError {
  return new GrpcError(grpcStatus.unavailable, 'the server goes away; open the stream again');
}

/** Reads the one message of a unary call and answers it. */
function readUnary(stream: ServerHttp2Stream, exchange: Exchange, method: UnaryMethod): void {
  const reader = new FrameReader(exchange.limitBytes);
  const frames: ReturnType<FrameReader['push']>[number][] = [];
  stream.on('data', (part: Buffer) => {
    if (exchange.over) return;
    try {
      frames.push(...reader.push(part));
    } catch (error) {
      exchange.fail(error);
    }
  });
  stream.on('end', () => {
    if (exchange.over) return;
    const [frame] = frames;
    if (!frame || frames.length > 1 || !reader.empty) {
      const text = `the call has ${frames.length} whole messages${reader.empty ? '' : ' and part of another'}; it must have one`;
      return exchange.fail(new GrpcError(grpcStatus.invalidArgument, text));
    }
    try {
      const message = exchange.read(frame, method.request);
      if (message instanceof Promise) {
        message.then((read) => answerUnary(exchange, method, read)).catch((error) => exchange.fail(error));
      } else {
        answerUnary(exchange, method, message);
      }
    } catch (error) {
      exchange.fail(error);
    }
  });
}

function answerUnary(exchange: Exchange, method: UnaryMethod, message: object): void {
  const answer = method.answer(message, exchange);
  if (answer instanceof Promise) {
    answer
      .then((made) => exchange.answer(method.response.encode(made)))
      .catch((error) => exchange.fail(error));
  } else {
    exchange.answer(method.response.encode(answer));
  }
}
