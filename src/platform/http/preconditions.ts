import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { fail } from '../../core/errors.ts';
import { parseInput } from '../../core/schema.ts';
import type { Route, RouteContext } from './route.ts';

/**
 * `ETag` and `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1) for what several people change: a GET of a resource that
 * can be changed tells its state as an `ETag`; a change that brings it along as `If-Match` is made only while the
 * resource is as it was read. Changes that bring none are made in any case.
 */
export class Preconditions {
  readonly #readers: ReadonlyMap<Route, Route>;
  readonly #read: ReadonlySet<Route>;
  /** The last such change under way of each resource: two that read the same state are not both made. */
  readonly #changes = new Map<string, Promise<unknown>>();

  constructor(routes: readonly Route[]) {
    this.#readers = readersOf(routes);
    this.#read = new Set(this.#readers.values());
  }

  /** Adds the `ETag` to the answer of a GET; true: the caller has it already (`If-None-Match`), and gets 304. */
  isKnown(route: Route, result: unknown, request: FastifyRequest, reply: FastifyReply): boolean {
    if (!this.#read.has(route) || reply.sent) return false;
    const etag = etagOf(route, result);
    reply.header('etag', etag);
    return listed(request.headers['if-none-match'], etag);
  }

  /**
   * Makes a change when the resource is as `If-Match` says; then the answer has the new `ETag`. Throws
   * `precondition_failed`, and what reading the resource throws.
   */
  async change<T>(route: Route, context: RouteContext, change: () => Promise<T>): Promise<T> {
    const { request, reply } = context;
    const reader = this.#readers.get(route);
    const wanted = request.headers['if-match'];
    if (!reader || wanted === undefined) return change();
    const params = request.params as Readonly<Record<string, string>>;
    const resource = pathOf(reader.path, params);
    const before = this.#changes.get(resource);
    const read = async () => {
      const input = {
        params: reader.params && parseInput(reader.params, pick(params, reader.path), 'path'),
        query: reader.query && parseInput(reader.query, {}, 'query'),
        body: undefined,
      };
      return etagOf(reader, await reader.handle(input as never, context));
    };
    const made = (async () => {
      await before?.catch(() => undefined);
      const present = await read();
      if (!listed(wanted, present)) throw fail('precondition_failed', { resource, value: wanted, present });
      const result = await change();
      const after = await read().catch(() => null);
      if (after !== null) reply.header('etag', after);
      return result;
    })();
    this.#changes.set(resource, made);
    try {
      return await made;
    } finally {
      if (this.#changes.get(resource) === made) this.#changes.delete(resource);
    }
  }
}

const actionPath = /^(.*\/:\w+)\/[\w-]+$/;

/**
 * The GET of what each route changes: of the same path, or for a POST of the path before its last word
 * (`/endpoints/:name/split` changes `/endpoints/:name`).
 */
export function readersOf(routes: readonly Route[]): ReadonlyMap<Route, Route> {
  const gets = new Map(
    routes.filter((r) => r.method === 'GET' && r.bodyKind !== 'raw').map((r) => [r.path, r]),
  );
  const readers = new Map<Route, Route>();
  for (const route of routes) {
    if (route.method === 'GET' || route.bodyKind === 'raw') continue;
    const path = route.method === 'POST' ? actionPath.exec(route.path)?.[1] : route.path;
    const reader = gets.get(path ?? '');
    if (reader) readers.set(route, reader);
  }
  return readers;
}

function etagOf({ stateOf }: Route, result: unknown): string {
  const state = JSON.stringify(stateOf ? stateOf(result) : result);
  return `"${createHash('sha256').update(state).digest('base64url').slice(0, 27)}"`;
}

/** Is it one of a header's list, or `*`? Weak ones are compared as strong ones are. */
function listed(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const all = header.split(',').map((value) => value.trim().replace(/^W\//, ''));
  return all.includes('*') || all.includes(etag);
}

const parameter = /:(\w+)/g;

function pick(params: Readonly<Record<string, string>>, path: string): Record<string, string | undefined> {
  return Object.fromEntries([...path.matchAll(parameter)].map(([, name = '']) => [name, params[name]]));
}

function pathOf(path: string, params: Readonly<Record<string, string>>): string {
  return path.replace(parameter, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}
