import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 60_000;
const pauseMs = 100;

/** The REST API as any program would use it. Calls wait for control while it is away (being restarted). */
export class Api {
  readonly url: string;
  /** Calls that were repeated because control was away. */
  retried = 0;

  constructor(url: string) {
    this.url = url;
  }

  get<T>(path: string): Promise<T> {
    return this.#call('GET', path) as Promise<T>;
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#call('POST', path, body) as Promise<T>;
  }

  /** The status with which a browser gets a page. */
  async pageStatus(path: string): Promise<number> {
    const response = await fetch(this.url + path, { headers: { accept: 'text/html' } });
    await response.body?.cancel();
    return response.status;
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
      headers['idempotency-key'] = randomUUID();
    }
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const giveUpMs = performance.now() + patienceMs;
    for (;;) {
      try {
        const response = await fetch(this.url + path, init);
        const text = await response.text();
        if (response.ok) return text === '' ? undefined : JSON.parse(text);
        if (response.status !== 503 || performance.now() > giveUpMs) {
          throw new ApiError(`${method} ${path}: ${response.status} ${problemText(text)}`);
        }
      } catch (error) {
        if (error instanceof ApiError) throw error;
        if (performance.now() > giveUpMs) {
          throw new ApiError(`${method} ${this.url}${path}: no answer for a minute (${causeOf(error)})`);
        }
      }
      this.retried++;
      await sleep(pauseMs);
    }
  }
}

/** The API refused a call, or is away for too long. */
class ApiError extends Error {}

function problemText(text: string): string {
  try {
    const { detail, title, next } = JSON.parse(text) as Record<string, string | undefined>;
    return [detail ?? title, next].filter(Boolean).join(' ');
  } catch {
    return text.slice(0, 400);
  }
}

function causeOf(error: unknown): string {
  const cause = (error as { cause?: { message?: string } }).cause;
  return cause?.message ?? (error as Error).message;
}
