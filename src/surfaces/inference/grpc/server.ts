import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { fail } from '../../../core/errors.ts';
import type { ConnectionRoom } from '../../../platform/http/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { BodyRoom, uncountedBytes } from '../body-room.ts';
import { defaultHttpLimits, timeoutCheckMs } from '../http/limits.ts';
import type { TlsFiles } from '../http/tls-files.ts';
import { Http2Connection } from '../http2/connection.ts';
import { headerBlock } from '../http2/header-block.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { listen, takeWaiting } from '../listen.ts';
import { Exchange, type ExchangeOptions, refuse, trailersOf } from './exchange.ts';
import { type Frame, FrameReader } from './framing.ts';
import { Inbox } from './inbox.ts';
import type { Methods, StreamMethod, UnaryMethod } from './methods.ts';
import { GrpcError, grpcStatus } from './status.ts';

interface GrpcServerOptions {
  readonly methods: Methods;
  readonly logger: Logger;
  /** Largest message that is read, after expansion. */
  readonly limitBytes?: number;
  /** How long a unary call, or a message of a stream, may take to be whole; 0: for ever. */
  readonly requestTimeoutMs?: number;
  /** With it the server speaks TLS alone, HTTP/2 by ALPN. */
  readonly tls?: TlsFiles;
  /** Bounds the connections of the process; without it there are any number. */
  readonly room?: ConnectionRoom;
  /** Bounds the messages under way in the process; without it each is bounded alone. */
  readonly bodyRoom?: BodyRoom;
  /** How long callers have to hear that the server goes away before it takes no new calls. */
  readonly noticeMs?: number;
  /** How long new connections are taken then: who was told connects anew at once, perhaps to the same address. */
  readonly takingMs?: number;
  /** How long calls that are under way then have to end. */
  readonly drainMs?: number;
}

const defaultLimitBytes = 64 * 1024 * 1024;
const mostStreams = 1000;
const handshakeMs = 10_000;
const defaultNoticeMs = 500;
const defaultTakingMs = 250;
const takingLookMs = 20;
const defaultDrainMs = 3000;
/** After so much of it answers in pieces are broken off, so that their callers can still be told. */
const drainShare = 0.8;
/** A connection that does not answer a ping for so long is dead. */
const keepAliveMs = 60_000;
const lastStreamId = 2 ** 31 - 1;
const unsupportedType = headerBlock({ ':status': '415' });
const notAllowed = headerBlock({ ':status': '405' });

/**
 * gRPC over HTTP/2, with TLS where a certificate is given: unary and streaming methods, deadlines, compression, errors
 * as trailers. Closing it tells the callers first, so that no call is lost: what comes meanwhile is answered still.
 */
export class GrpcServer {
  readonly #methods: Methods;
  readonly #server: Server;
  readonly #exchangeOptions: ExchangeOptions;
  readonly #noticeMs: number;
  readonly #takingMs: number;
  readonly #drainMs: number;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<Http2Connection>();
  readonly #streams = new Map<Exchange, () => void>();
  /** Calls of which all messages that will be answered are there, until they are. */
  readonly #answering = new Map<Exchange, Http2Connection>();
  readonly #keepAlive: NodeJS.Timeout;
  readonly #look: NodeJS.Timeout;
  #draining = false;

  constructor(options: GrpcServerOptions) {
    const { methods, logger, limitBytes, noticeMs, takingMs, drainMs, tls, room, bodyRoom } = options;
    const { requestTimeoutMs = defaultHttpLimits.requestTimeoutMs } = options;
    this.#methods = methods;
    this.#noticeMs = noticeMs ?? defaultNoticeMs;
    this.#takingMs = takingMs ?? defaultTakingMs;
    this.#drainMs = drainMs ?? defaultDrainMs;
    this.#exchangeOptions = {
      limitBytes: limitBytes ?? defaultLimitBytes,
      requestTimeoutMs: requestTimeoutMs || Number.POSITIVE_INFINITY,
      bodyRoom: bodyRoom ?? new BodyRoom(Number.POSITIVE_INFINITY, ''),
      onUnforeseen: (error, path) => logger.error({ err: error, path }, 'a gRPC call failed'),
      onEnd: (exchange) => {
        this.#streams.delete(exchange);
        this.#answering.delete(exchange);
      },
    };
    const take = (socket: Socket) => this.#onConnection(socket);
    if (tls) {
      const server = createTlsServer(
        { ...tls.options, ALPNProtocols: ['h2'], handshakeTimeout: handshakeMs, noDelay: true },
        take,
      );
      server.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy());
      tls.attach(server);
      this.#server = server;
    } else this.#server = createServer({ noDelay: true }, take);
    room?.guard(this.#server);
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#keepAlive = setInterval(() => this.#pingAll(), keepAliveMs).unref();
    this.#look = setInterval(() => {
      const nowMs = performance.now();
      for (const connection of this.#connections) connection.look(nowMs);
    }, timeoutCheckMs).unref();
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
   * and returns when all of it is answered, however long that takes. Streams end with UNAVAILABLE after their messages
   * are answered; callers that do not end what they began, or do not read, are cut off after a while.
   */
  async close(): Promise<void> {
    this.#draining = true;
    clearInterval(this.#keepAlive);
    const untilMs = performance.now() + this.#takingMs;
    await Promise.all([...this.#connections].map((connection) => this.#giveNotice(connection)));
    this.#closeGreeted();
    while (this.#connections.size > 0 && performance.now() < untilMs) await sleep(takingLookMs);
    this.#closeGreeted();
    const answerTaken = await takeWaiting(this.#server, this.#takingMs);
    const timer = setInterval(() => this.#cutUnfinished(), this.#drainMs);
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    await answerTaken();
    // Of one that has not spoken yet the first calls are on their way.
    for (const connection of this.#connections) setTimeout(() => connection.close(), this.#noticeMs);
    await closed;
    clearInterval(timer);
    clearInterval(this.#look);
  }

  #closeGreeted(): void {
    for (const drain of this.#streams.values()) drain();
    for (const connection of this.#connections) if (connection.greeted) connection.close();
  }

  #cutUnfinished(): void {
    // Those that only have to be read end by themselves.
    const answering = new Set([...this.#connections].filter((connection) => connection.isEnding));
    for (const [exchange, connection] of this.#answering) if (!exchange.heldBack) answering.add(connection);
    for (const connection of this.#connections) if (!answering.has(connection)) connection.destroy();
    if (answering.size === 0) for (const socket of this.#sockets) socket.destroy();
  }

  /** GOAWAY with the highest stream, and a ping behind it: once that is answered, the caller opens no new streams. */
  #giveNotice(connection: Http2Connection): Promise<void> {
    if (!connection.greeted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#noticeMs);
      connection.goaway(lastStreamId);
      connection.ping(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #onConnection(socket: Socket): void {
    const connection: Http2Connection = new Http2Connection(socket, {
      onGreeted: () => {
        if (this.#draining) void this.#giveNotice(connection).then(() => connection.close());
      },
      onStream: (stream) => this.#onStream(stream, connection),
      mostStreams,
    });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  #pingAll(): void {
    for (const connection of this.#connections) {
      if (!connection.greeted) continue;
      const timer = setTimeout(() => connection.destroy(), keepAliveMs / 2).unref();
      connection.ping(() => clearTimeout(timer));
    }
  }

  #onStream(stream: Http2Stream, connection: Http2Connection): void {
    const { headers } = stream;
    const type = headers['content-type'];
    if (headers[':method'] !== 'POST' || !type?.startsWith('application/grpc')) {
      stream.respond(headers[':method'] === 'POST' ? unsupportedType : notAllowed, true);
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
      exchange = new Exchange(stream, this.#exchangeOptions);
    } catch (error) {
      refuse(stream, trailersOf(error));
      return;
    }
    if (method.kind === 'unary')
      readUnary(stream, exchange, method, () => this.#answering.set(exchange, connection));
    else this.#runStream(stream, exchange, method, () => this.#answering.set(exchange, connection));
  }

  #runStream(stream: Http2Stream, exchange: Exchange, method: StreamMethod, onWhole: () => void): void {
    const inbox = new Inbox(stream, exchange, method.request);
    const over = new AbortController();
    const gone = new AbortController();
    let drained = false;
    stream.reader = {
      onData: (part) => inbox.take(part),
      onEnd: () => inbox.end(),
      onLook: (nowMs) => inbox.look(nowMs),
      onClose: () => {
        inbox.close();
        over.abort();
        gone.abort();
        exchange.close();
      },
    };
    this.#streams.set(exchange, () => {
      drained = true;
      setTimeout(() => gone.abort(fail('stream_stopped', {})), this.#drainMs * drainShare).unref();
      inbox.close();
      over.abort();
      onWhole();
    });
    const { headers, receivedAtMs, startedMs, timeoutMs, hasLeft } = exchange;
    const call = {
      headers,
      receivedAtMs,
      startedMs,
      timeoutMs,
      hasLeft,
      messages: inbox,
      lastIsLarge: () => inbox.lastIsLarge,
      signal: over.signal,
      gone: gone.signal,
      send: (message: object) => exchange.send(method.response.encode(message)),
    };
    const run = method.run(call).then(
      () => (drained ? exchange.fail(goingAway()) : exchange.finish()),
      (error) => exchange.fail(error),
    );
    exchange.holdUntil(run);
  }
}

function goingAway(): GrpcError {
  return new GrpcError(grpcStatus.unavailable, 'the server goes away; open the stream again');
}

/**
 * Reads the one message of a unary call and answers it.
 *
 * @param onWhole called when the message is there, before it is answered
 */
function readUnary(stream: Http2Stream, exchange: Exchange, method: UnaryMethod, onWhole: () => void): void {
  const reader = new FrameReader(exchange.limitBytes);
  const frames: Frame[] = [];
  const onData = (part: Buffer) => {
    if (exchange.over) return;
    try {
      frames.push(...reader.push(part));
      if (frames.length > 1) throw notOneMessage(frames.length, reader);
      exchange.hold(reader.heldBytes + (frames[0]?.bytes.length ?? 0));
    } catch (error) {
      frames.length = 0;
      exchange.fail(error);
    }
  };
  const onEnd = () => {
    if (exchange.over) return;
    const [frame] = frames;
    if (!frame || !reader.empty) {
      return exchange.fail(notOneMessage(frames.length, reader));
    }
    onWhole();
    try {
      const message = exchange.read(frame, method.request);
      const answered =
        message instanceof Promise
          ? message.then((read) => answerUnary(exchange, method, read)).catch((error) => exchange.fail(error))
          : answerUnary(exchange, method, message);
      if (answered && (frame.compressed || frame.bytes.length > uncountedBytes)) exchange.holdUntil(answered);
    } catch (error) {
      exchange.fail(error);
    }
  };
  const onLook = (nowMs: number) => {
    const late = exchange.over ? null : exchange.lateness(exchange.startedMs, nowMs);
    if (late) exchange.fail(late);
  };
  stream.reader = { onData, onEnd, onLook, onClose: () => exchange.close() };
}

function notOneMessage(whole: number, { empty }: FrameReader): GrpcError {
  const text = `the call has ${whole} whole messages${empty ? '' : ' and part of another'}; it must have one`;
  return new GrpcError(grpcStatus.invalidArgument, text);
}

/** Returns nothing where the answer is out already; the promise never rejects. */
function answerUnary(exchange: Exchange, method: UnaryMethod, message: object): Promise<void> | undefined {
  const answer = method.answer(message, exchange);
  if (answer instanceof Promise) {
    return answer
      .then((made) => exchange.answer(method.response.encode(made)))
      .catch((error) => exchange.fail(error));
  }
  exchange.answer(method.response.encode(answer));
  return undefined;
}
