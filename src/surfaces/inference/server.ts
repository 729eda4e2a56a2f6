import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { fail, MillraceError } from '../../core/errors.ts';
import type { ModelRepository, ServeReplica } from '../../lifecycle/serving/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { Registry } from '../../platform/metrics/index.ts';
import { errorAnswer } from './error-answer.ts';
import { answerGet } from './get-routes.ts';
import type { HttpAnswer } from './http-answer.ts';
import { answerPost, type PostContext } from './post-routes.ts';
import { ServerSettings } from './server-settings.ts';

export interface InferenceServerOptions {
  readonly replica: ServeReplica;
  readonly metrics: Registry;
  readonly logger: Logger;
  /** Version of the product, for the server's metadata. */
  readonly version: string;
  /** What the server calls itself in its metadata; `millrace` by default. */
  readonly name?: string;
  readonly bodyLimitBytes?: number;
  /** Loads and unloads models where there is no control; without it control decides what is served. */
  readonly repository?: ModelRepository;
  /** Trace and logging settings, shared by the protocols of one server. */
  readonly settings?: ServerSettings;
  /** Whether errors may quote values of requests and list the inputs of models; false by default. */
  readonly errorDetail?: boolean;
}

const defaultBodyLimitBytes = 64 * 1024 * 1024;
const keepAliveMs = 65_000;

/** The serve role's HTTP server: Open Inference Protocol v2, MLflow's scoring protocol, health and metrics. */
export class InferenceServer {
  readonly #options: InferenceServerOptions;
  readonly #server: Server;
  readonly #limitBytes: number;
  readonly #settings: ServerSettings;
  readonly #postContext: PostContext;
  #draining = false;

  constructor(options: InferenceServerOptions) {
    this.#options = options;
    this.#limitBytes = options.bodyLimitBytes ?? defaultBodyLimitBytes;
    this.#settings = options.settings ?? new ServerSettings();
    this.#postContext = {
      plane: options.replica.plane,
      limitBytes: this.#limitBytes,
      repository: options.repository ?? null,
      settings: this.#settings,
    };
    this.#server = createServer({ keepAliveTimeout: keepAliveMs, noDelay: true }, (request, response) =>
      this.#onRequest(request, response),
    );
  }

  /**
   * Listens and returns the port in use. Throws `port_taken`.
   *
   * @param setting how the user names another port, for the message
   */
  listen(host: string, port: number, setting: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(error.code === 'EADDRINUSE' ? fail('port_taken', { port, host, setting }, error) : error),
      );
      this.#server.listen(port, host, () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address ? address.port : port);
      });
    });
  }

  /** Takes no new connections, answers what is under way, and returns when all of it is answered. */
  async close(): Promise<void> {
    this.#draining = true;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '/';
    const end = url.indexOf('?');
    const path = end < 0 ? url : url.slice(0, end);
    if (request.method === 'POST') {
      this.#readBody(request, response, path);
      return;
    }
    request.resume();
    if (request.method === 'GET' || request.method === 'HEAD') {
      answerGet(path, {
        ...this.#options,
        settings: this.#settings,
        ready: !this.#draining && this.#options.replica.ready,
      })
        .then((answer) => this.#send(response, answer))
        .catch((error) => this.#sendError(response, path, error));
      return;
    }
    this.#sendError(response, path, fail('route_not_found', { method: request.method, path }));
  }

  #readBody(request: IncomingMessage, response: ServerResponse, path: string): void {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= this.#limitBytes) chunks.push(chunk);
      else chunks.length = 0;
    });
    request.on('end', () => {
      if (sizeBytes > this.#limitBytes) {
        return this.#sendError(response, path, fail('payload_too_large', { limitBytes: this.#limitBytes }));
      }
      const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      answerPost(path, request.headers, body, this.#postContext).then(
        (answer) => this.#send(response, answer),
        (error) => this.#sendError(response, path, error),
      );
    });
    request.on('error', () => response.destroy());
  }

  #sendError(response: ServerResponse, path: string, thrown: unknown): void {
    const error =
      thrown instanceof MillraceError
        ? thrown
        : fail('internal', { reference: Date.now().toString(36) }, thrown);
    if (!(thrown instanceof MillraceError))
      this.#options.logger.error({ err: thrown, path, ...error.params }, error.message);
    response.setHeader('x-millrace-error', error.code);
    if (error.status === 503) response.setHeader('retry-after', '1');
    this.#send(response, errorAnswer(path, error, this.#options.errorDetail ?? false));
  }

  #send(response: ServerResponse, { status, body, contentType, headers: more }: HttpAnswer): void {
    // Answers are nearly always ASCII, which is written faster and needs no counting of bytes.
    const ascii = typeof body === 'string' && !/[^ -~\n]/.test(body);
    const headers: Record<string, string | number> = {
      'content-type': contentType,
      'content-length': ascii || typeof body !== 'string' ? body.length : Buffer.byteLength(body),
      ...more,
    };
    if (this.#draining) headers.connection = 'close';
    response.writeHead(status, headers);
    response.end(body, ascii ? 'latin1' : 'utf8');
  }
}
