import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { firstIssue } from '../../core/issue-text.ts';
import type { ControlClient, ControlRequest } from '../../platform/client/index.ts';

type Query = Readonly<Record<string, string | number | undefined>>;

/** A list as far as it was asked for; `next` tells whether there is more. */
interface Listed<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** The REST API as commands use it: paths below `/api/v1`, answers parsed. Errors: those of `ControlClient`. */
export class Api {
  readonly client: ControlClient;
  readonly #note: (line: string) => void;

  /** @param note hears that control has not answered for a while, and is waited for */
  constructor(client: ControlClient, note: (line: string) => void) {
    this.client = client;
    this.#note = note;
  }

  async get<S extends z.ZodType>(path: string, schema: S, query: Query = {}): Promise<z.output<S>> {
    return this.parsed(schema, await this.#call(address(path, query), {}));
  }

  async post<S extends z.ZodType>(path: string, body: unknown, schema: S): Promise<z.output<S>> {
    return this.parsed(schema, await this.#call(address(path), { method: 'POST', body }));
  }

  async delete<S extends z.ZodType>(path: string, body: unknown, schema: S): Promise<z.output<S>> {
    return this.parsed(schema, await this.#call(address(path), { method: 'DELETE', body }));
  }

  async #call(
    path: string,
    request: Pick<ControlRequest<z.ZodUnknown>, 'method' | 'body'>,
  ): Promise<unknown> {
    const tell = () =>
      this.#note(
        `no answer from control at ${this.client.url} after 30 s, as where it loads a model: waiting on`,
      );
    const timer = setTimeout(tell, silentMs);
    try {
      return await this.client.call(path, { ...request, schema: z.unknown() });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Items of a list, page after page, until there are `limit`. */
  async list<S extends z.ZodType>(
    path: string,
    item: S,
    limit: number,
    query: Query = {},
  ): Promise<Listed<z.output<S>>> {
    const page = z.object({ items: z.array(item), next: z.string().nullable() });
    const items: z.output<S>[] = [];
    let after: string | undefined;
    for (;;) {
      const size = Math.min(limit - items.length, largestPage);
      const { items: some, next } = await this.get(path, page, { ...query, limit: size, after });
      items.push(...some);
      if (next === null || items.length >= limit) return { items, next };
      after = next;
    }
  }

  /** An answer that a command fetched itself, in its form. Throws `answer_unknown`, as where the server is of another version. */
  parsed<S extends z.ZodType>(schema: S, answer: unknown): z.output<S> {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    const problem = firstIssue(parsed.error, 'answer');
    throw fail('answer_unknown', { url: this.client.url, problem }, parsed.error);
  }
}

const largestPage = 500;
const silentMs = 30_000;

/** A path with its parts escaped by the caller, and the query's given values. */
function address(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(
    Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
  ).toString();
  return `/api/v1/${path}${search === '' ? '' : `?${search}`}`;
}

/** A name as one part of a path. */
export const part = encodeURIComponent;
