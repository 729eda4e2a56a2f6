import { Readable } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { parseInput } from '../../core/schema.ts';
import { type Actor, authorize } from '../access/index.ts';
import type { Answer, KeptAnswers } from '../idempotency/index.ts';
import type { Logger } from '../log/index.ts';
import { Counter, Histogram, type Registry } from '../metrics/index.ts';
import { addBrowserGuard, type BrowserGuardOptions } from './browser-guard.ts';
import { closeWhenIdle, OpenRequests } from './drain.ts';
import { listenError } from './listen-error.ts';
import { addPathPrefix, withoutPrefix } from './path-prefix.ts';
import { Preconditions } from './preconditions.ts';
import { toMillraceError, toProblem } from './problem.ts';
import type { Route } from './route.ts';

export type { FastifyInstance, FastifyReply, FastifyRequest };

export interface HttpServerOptions {
  readonly log: Logger;
  readonly metrics: Registry;
  /** Who is behind a request. */
  readonly resolveActor: (request: FastifyRequest) => Promise<Actor>;
  /** The largest JSON body. */
  readonly bodyLimitBytes: number;
  /** In front of every path; empty for none. */
  readonly pathPrefix?: string;
  /** Left out: whatever a browser sends is taken. */
  readonly browserGuard?: BrowserGuardOptions | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null until it is resolved, before any handler runs. */
    actor: Actor | null;
  }
}

/** The actor that the server resolved for a request. */
export function actorOf(request: FastifyRequest): Actor {
  return request.actor ?? { kind: 'user', id: 'anonymous' };
}

function noSchemas(): never {
  throw new Error('routes have no JSON schemas of Fastify');
}

/** Fastify with our errors, actor, metrics and headers; slices' routes and whole surfaces are added to it. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { pathPrefix = '' } = options;
  const app: FastifyInstance = Fastify({
    ...(pathPrefix && { rewriteUrl: withoutPrefix(pathPrefix) }),
    bodyLimit: options.bodyLimitBytes,
    // What is under way when the server stops is answered: see drain.ts.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Input is parsed by our own schemas; without these Fastify loads its compilers of JSON schemas.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    routerOptions: { maxParamLength: 2000, ignoreDuplicateSlashes: true },
  });

  const duration = new Histogram({
    name: 'millrace_http_request_duration_seconds',
    help: 'Time to answer requests to control, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [options.metrics],
  });
  const errors = new Counter({
    name: 'millrace_http_internal_errors_total',
    help: 'Requests to control that failed by our own fault',
    registers: [options.metrics],
  });

  if (options.browserGuard) addBrowserGuard(app, options.browserGuard);
  if (pathPrefix) addPathPrefix(app, pathPrefix);
  closeWhenIdle(app);
  app.decorateRequest('actor', null);
  app.addHook('onRequest', async (request) => {
    request.actor = await options.resolveActor(request);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.setErrorHandler((thrown, request, reply) => {
    const error = toMillraceError(thrown, request.routeOptions.bodyLimit ?? options.bodyLimitBytes);
    if (error.status >= 500) {
      errors.inc();
      options.log.error(
        { err: error.cause ?? error, code: error.code, ...error.params, url: request.url },
        error.message,
      );
    }
    void reply.code(error.status).type('application/problem+json').send(toProblem(error));
  });
  return app;
}

/**
 * Adds a slice's routes: who lacks the route's permission is refused before anything is read, input is parsed, the
 * actor handed on, the result sent as JSON or as a stream.
 *
 * @param kept answers of POST requests with an `Idempotency-Key`; without it such keys are not looked at
 */
export function addRoutes(app: FastifyInstance, routes: readonly Route[], kept?: KeptAnswers): void {
  const preconditions = new Preconditions(routes);
  const open = new OpenRequests();
  app.addHook('preClose', async () => open.end());
  void app.register(async (scope) => {
    readEmptyJson(scope);
    for (const route of routes.filter((r) => r.bodyKind !== 'raw')) {
      addRoute(scope, route, preconditions, open, route.method === 'POST' ? kept : undefined);
    }
  });
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const route of routes.filter((r) => r.bodyKind === 'raw'))
      addRoute(scope, route, preconditions, open);
  });
}

/** Clients say that they send JSON also where they send nothing: a DELETE, a POST without members. */
function readEmptyJson(scope: FastifyInstance): void {
  const readJson = scope.getDefaultJsonParser('error', 'error');
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null) : readJson(request, body, done),
  );
}

function addRoute(
  scope: FastifyInstance,
  route: Route,
  preconditions: Preconditions,
  open: OpenRequests,
  kept?: KeptAnswers,
): void {
  const status = route.status ?? 200;
  scope.route({
    method: route.method,
    url: route.path,
    // Before the body: who may not write need not be listened to.
    onRequest: async (request) => authorize(actorOf(request), route.permission),
    handler: async (request, reply) => {
      const signal = open.add(reply);
      const input = {
        params: route.params ? parseInput(route.params, request.params, 'path') : undefined,
        query: route.query ? parseQuery(route, route.query, request.query) : undefined,
        body: route.body ? parseInput(route.body, request.body ?? {}, 'body') : undefined,
      };
      const context = { actor: actorOf(request), signal, request, reply };
      const handle = () => preconditions.change(route, context, () => route.handle(input as never, context));
      const key = request.headers['idempotency-key'];
      let result: unknown;
      if (kept && key !== undefined) {
        const { method, url } = request;
        const keyed = { actor: nameOf(context.actor), key: String(key), method, url, body: input.body };
        const answer = await kept.once(keyed, async () => {
          result = await handle();
          return isJson(result, reply) ? jsonAnswer(result, status) : null;
        });
        if (answer) {
          if (answer.again) reply.header('idempotent-replayed', 'true');
          return reply.code(answer.status).type('application/json; charset=utf-8').send(answer.body);
        }
      } else result = await handle();
      if (reply.sent) return reply;
      if (result instanceof Readable) return reply.send(result);
      if (preconditions.isKnown(route, result, request, reply)) return reply.code(304).send();
      reply.code(status);
      return result === undefined ? reply.code(204).send() : reply.send(result);
    },
  });
}

/** `?minScore=` is no zero and `?endpoint=` not all of them: whoever left a value out is told so. */
function parseQuery({ emptyQuery = [] }: Route, schema: z.ZodType, query: unknown): unknown {
  const empty = Object.entries(query ?? {}).find(
    ([name, value]) => !emptyQuery.includes(name) && [value].flat().includes(''),
  );
  if (!empty) return parseInput(schema, query, 'query');
  const problem = 'is empty; give it a value, or leave it out';
  throw fail('invalid_input', { field: `query.${empty[0]}`, problem });
}

const nameOf = ({ kind, id }: Actor): string => `${kind}:${id}`;

function isJson(result: unknown, reply: FastifyReply): boolean {
  return !reply.sent && !(result instanceof Readable);
}

function jsonAnswer(result: unknown, status: number): Answer {
  return result === undefined ? { status: 204, body: null } : { status, body: JSON.stringify(result) };
}

/**
 * Listens on a port. Throws `port_taken` and `address_unusable`, naming the setting to change.
 *
 * @returns the port in use (the one asked for, or the free one that was chosen for port 0)
 */
export async function listen(
  app: FastifyInstance,
  host: string,
  port: number,
  setting: string,
): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, { host, port, setting });
  }
  const address = app.server.address();
  return typeof address === 'object' && address ? address.port : port;
}
