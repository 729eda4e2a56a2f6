import { get as httpGet, type IncomingMessage, STATUS_CODES } from 'node:http';
import { get as httpsGet } from 'node:https';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { fail, MillraceError } from '../../core/errors.ts';
import { type Digest, digestOf } from '../../core/json.ts';
import { bytesOf, streamed } from './streams.ts';

export { bytesOf, streamed } from './streams.ts';

/** What control answers instead of what was asked for, as far as a caller needs it. */
const problemSchema = z.object({
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  next: z.string(),
  issues: z.array(z.object({ field: z.string(), problem: z.string() })).optional(),
});

/** An error that control answered, with its code, status and next step as control sent them. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly status: number;
  readonly code: string;
  readonly next: string;
  /** Each wrong field, where there are several. */
  readonly issues: readonly { readonly field: string; readonly problem: string }[];

  constructor(problem: z.infer<typeof problemSchema>) {
    super(problem.detail);
    this.status = problem.status;
    this.code = problem.code;
    this.next = problem.next;
    this.issues = problem.issues ?? [];
  }
}

/** Who calls: a person by name, or a job's attempt by its token. Without one, whoever the server takes it for. */
export interface Caller {
  readonly user?: string;
  readonly token?: string;
}

/** A call of control's REST API; GET without a body, POST with one, unless a method is given. */
export interface ControlRequest<S extends z.ZodType> {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  /** The answer is parsed by it. */
  readonly schema: S;
  readonly signal?: AbortSignal;
}

/**
 * Control's REST API as serve, work and the command line call it.
 * Errors: `control_unreachable` when it does not answer, `ControlError` with what it answered.
 */
export class ControlClient {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, caller: Caller = {}) {
    this.url = url.replace(/\/+$/, '');
    this.#headers = {
      ...(caller.token === undefined ? {} : { authorization: `Bearer ${caller.token}` }),
      ...(caller.user === undefined ? {} : { 'x-millrace-actor': caller.user }),
    };
  }

  /** Sends JSON and parses the JSON answer. `path` starts with `/api/v1`. */
  async call<S extends z.ZodType>(path: string, request: ControlRequest<S>): Promise<z.output<S>> {
    const json = request.body === undefined ? undefined : JSON.stringify(request.body);
    const response = await this.fetch(path, {
      method: request.method ?? (json === undefined ? 'GET' : 'POST'),
      headers: json === undefined ? {} : { 'content-type': 'application/json' },
      ...(json === undefined ? {} : { body: json }),
      ...(request.signal ? { signal: request.signal } : {}),
    });
    const answer = await response.text();
    return request.schema.parse(answer === '' ? undefined : this.#json(answer));
  }

  #json(answer: string): unknown {
    try {
      return JSON.parse(answer);
    } catch (error) {
      const problem = `no JSON: ${answer.trim().slice(0, 60)}`;
      throw fail('answer_unknown', { url: this.url, problem }, error);
    }
  }

  /** Any request; resolves with a successful response only. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.url + path, { ...init, headers: { ...this.#headers, ...init.headers } });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw this.#unreachable(error);
    }
    if (response.ok) return response;
    throw toControlError({ url: response.url, status: response.status, said: await response.text() });
  }

  /**
   * A successful answer that control may take any time to begin and to send; `fetch` ends what is silent for five
   * minutes. A machine that has gone is found by the probes of TCP.
   */
  async download(path: string): Promise<IncomingMessage> {
    const url = this.url + path;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const get = url.startsWith('https:') ? httpsGet : httpGet;
      get(url, { headers: this.#headers, agent: false }, resolve)
        .once('socket', (socket) => socket.setKeepAlive(true, probeMs))
        .once('error', (error) => reject(this.#unreachable(error)));
    });
    const { statusCode: status = 0 } = answer;
    if (status >= 200 && status < 300) return answer;
    throw toControlError({ url, status, said: await text(answer) });
  }

  #unreachable(error: unknown): Error {
    const cause: NodeJS.ErrnoException = (error as { cause?: Error }).cause ?? (error as Error);
    const problem = tlsProblem(cause.code ?? '') ?? (cause.message || cause.code || String(cause));
    return fail('control_unreachable', { url: this.url, problem }, error);
  }

  /** A blob's bytes as a stream, not yet checked against the digest. */
  async blob(digest: Digest, signal?: AbortSignal): Promise<Readable> {
    const response = await this.fetch(`/api/v1/blobs/${digest}`, signal ? { signal } : {});
    return bytesOf(response);
  }

  /** As `blob`, also of what a package keeps secret: for replicas and workers, which load packages. */
  async part(digest: Digest, signal?: AbortSignal): Promise<Readable> {
    try {
      return await this.blob(digest, signal);
    } catch (error) {
      if (!(error instanceof ControlError && error.code === 'blob_missing')) throw error;
    }
    return bytesOf(await this.fetch(`/api/v1/package-secrets/${digest}`, signal ? { signal } : {}));
  }

  /** Stores bytes under their digest. Sending what is there already changes nothing. */
  async putBlob(content: Uint8Array, signal?: AbortSignal): Promise<Digest> {
    const digest = digestOf(content);
    await this.putBlobStream(digest, content, signal);
    return digest;
  }

  /** Stores a stream under the digest that it must have. */
  async putBlobStream(digest: Digest, content: Uint8Array | Readable, signal?: AbortSignal): Promise<void> {
    await this.fetch(`/api/v1/blobs/${digest}`, {
      ...streamed(content),
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      ...(signal ? { signal } : {}),
    });
  }
}

/** What OpenSSL and Node tell of TLS by codes, in words that say what to do; null where it is something else. */
function tlsProblem(code: string): string | null {
  if (/^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/.test(code))
    return 'it speaks no TLS there, so its address begins with http://';
  if (/SELF_SIGNED|^UNABLE_TO_(?:VERIFY|GET_ISSUER)/.test(code))
    return `its certificate is of an authority that is not known here (${code}); name that by NODE_EXTRA_CA_CERTS`;
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET')
    return `it ended the connection (${code}); where it speaks TLS, its address begins with https://`;
  return null;
}

/** After so much silence TCP asks whether the other side is still there. */
const probeMs = 30_000;

function toControlError(answer: {
  readonly url: string;
  readonly status: number;
  readonly said: string;
}): ControlError {
  const { url, status, said } = answer;
  try {
    const { data: problem } = problemSchema.safeParse(JSON.parse(said));
    if (problem) return new ControlError(problem);
  } catch {
    // No JSON: answered below.
  }
  // Another server than control, or a proxy before it.
  const excerpt = said.trim().slice(0, 500) || (STATUS_CODES[status] ?? 'nothing');
  return new ControlError({
    status,
    code: 'unknown',
    detail: `${url} answered ${status}, not as control does: ${excerpt}`,
    next: 'Check that control answers at this address (not serve, and nothing in between); its log tells more.',
  });
}

/** True where trying again later may help: control is away, restarting or overloaded. */
export function isPassing(error: unknown): boolean {
  if (error instanceof MillraceError) return error.code === 'control_unreachable';
  return error instanceof ControlError && (error.status >= 500 || error.status === 429);
}
