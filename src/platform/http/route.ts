import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import type { Actor, Permission } from '../access/index.ts';

/** What a route's handler gets beside its parsed input. */
export interface RouteContext {
  readonly actor: Actor;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  readonly request: FastifyRequest;
  /** For headers and streams. A handler that answers by itself calls `reply.hijack()` and returns undefined. */
  readonly reply: FastifyReply;
}

type Shape = z.ZodType | undefined;
type Parsed<S extends Shape> = S extends z.ZodType ? z.output<S> : undefined;

interface RouteDefinition<P extends Shape, Q extends Shape, B extends Shape, R extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/api/v1/<resource>/:id/…` */
  readonly path: string;
  /** One line for the API's description. */
  readonly summary: string;
  readonly permission: Permission;
  readonly params?: P;
  readonly query?: Q;
  /** Parameters of the query for which nothing is a value too. Every other one is refused when it is empty. */
  readonly emptyQuery?: readonly string[];
  /** A JSON body. Unknown keys are refused when the schema is strict, as schemas of public input are. */
  readonly body?: B;
  /** `raw`: the body is not parsed; the handler reads `request.raw`. */
  readonly bodyKind?: 'json' | 'raw';
  readonly response: R;
  /** Default 200. */
  readonly status?: number;
  /** Of a GET: what of its result changes only when somebody changes the resource, for its `ETag`; else all of it. */
  stateOf?(result: z.input<R>): unknown;
  handle(
    input: { readonly params: Parsed<P>; readonly query: Parsed<Q>; readonly body: Parsed<B> },
    context: RouteContext,
  ): Promise<z.input<R> | Readable | undefined>;
}

/** A route of any input and output, as the server takes it. */
export type Route = RouteDefinition<Shape, Shape, Shape, z.ZodType>;

/** Declares a route of the REST API; its types come from the schemas. */
export function defineRoute<
  P extends Shape = undefined,
  Q extends Shape = undefined,
  B extends Shape = undefined,
  R extends z.ZodType = z.ZodType,
>(definition: RouteDefinition<P, Q, B, R>): Route {
  return definition;
}

const defaultLimit = 100;
const largestLimit = 1000;

/** The query of every list: how many, and after which page. Extend it with the list's own filters. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(largestLimit).default(defaultLimit),
  after: z.string().optional(),
});

/** The shape of every list: its items and the token of the next page, null on the last one. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/** The same for lists that tell how many there are in all, where that was asked for. */
export function countedPageOf<T extends z.ZodType>(item: T) {
  return pageOf(item).extend({ totalCount: z.number().int().nullable() });
}

/** Makes a page token from the sort key of a page's last item. */
export function encodePageToken(key: unknown): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Reads a page token by the schema of its key. Throws `invalid_page_token`. */
export function decodePageToken<S extends z.ZodType>(token: string, key: S): z.output<S> {
  try {
    return key.parse(JSON.parse(Buffer.from(token, 'base64url').toString()));
  } catch (error) {
    throw fail('invalid_page_token', { value: token }, error);
  }
}

/**
 * Cuts a page out of a result that was asked for with one item more than the limit.
 *
 * @param keyOf the sort key of an item, for the token of the next page
 */
export function toPage<T>(items: readonly T[], limit: number, keyOf: (item: T) => unknown) {
  const page = items.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page,
    next: items.length > limit && last !== undefined ? encodePageToken(keyOf(last)) : null,
  };
}

/**
 * Reads a page of a list whose pages end at an id, or at a name where names are the order: one item more than asked for
 * is read, to know whether there is a next page. Throws `invalid_page_token`.
 */
export async function readPage<T>(
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
  read: (page: { readonly limit: number; readonly afterId: string | undefined }) => Promise<readonly T[]>,
  idOf: (item: T) => string,
) {
  const afterId = after === undefined ? undefined : decodePageToken(after, z.string());
  return toPage(await read({ limit: limit + 1, afterId }), limit, idOf);
}
