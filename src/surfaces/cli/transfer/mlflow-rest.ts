import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../../core/errors.ts';
import { bytesOf } from '../../../platform/client/index.ts';
import type { Json } from './mlflow-json.ts';

const tries = 6;
const passing = new Set([408, 429, 500, 502, 503, 504]);

/** The REST API of a MLflow server, with the credentials that its own client would use. */
export class MlflowRest {
  /** Without credentials and without a slash at its end. */
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, env: Readonly<Record<string, string | undefined>>) {
    const parsed = new URL(url);
    const user = decodeURIComponent(parsed.username) || env.MLFLOW_TRACKING_USERNAME;
    const password = decodeURIComponent(parsed.password) || env.MLFLOW_TRACKING_PASSWORD;
    parsed.username = '';
    parsed.password = '';
    this.url = parsed.href.replace(/\/+$/, '');
    const basic = user && password ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` : '';
    const token = env.MLFLOW_TRACKING_TOKEN;
    const authorization = basic || (token ? `Bearer ${token}` : '');
    this.#headers = authorization === '' ? {} : { authorization };
  }

  /** GET of `/api/2.0/mlflow/<path>`. */
  async get(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<Json> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return this.#json(`/api/2.0/mlflow/${path}?${new URLSearchParams(given)}`, {});
  }

  /** POST of JSON to `/api/2.0/mlflow/<path>`. */
  async post(path: string, body: unknown): Promise<Json> {
    const headers = { 'content-type': 'application/json' };
    return this.#json(`/api/2.0/mlflow/${path}`, { method: 'POST', body: JSON.stringify(body), headers });
  }

  /** The same, but null where the server has no such endpoint. */
  async postIfKnown(path: string, body: unknown): Promise<Json | null> {
    try {
      return await this.post(path, body);
    } catch (error) {
      if ((error as { params?: { status?: number } }).params?.status === 404) return null;
      throw error;
    }
  }

  /** JSON below the server's root. */
  async json(path: string): Promise<Json> {
    return this.#json(path, {});
  }

  /** The bytes of a file below the server's root, as a stream. */
  async file(path: string): Promise<Readable> {
    const response = await this.#fetch(path, {});
    return bytesOf(response);
  }

  async #json(path: string, init: RequestInit): Promise<Json> {
    const response = await this.#fetch(path, init);
    const body = await response.text();
    try {
      return JSON.parse(body) as Json;
    } catch (error) {
      const problem = `${path.split('?')[0]} answered no JSON: ${body.slice(0, 100)}`;
      throw fail('import_source_unreadable', { source: this.url, problem }, error);
    }
  }

  /** Tries again where that may help: the server is away for a moment, or overloaded. */
  async #fetch(path: string, init: RequestInit): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      let problem: string;
      let status = 0;
      try {
        const headers = { ...this.#headers, ...init.headers };
        const response = await fetch(this.url + path, { ...init, headers });
        if (response.ok) return response;
        status = response.status;
        problem = `${path.split('?')[0]} answered ${status}: ${(await response.text()).slice(0, 300)}`;
        if (!passing.has(status)) throw fail('import_source_refused', { source: this.url, problem, status });
      } catch (error) {
        if ((error as { code?: string }).code === 'import_source_refused') throw error;
        const cause = (error as { cause?: Error }).cause ?? (error as Error);
        problem = cause.message || (cause as NodeJS.ErrnoException).code || String(cause);
      }
      if (attempt >= tries) throw fail('import_source_unreadable', { source: this.url, problem });
      await sleep(100 * 2 ** attempt);
    }
  }
}
