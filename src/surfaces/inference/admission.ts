import type { IncomingHttpHeaders } from 'node:http';
import { fail } from '../../core/errors.ts';
import { type EndpointOptions, type KeyAction, KeyRing, type Plane } from '../../lifecycle/serving/index.ts';
import { type Limit, type LimitSource, type LimitSpec, localLimits } from '../../platform/limits/index.ts';

/** What a request has taken of an endpoint's limits until it is called. */
export type Leave = () => void;

/** The limits of an endpoint, as its options have them now. */
interface EndpointLimits {
  readonly options: EndpointOptions['limits'];
  readonly concurrent: Limit | null;
  readonly rate: Limit | null;
}

/**
 * Lets requests in to an endpoint by its options: whether a key must be shown, how many requests a second and at the
 * same time. Limits hold for all processes that the source of limits counts for. An endpoint without any of it costs
 * one look, one with limits a counter.
 */
export class Admission {
  readonly #plane: Plane;
  readonly #keys: KeyRing;
  readonly #source: LimitSource;
  readonly #guardsMetrics: boolean;
  readonly #limits = new Map<string, EndpointLimits>();

  /**
   * @param keys none: an endpoint that asks for a key lets nobody in
   * @param guardsMetrics whether metrics, which name all endpoints, are told to callers with a key for all of them alone
   */
  constructor(
    plane: Plane,
    keys: KeyRing = new KeyRing(),
    source: LimitSource = localLimits,
    guardsMetrics = false,
  ) {
    this.#plane = plane;
    this.#keys = keys;
    this.#source = source;
    this.#guardsMetrics = guardsMetrics;
  }

  /**
   * Which endpoints a caller finds in lists: those that ask for no key, and those that the caller's key is good for. A
   * model that is not in service asks for a key where models do unless they say otherwise.
   */
  sees(headers: IncomingHttpHeaders): (endpoint: string) => boolean {
    const key = keyOf(headers);
    return (endpoint) => {
      const options = this.#optionsOf(endpoint);
      const isOpen = options ? !options.requireKey : !this.#keys.guardsChanges;
      return isOpen || (key !== null && this.#keys.knows(key, endpoint, Date.now()));
    };
  }

  /** Throws `key_missing`, `key_refused`, `key_forbidden` where metrics ask for a key and this caller has no such. */
  enterMetrics(headers: IncomingHttpHeaders): void {
    if (this.#guardsMetrics) this.#keys.require(keyOf(headers), '/metrics', 'inspect', Date.now());
  }

  /**
   * Lets a request in, or throws (rejects with) `key_missing`, `key_refused`, `key_forbidden`, `limit_reached`. An
   * endpoint that is not known lets everything in: whoever asks for it is told so by the plane.
   *
   * @param headers HTTP headers or gRPC metadata, in lower case
   * @returns what has to be called when the answer is out; null where nothing is limited; a promise where other
   * processes have to be asked first
   */
  enter(
    endpoint: string,
    action: KeyAction,
    headers: IncomingHttpHeaders,
  ): Leave | null | Promise<Leave | null> {
    if (action === 'manage') {
      if (this.#keys.guardsChanges) this.#keys.require(keyOf(headers), endpoint, action, Date.now());
      return null;
    }
    const options = this.#optionsOf(endpoint);
    if (!options) return null;
    if (options.requireKey) this.#keys.require(keyOf(headers), endpoint, action, Date.now());
    const { requestsPerSecond, concurrentRequests } = options.limits;
    if (action !== 'predict' || (requestsPerSecond === null && concurrentRequests === null)) return null;
    return this.#take(endpoint, this.#limitsOf(endpoint, options.limits));
  }

  /** Whether an endpoint asks for a key or limits its requests. */
  restricts(endpoint: string): boolean {
    const options = this.#optionsOf(endpoint);
    if (!options) return false;
    const { requestsPerSecond, concurrentRequests } = options.limits;
    return options.requireKey || requestsPerSecond !== null || concurrentRequests !== null;
  }

  #optionsOf(endpoint: string): EndpointOptions | null {
    try {
      return this.#plane.endpoint(endpoint).route.options;
    } catch {
      return null;
    }
  }

  #limitsOf(endpoint: string, options: EndpointOptions['limits']): EndpointLimits {
    const known = this.#limits.get(endpoint);
    if (known?.options === options) return known;
    const { requestsPerSecond, concurrentRequests } = options;
    const limits: EndpointLimits = {
      options,
      concurrent: this.#limit(known, endpoint, 'concurrent', concurrentRequests),
      rate: this.#limit(known, endpoint, 'rate', requestsPerSecond),
    };
    this.#limits.set(endpoint, limits);
    return limits;
  }

  /** The limit of that size; the one that is counted already where nothing changed. */
  #limit(
    known: EndpointLimits | undefined,
    endpoint: string,
    kind: LimitSpec['kind'],
    limit: number | null,
  ): Limit | null {
    if (limit === null) return null;
    const before = kind === 'rate' ? known?.options.requestsPerSecond : known?.options.concurrentRequests;
    if (known && before === limit) return kind === 'rate' ? known.rate : known.concurrent;
    return this.#source({ name: `${kind} ${limit} ${endpoint}`, kind, limit });
  }

  #take(endpoint: string, limits: EndpointLimits): Leave | Promise<Leave> {
    const waitMs = limits.concurrent?.take() ?? 0;
    if (typeof waitMs !== 'number') return waitMs.then((ms) => this.#takeRate(endpoint, limits, ms));
    return this.#takeRate(endpoint, limits, waitMs);
  }

  #takeRate(endpoint: string, limits: EndpointLimits, concurrentMs: number): Leave | Promise<Leave> {
    const { options, concurrent, rate } = limits;
    if (concurrentMs > 0) {
      const { concurrentRequests: most } = options;
      throw tooMany(endpoint, most, 'requests at the same time', 'limits.concurrentRequests', concurrentMs);
    }
    const decided = (waitMs: number): Leave => {
      if (waitMs <= 0) return leaveOnce(concurrent);
      concurrent?.leave();
      const { requestsPerSecond: most } = options;
      throw tooMany(endpoint, most, 'requests a second', 'limits.requestsPerSecond', waitMs);
    };
    const waitMs = rate?.take() ?? 0;
    return typeof waitMs === 'number' ? decided(waitMs) : waitMs.then(decided);
  }
}

function leaveOnce(limit: Limit | null): Leave {
  let left = false;
  return () => {
    if (left) return;
    left = true;
    limit?.leave();
  };
}

function tooMany(endpoint: string, limit: number | null, what: string, option: string, waitMs: number) {
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
