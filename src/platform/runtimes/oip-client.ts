import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { fail, MillraceError } from '../../core/errors.ts';
import type { RemoteRuntime } from '../../core/model-package.ts';
import { withoutPassword } from '../../core/without-password.ts';
import { eventData } from './event-data.ts';

const tensorSchema = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.coerce.number().int()),
});
export type RemoteTensor = z.infer<typeof tensorSchema>;
const metadataSchema = z.object({
  inputs: z.array(tensorSchema).min(1),
  outputs: z.array(tensorSchema).default([]),
});
const configSchema = z.object({
  model_transaction_policy: z.object({ decoupled: z.boolean().default(false) }).optional(),
});
const serverSchema = z.object({ extensions: z.array(z.string()).default([]) });

export interface RemoteReply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const connections = 64;
const longestReplyBytes = 1024 * 1024 * 1024;
const retryAfterMs = 100;
/** What a server answers that has no such call, or such a call only for GET. */
const unknownCall: ReadonlySet<number> = new Set([404, 405, 501]);
/** What a server answers that can take no more at present. */
const overloaded: ReadonlySet<number> = new Set([429, 503]);
/** Before the request reached anybody, so that asking again computes nothing twice. */
const neverReached = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Speaks the Open Inference Protocol v2 to the server of a remote model, over connections that are kept. */
export class OipClient {
  readonly #remote: RemoteRuntime;
  readonly #base: string;
  readonly #modelPath: string;
  readonly #agent: HttpAgent | HttpsAgent;
  /** Answers in pieces may take minutes, and must not use up the connections of all others. */
  readonly #streamAgent: HttpAgent | HttpsAgent;

  constructor(remote: RemoteRuntime) {
    const options = { keepAlive: true, maxSockets: connections };
    this.#remote = remote;
    this.#base = remote.url.replace(/\/+$/, '');
    const Agent = this.#base.startsWith('https:') ? HttpsAgent : HttpAgent;
    this.#agent = new Agent(options);
    this.#streamAgent = new Agent({ keepAlive: true });
    const version = remote.version === null ? '' : `/versions/${encodeURIComponent(remote.version)}`;
    this.#modelPath = `/v2/models/${encodeURIComponent(remote.model)}${version}`;
  }

  /** The model's tensors. Throws `remote_unavailable`, `remote_timeout`, `remote_failed`. */
  async metadata(): Promise<z.infer<typeof metadataSchema>> {
    return this.#parsed(metadataSchema, await this.#send('GET', this.#modelPath));
  }

  /** Does the server know binary tensors? Errors: those of `metadata`. */
  async knowsBinary(): Promise<boolean> {
    const { extensions } = this.#parsed(serverSchema, await this.#send('GET', '/v2'));
    return extensions.some((name) => name.startsWith('binary_tensor_data'));
  }

  /** Does the server's configuration of the model say that it gives answers in pieces? False where it has none. */
  async isDecoupled(): Promise<boolean> {
    const { status, body } = await this.#send('GET', `${this.#modelPath}/config`);
    if (status !== 200) return false;
    const config = configSchema.safeParse(jsonOf(body));
    return config.data?.model_transaction_policy?.decoupled === true;
  }

  /**
   * Asks for an answer in pieces, as server-sent events; an aborted signal ends the call and the pieces. Null where the
   * server does not know the call. Throws as `infer` does, `remote_timeout` also for a silence between two pieces.
   */
  async stream(
    call: 'infer_stream' | 'generate_stream',
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<AsyncIterable<string> | null> {
    const { timeoutMs } = this.#remote;
    const send = this.#base.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(`${this.#base}${this.#modelPath}/${call}`, {
      method: 'POST',
      agent: this.#streamAgent,
      headers: { 'content-type': 'application/json', ...headers, 'content-length': body.length },
      signal,
    });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request.once('response', resolve);
    request.on('error', reject);
    request.setTimeout(timeoutMs, () => {
      request.destroy(this.#fail('remote_timeout', `no piece of an answer within ${timeoutMs} ms`));
    });
    request.end(body);
    try {
      const response = await promise;
      if (response.statusCode === 200) return this.#pieces(response, signal);
      const reply = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>));
      if (unknownCall.has(response.statusCode ?? 0)) return null;
      const problem = `it answers ${response.statusCode}: ${errorText(reply)}`;
      throw this.#fail(
        overloaded.has(response.statusCode ?? 0) ? 'remote_unavailable' : 'remote_failed',
        problem,
      );
    } catch (error) {
      request.destroy();
      if (error instanceof MillraceError) throw error;
      throw this.#fail('remote_unavailable', (error as Error).message, error);
    }
  }

  async *#pieces(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<string> {
    try {
      yield* eventData(response);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof MillraceError) throw error;
      throw this.#fail('remote_failed', `its answer broke off: ${(error as Error).message}`, error);
    } finally {
      response.destroy();
    }
  }

  /** Null when the model is ready, else why it is not. */
  async problem(): Promise<string | null> {
    try {
      const { status } = await this.#send('GET', `${this.#modelPath}/ready`);
      return status === 200 ? null : `it answers ${status} when asked whether the model is ready`;
    } catch (error) {
      return error instanceof MillraceError ? String(error.params.problem) : (error as Error).message;
    }
  }

  /**
   * Asks for predictions. Throws `remote_unavailable` when the server cannot be reached or is overloaded,
   * `remote_timeout`, `remote_failed` for every other answer than 200.
   */
  async infer(headers: Readonly<Record<string, string>>, body: Buffer): Promise<RemoteReply> {
    const reply = await this.#send('POST', `${this.#modelPath}/infer`, headers, body);
    if (reply.status === 200) return reply;
    const problem = `it answers ${reply.status}: ${errorText(reply.body)}`;
    throw this.#fail(overloaded.has(reply.status) ? 'remote_unavailable' : 'remote_failed', problem);
  }

  close(): void {
    this.#agent.destroy();
    this.#streamAgent.destroy();
  }

  /**
   * A second attempt is made only where the first reached nobody, was turned away unread, or was cut off before an
   * answer on a connection that had been kept, which is how servers close those that were idle.
   */
  async #send(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body: Buffer = Buffer.alloc(0),
  ): Promise<RemoteReply> {
    for (let attempt = 1; ; attempt++) {
      try {
        const reply = await this.#once(method, path, headers, body);
        if (reply.status !== 503 || attempt > 1) return reply;
      } catch (error) {
        if (!(error instanceof SendError)) throw error;
        if (!error.again || attempt > 1) throw this.#fail('remote_unavailable', error.message);
      }
      await sleep(retryAfterMs);
    }
  }

  #once(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
  ): Promise<RemoteReply> {
    const { timeoutMs } = this.#remote;
    const send = this.#base.startsWith('https:') ? httpsRequest : httpRequest;
    const length = method === 'POST' ? { 'content-length': body.length } : {};
    return new Promise((resolve, reject) => {
      const request = send(this.#base + path, {
        method,
        agent: this.#agent,
        headers: { ...headers, ...length },
      });
      const timer = setTimeout(() => {
        reject(this.#fail('remote_timeout', `no answer within ${timeoutMs} ms`));
        request.destroy();
      }, timeoutMs);
      let answering = false;
      const stop = (error: Error) => {
        clearTimeout(timer);
        const code = (error as NodeJS.ErrnoException).code ?? '';
        const again = neverReached.has(code) || (code === 'ECONNRESET' && request.reusedSocket && !answering);
        reject(new SendError(error.message || code, again));
      };
      request.once('error', stop);
      request.once('response', (response) => {
        answering = true;
        const pieces: Buffer[] = [];
        let bytes = 0;
        response.on('data', (piece: Buffer) => {
          pieces.push(piece);
          bytes += piece.length;
          if (bytes > longestReplyBytes) response.destroy(new Error('its answer is longer than 1 GB'));
        });
        response.once('error', stop);
        response.once('end', () => {
          clearTimeout(timer);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(pieces),
          });
        });
      });
      request.end(body);
    });
  }

  #parsed<T>(schema: z.ZodType<T>, { status, body }: RemoteReply): T {
    if (status !== 200) throw this.#fail('remote_failed', `it answers ${status}: ${errorText(body)}`);
    try {
      return schema.parse(JSON.parse(body.toString('utf8')));
    } catch (cause) {
      const { message } = cause as Error;
      throw this.#fail(
        'remote_failed',
        `its answer is not of the Open Inference Protocol: ${message}`,
        cause,
      );
    }
  }

  #fail(code: 'remote_unavailable' | 'remote_timeout' | 'remote_failed', problem: string, cause?: unknown) {
    return fail(code, { url: withoutPassword(this.#base), model: this.#remote.model, problem }, cause);
  }
}

/** A request that got no answer; `again` when nobody has seen it. */
class SendError extends Error {
  readonly again: boolean;

  constructor(message: string, again: boolean) {
    super(message);
    this.again = again;
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

function errorText(body: Buffer): string {
  const text = body.toString('utf8').slice(0, 2000);
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error.slice(0, 300);
  } catch {
    // Not JSON: told as it is.
  }
  return text.slice(0, 300);
}
