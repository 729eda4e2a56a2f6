import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fail, MillraceError } from '../../core/errors.ts';
import type { ModelRepository, ServeReplica } from '../../lifecycle/serving/index.ts';
import type { ConnectionRoom } from '../../platform/http/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { Registry } from '../../platform/metrics/index.ts';
import type { SpanExporter } from '../../platform/tracing/index.ts';
import { Admission, type Leave } from './admission.ts';
import { BodyRoom, uncountedBytes } from './body-room.ts';
import { keyPageOf } from './docs/key-page.ts';
import { answerGet } from './get-routes.ts';
import type { HttpAnswer } from './http/answer.ts';
import { answerClientError, refuseTunnel } from './http/client-errors.ts';
import { PathTargets } from './http/endpoint-of-path.ts';
import { errorAnswer } from './http/error-answer.ts';
import { type EventAnswer, EventStreams } from './http/event-streams.ts';
import { defaultHttpLimits, type HttpLimits, timeoutCheckMs } from './http/limits.ts';
import { OpenSockets } from './http/open-sockets.ts';
import { PlainConnections } from './http/plain-connections.ts';
import { readBody } from './http/request-body.ts';
import type { RequestHead } from './http/request-head.ts';
import { traceRequest } from './http/request-span.ts';
import { latin1Body, smallBodyBytes } from './http/response-text.ts';
import type { TlsFiles } from './http/tls-files.ts';
import { allowedMethods } from './http/unknown-route.ts';
import { listen, takeWaiting } from './listen.ts';
import type { Peers } from './peers.ts';
import { answerPost, answersInOnePiece, type PostContext } from './post-routes.ts';
import { refusalCounter } from './refusal-counter.ts';
import { ServerSettings } from './server-settings.ts';
import { textTooLong } from './text-too-long.ts';
import { registerPeerMetrics } from './triton-metrics.ts';

export interface InferenceServerOptions {
  readonly replica: ServeReplica;
  readonly metrics: Registry;
  readonly logger: Logger;
  /** Version of the product, for the server's metadata. */
  readonly version: string;
  /** What the server calls itself in its metadata; `millrace` by default. */
  readonly name?: string;
  readonly bodyLimitBytes?: number;
  /** What else of HTTP is bounded; see defaultHttpLimits. */
  readonly http?: Partial<HttpLimits>;
  /** Bounds the connections of the process, shared by the protocols; without it there are any number. */
  readonly room?: ConnectionRoom;
  /** Bounds the bodies under way in the process, shared by the protocols; without it each is bounded alone. */
  readonly bodyRoom?: BodyRoom;
  /** With it the server speaks TLS, and only that. */
  readonly tls?: TlsFiles;
  /** Gets a span for each request whose caller records its trace. */
  readonly spans?: SpanExporter;
  /** Loads and unloads models where there is no control; without it control decides what is served. */
  readonly repository?: ModelRepository;
  /** Keys and limits of endpoints, shared by the protocols of one server. */
  readonly admission?: Admission;
  /** Other processes on the same port; left out where there are none. */
  readonly peers?: Peers;
  /** Trace and logging settings, shared by the protocols of one server. */
  readonly settings?: ServerSettings;
  /** Whether errors may quote values of requests and list the inputs of models; false by default. */
  readonly errorDetail?: boolean;
}

const keepAliveMs = 65_000;
/** How often a draining server looks whether its connections are gone. */
const drainLookMs = 10;

/** The serve role's HTTP server: Open Inference Protocol v2, MLflow's scoring protocol, health and metrics. */
export class InferenceServer {
  readonly #options: InferenceServerOptions;
  readonly #server: Server;
  readonly #sockets: OpenSockets;
  readonly #plain: PlainConnections;
  readonly #limits: HttpLimits;
  readonly #settings: ServerSettings;
  readonly #postContext: PostContext;
  readonly #admission: Admission;
  readonly #bodyRoom: BodyRoom;
  readonly #targets = new PathTargets();
  readonly #events = new EventStreams();
  readonly #refused: ReturnType<typeof refusalCounter>;
  #draining = false;

  constructor(options: InferenceServerOptions) {
    this.#options = options;
    const bodyBytes = options.bodyLimitBytes ?? options.http?.bodyBytes ?? defaultHttpLimits.bodyBytes;
    this.#limits = { ...defaultHttpLimits, ...options.http, bodyBytes };
    this.#settings = options.settings ?? new ServerSettings();
    const { plane, keyRing } = options.replica;
    this.#admission = options.admission ?? new Admission(plane, keyRing);
    this.#bodyRoom = options.bodyRoom ?? new BodyRoom(Number.POSITIVE_INFINITY, '');
    this.#postContext = {
      plane,
      limitBytes: bodyBytes,
      repository: options.repository ?? null,
      settings: this.#settings,
      admission: this.#admission,
    };
    registerPeerMetrics(options.metrics, plane);
    this.#refused = refusalCounter(options.metrics);
    this.#server = this.#create();
    const secure = options.tls !== undefined;
    this.#sockets = new OpenSockets(this.#server, { secure });
    this.#plain = new PlainConnections(this.#server, secure, {
      ...this.#limits,
      keepAliveMs,
      takes: ({ method, path }, body) => method === 'GET' || answersInOnePiece(path, body),
      waits: ({ path, bodyBytes }) =>
        bodyBytes <= uncountedBytes && !this.#admission.restricts(this.#endpointOf(path) ?? ''),
      answer: (head, body, hasLeft) => this.#answerPlain(head, body, hasLeft),
      draining: () => this.#draining,
    });
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
   * Drains: every answer from now on ends its connection, and a connection that is open and idle has a moment for a
   * request that is on its way already. Then no new ones are taken; returns when all that is under way is answered.
   * Requests of which a part is missing have a while for it, and are cut off then.
   */
  async close(): Promise<void> {
    this.#draining = true;
    const untilMs = performance.now() + this.#limits.drainMs;
    while (performance.now() < untilMs && (await this.#connections()) > 0) {
      await new Promise((resolve) => setTimeout(resolve, drainLookMs));
    }
    const answerTaken = await takeWaiting(this.#server, this.#limits.drainMs);
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      this.#plain.closeIdle();
    });
    await answerTaken();
    // What was taken last has its request on the way.
    const unused = setTimeout(() => this.#sockets.closeUnused(), this.#limits.drainMs);
    const isAnswering = (socket: Socket) => this.#plain.isAnswering(socket);
    const cut = setTimeout(() => this.#sockets.closeUnfinished(isAnswering), this.#limits.halfSentMs);
    await this.#events.drain();
    await closed;
    clearTimeout(unused);
    clearTimeout(cut);
  }

  #create(): Server {
    const { headerBytes, headersTimeoutMs, requestTimeoutMs } = this.#limits;
    const { tls, room } = this.#options;
    const http: ServerOptions = {
      keepAliveTimeout: keepAliveMs,
      noDelay: true,
      maxHeaderSize: headerBytes,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: timeoutCheckMs,
    };
    const onRequest = (request: IncomingMessage, response: ServerResponse) =>
      this.#onRequest(request, response);
    const server = tls
      ? createTlsServer({ ...http, ...tls.options, ALPNProtocols: ['http/1.1'] }, onRequest)
      : createServer(http, onRequest);
    if (tls && 'setSecureContext' in server) tls.attach(server);
    room?.guard(server);
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) =>
      answerClientError(error, socket, headerBytes),
    );
    // A body is asked for once there is room for it.
    server.on('checkContinue', onRequest);
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      const { expect } = request.headers;
      const error = fail('expectation_failed', { expect });
      this.#refuse(request, response, this.#errorAnswer(pathOf(request), error));
    });
    server.on('connect', (request: IncomingMessage, socket: Duplex) =>
      refuseTunnel(socket, 'CONNECT', request.url ?? ''),
    );
    return server;
  }

  #connections(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.getConnections((error, count) => resolve(error ? 0 : count));
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const path = pathOf(request);
    if (request.headers.traceparent !== undefined)
      traceRequest(request, response, path, this.#options.spans ?? null);
    if (request.method === 'POST') {
      if (this.#isTooLarge(request)) {
        const error = fail('payload_too_large', { limitBytes: this.#limits.bodyBytes });
        this.#refuse(request, response, this.#errorAnswer(path, error));
        return;
      }
      const entered = this.#enter(request, response, path);
      if (entered === true) this.#readBody(request, response, path);
      else if (entered) void entered.then((is) => is && this.#readBody(request, response, path));
      return;
    }
    request.resume();
    if (request.method === 'GET' || request.method === 'HEAD') {
      const entered = this.#enter(request, response, path);
      if (entered === true) this.#answerGet(request, response, path);
      else if (entered) void entered.then((is) => is && this.#answerGet(request, response, path));
      return;
    }
    const allow = allowedMethods(path);
    if (request.method === 'OPTIONS') {
      this.#send(response, { status: 204, body: '', contentType: 'text/plain', headers: { allow } });
      return;
    }
    const { method } = request;
    this.#sendError(response, path, fail('method_not_allowed', { method, path, allowed: allow }));
  }

  /** Answers a whole request whose connection node:http does not read. */
  async #answerPlain(
    { method, path, headers }: RequestHead,
    body: Buffer,
    hasLeft: () => boolean,
  ): Promise<HttpAnswer> {
    let leave: Leave | null;
    try {
      const entered = this.#admit(method, path, headers);
      leave = entered instanceof Promise ? await entered : entered;
    } catch (error) {
      return this.#keptOut(path, error);
    }
    try {
      return await (method === 'GET'
        ? this.#get(path, headers)
        : answerPost(path, headers, body, this.#postContext, hasLeft));
    } catch (error) {
      return this.#errorAnswer(path, error);
    } finally {
      leave?.();
    }
  }

  #get(path: string, headers: IncomingHttpHeaders): Promise<HttpAnswer> {
    const ready = !this.#draining && this.#options.replica.ready;
    const caller = { admission: this.#admission, headers };
    return answerGet(path, { ...this.#options, settings: this.#settings, ready, caller });
  }

  #answerGet({ headers }: IncomingMessage, response: ServerResponse, path: string): void {
    this.#get(path, headers)
      .then((answer) => this.#send(response, answer))
      .catch((error) => this.#sendError(response, path, error));
  }

  /**
   * Whether the endpoint's keys and limits let the request in; else it is answered. A promise where other processes
   * have to be asked.
   */
  #enter(request: IncomingMessage, response: ServerResponse, path: string): boolean | Promise<boolean> {
    const keptOut = (error: unknown) => {
      this.#refuse(request, response, this.#keptOut(path, error));
      return false;
    };
    try {
      const leave = this.#admit(request.method ?? '', path, request.headers);
      if (leave instanceof Promise) return leave.then((l) => leaveWhenClosed(response, l), keptOut);
      return leaveWhenClosed(response, leave);
    } catch (error) {
      return keptOut(error);
    }
  }

  /** Lets a request in by its endpoint's keys and limits. Errors: those of Admission. */
  #admit(method: string, path: string, headers: IncomingHttpHeaders): ReturnType<Admission['enter']> {
    const target = this.#targets.of(path);
    const endpoint = this.#endpointOf(path);
    if (!target || endpoint === null) return null;
    // The key comes in the body of the page's own form.
    if (target.page && method === 'POST') return null;
    return this.#admission.enter(endpoint, target.action, headers);
  }

  /** The answer to a request that `#admit` refused. */
  #keptOut(path: string, error: unknown): HttpAnswer {
    const endpoint = this.#endpointOf(path) ?? '';
    this.#refused(endpoint, error);
    return (this.#targets.of(path)?.page && keyPageOf(endpoint, error)) || this.#errorAnswer(path, error);
  }

  /** The endpoint that a path is about: the only one where it names none. Null for paths about none. */
  #endpointOf(path: string): string | null {
    const target = this.#targets.of(path);
    if (!target || target.endpoint !== null) return target?.endpoint ?? null;
    const { endpoints } = this.#options.replica.plane;
    return endpoints.length === 1 ? (endpoints[0]?.route.endpoint ?? null) : null;
  }

  #isTooLarge({ headers }: IncomingMessage): boolean {
    const length = headers['content-length'];
    return length !== undefined && Number(length) > this.#limits.bodyBytes;
  }

  /** Answers a request whose body is not wanted: a long one is not read, and the connection ends unless it is there already. */
  #refuse(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
    if (!request.complete) {
      const length = Number(request.headers['content-length'] ?? Number.NaN);
      if (!(length <= smallBodyBytes)) response.setHeader('connection', 'close');
      request.resume();
    }
    this.#send(response, answer);
  }

  /** Reads the body and answers; its share of the room is free when both are done with it, caller and model. */
  #readBody(request: IncomingMessage, response: ServerResponse, path: string): void {
    const bodyShare = this.#bodyRoom.share();
    const limitBytes = this.#limits.bodyBytes;
    let answering = false;
    const answer = async (body: Buffer): Promise<void> => {
      answering = true;
      try {
        const context = { ...this.#postContext, bodyShare };
        const hasLeft = () => response.destroyed;
        const made = await answerPost(path, request.headers, body, context, hasLeft);
        if (made.events) await this.#sendEvents(response, path, made.events);
        else this.#send(response, made);
      } catch (error) {
        this.#sendError(response, path, error);
      }
      answering = false;
      if (response.closed) bodyShare.leave();
    };
    const begin = () => {
      if (request.headers.expect !== undefined) response.writeContinue();
    };
    response.once('close', () => {
      if (!answering) bodyShare.leave();
    });
    readBody(request, { limitBytes, bodyShare }, begin, {
      whole: (body) => void answer(body),
      refused: (error) => {
        bodyShare.leave();
        response.setHeader('connection', 'close');
        this.#refuse(request, response, this.#keptOut(path, error));
      },
    });
    request.on('error', () => response.destroy());
  }

  #sendEvents(response: ServerResponse, path: string, events: EventAnswer): Promise<void> {
    if (this.#draining) response.setHeader('connection', 'close');
    return this.#events.send(response, events, {
      toError: (thrown) => this.#errorOf(thrown, path),
      bodyOf: (error) => errorAnswer(path, error, this.#options.errorDetail ?? false),
      refuse: (error) => this.#sendError(response, path, error),
    });
  }

  /** The error to tell; one that nobody foresaw is logged and tells nothing of itself. */
  #errorOf(thrown: unknown, path: string): MillraceError {
    if (thrown instanceof MillraceError) return thrown;
    const tooLong = textTooLong(thrown);
    if (tooLong) return tooLong;
    const error = fail('internal', { reference: Date.now().toString(36) }, thrown);
    this.#options.logger.error({ err: thrown, path, ...error.params }, error.message);
    return error;
  }

  #sendError(response: ServerResponse, path: string, thrown: unknown): void {
    this.#send(response, this.#errorAnswer(path, thrown));
  }

  #errorAnswer(path: string, thrown: unknown): HttpAnswer {
    const error = this.#errorOf(thrown, path);
    const headers: Record<string, string> = { 'x-millrace-error': error.code };
    if (error.status === 503 || error.status === 429)
      headers['retry-after'] = String(error.params.retryAfterSeconds ?? 1);
    if (error.code === 'method_not_allowed') headers.allow = String(error.params.allowed);
    if (error.status === 401) headers['www-authenticate'] = 'Bearer realm="millrace"';
    const answer = errorAnswer(path, error, this.#options.errorDetail ?? false);
    return { ...answer, headers: { ...answer.headers, ...headers } };
  }

  #send(response: ServerResponse, answer: HttpAnswer): void {
    const { status, body, contentType } = answer;
    const text = latin1Body(answer);
    const headers: Record<string, string | number> = {
      'content-type': contentType,
      'content-length': text?.length ?? Buffer.byteLength(body),
      ...answer.headers,
    };
    if (this.#draining) headers.connection = 'close';
    response.writeHead(status, headers);
    if (text !== null) response.end(text, 'latin1');
    else response.end(body);
  }
}

/** What a request has taken is free again when its connection or answer is over; it may be so already. */
function leaveWhenClosed(response: ServerResponse, leave: Leave | null): true {
  if (leave && response.closed) leave();
  else if (leave) response.once('close', leave);
  return true;
}

function pathOf(request: IncomingMessage): string {
  // A target with scheme and host, which RFC 9112 has every server take, is for this one too.
  const url = (request.url ?? '/').replace(/^https?:\/\/[^/?]*\/?/i, '/');
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
