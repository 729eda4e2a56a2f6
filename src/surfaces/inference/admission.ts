import type { IncomingHttpHeaders } from 'node:http';
import { fail } from '../../core/errors.ts';
import { type EndpointOptions, type KeyAction, KeyRing, type Plane } from '../../lifecycle/serving/index.ts';

/** What a request has taken of an endpoint's limits until it is called. */
export type Leave = () => void;

/** How much an endpoint has under way, and when its next request may come. */
interface Use {
  underWay: number;
  /** When the requests so far would have come at the allowed rate, on the monotonic clock. */
  dueMs: number;
}

/** Requests that may come at once before the rate holds: what the rate allows in this time. */
const burstMs = 1000;

/**
 * Lets requests in to an endpoint by its options: whether a key must be shown, how many requests a second and at the
 * same time. Limits are those of this process. An endpoint without any of it costs one look.
 */
export class Admission {
  readonly #plane: Plane;
  readonly #keys: KeyRing;
  readonly #uses = new Map<string, Use>();

  /** @param keys none: an endpoint that asks for a key lets nobody in */
  constructor(plane: Plane, keys: KeyRing = new KeyRing()) {
    this.#plane = plane;
    this.#keys = keys;
  }

  /**
   * Lets a request in, or throws `key_missing`, `key_refused`, `key_forbidden`, `limit_reached`. An endpoint that is not
   * known lets everything in: whoever asks for it is told so by the plane.
   *
   * @param headers HTTP headers or gRPC metadata, in lower case
   * @returns what has to be called when the answer is out; null where nothing is limited
   */
  enter(endpoint: string, action: KeyAction, headers: IncomingHttpHeaders): Leave | null {
    const options = this.#optionsOf(endpoint);
    if (!options) return null;
    if (options.requireKey) this.#keys.require(keyOf(headers), endpoint, action, Date.now());
    const { requestsPerSecond, concurrentRequests } = options.limits;
    if (action !== 'predict' || (requestsPerSecond === null && concurrentRequests === null)) return null;
    return this.#count(endpoint, requestsPerSecond, concurrentRequests);
  }

  #optionsOf(endpoint: string): EndpointOptions | null {
    try {
      return this.#plane.endpoint(endpoint).route.options;
    } catch {
      return null;
    }
  }

  #count(endpoint: string, perSecond: number | null, concurrent: number | null): Leave {
    let use = this.#uses.get(endpoint);
    if (!use) {
      use = { underWay: 0, dueMs: 0 };
      this.#uses.set(endpoint, use);
    }
    if (concurrent !== null && use.underWay >= concurrent) {
      throw tooMany(endpoint, concurrent, 'requests at the same time', 'limits.concurrentRequests', 1000);
    }
    if (perSecond !== null) {
      const nowMs = performance.now();
      const everyMs = 1000 / perSecond;
      const dueMs = Math.max(use.dueMs, nowMs) + everyMs;
      const earlyMs = dueMs - nowMs - Math.max(burstMs, everyMs);
      if (earlyMs > 0.001) {
        throw tooMany(endpoint, perSecond, 'requests a second', 'limits.requestsPerSecond', earlyMs);
      }
      use.dueMs = dueMs;
    }
    const counted = use;
    counted.underWay++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      counted.underWay--;
    };
  }
}

function tooMany(endpoint: string, limit: number, what: string, option: string, waitMs: number) {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  return fail('limit_reached', { endpoint, limit, what, option, retryAfterSeconds });
}

/** The key that a request shows: `Authorization: Bearer <key>` or `X-API-Key: <key>`; null without one. */
export function keyOf(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : null;
}
