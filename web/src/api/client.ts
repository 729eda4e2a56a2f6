import { pathPrefix } from './prefix.ts';
import { answerOf, isOwnProblem, problemOf } from './problem.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** One page of a list: keyset paging, `next` is the cursor of the following page. */
export type Page<T> = { readonly items: readonly T[]; readonly next: string | null };

/** Path below /api/v1 with its query string; undefined values are left out. */
export function apiUrl(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(key, String(value));
  }
  const text = params.toString();
  return `${pathPrefix}/api/v1${path}${text ? `?${text}` : ''}`;
}

/** GET, parsed. Throws ProblemError for any answer but 2xx and TypeError when nothing answers. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const response = await fetch(apiUrl(path, query), {
    headers: { accept: 'application/json' },
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) throw await problemOf(response);
  return answerOf<T>(response);
}

/** POST; what `send` says holds. */
export const post = <T>(path: string, body: unknown = {}): Promise<T> => send<T>('POST', path, body);

/** Idempotency keys of changes that were asked for and never answered, by what was asked. */
const unanswered = new Map<string, string>();

/**
 * A change. Without a body when `body` is left out. The idempotency key is a fresh one, but where the same was asked for
 * and nothing answered: it may have been done all the same, and is not done twice.
 */
export async function send<T>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  query: Query = {},
): Promise<T> {
  const url = apiUrl(path, query);
  const json = body === undefined ? undefined : JSON.stringify(body);
  const asked = `${method} ${url} ${json ?? ''}`;
  const key = unanswered.get(asked) ?? newKey();
  unanswered.delete(asked);
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        'idempotency-key': key,
      },
      ...(json === undefined ? {} : { body: json }),
    });
    if (!response.ok) throw await problemOf(response);
    return response.status === 204 ? (undefined as T) : await answerOf<T>(response);
  } catch (error) {
    if (!isOwnProblem(error)) unanswered.set(asked, key);
    throw error;
  }
}

/**
 * A call of MLflow's own API, for what the registry keeps for its clients alone: stages, and tags of versions. Its
 * errors are MLflow's, and become problems.
 */
export async function mlflow(method: 'POST' | 'DELETE', path: string, body: unknown): Promise<void> {
  const response = await fetch(`${pathPrefix}/ajax-api/2.0/mlflow/${path}`, {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw await problemOf(response);
  await response.body?.cancel();
}

/** A random key; `crypto.randomUUID` is there only on safe origins, and a server on a plain LAN address is none. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
