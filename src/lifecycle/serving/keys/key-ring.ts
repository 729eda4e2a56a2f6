import { hash } from 'node:crypto';
import { fail } from '../../../core/errors.ts';
import type { KeyAction, RouteKey } from './contract.ts';

/** SHA-256 of a key in hex: what is kept of it. */
export function digestOfKey(key: string): string {
  return hash('sha256', key, 'hex');
}

interface KnownKey {
  /** Null: every endpoint. */
  readonly endpoints: ReadonlySet<string> | null;
  readonly actions: ReadonlySet<KeyAction>;
  readonly expiresAtMs: number | null;
}

/** The keys that a replica knows, by their digests. */
export class KeyRing {
  /** Whether models are loaded and unloaded by callers with a key alone. */
  readonly guardsChanges: boolean;
  #keys: ReadonlyMap<string, KnownKey> = new Map();

  constructor({ guardsChanges = false }: { readonly guardsChanges?: boolean } = {}) {
    this.guardsChanges = guardsChanges;
  }

  /** Puts a list of keys in force, in place of the one before. */
  set(keys: readonly RouteKey[]): void {
    this.#keys = new Map(
      keys.map(({ digest, endpoints, actions, expiresAtMs }) => [
        digest,
        { endpoints: endpoints && new Set(endpoints), actions: new Set(actions), expiresAtMs },
      ]),
    );
  }

  /** Is the key good for anything at this endpoint? */
  knows(key: string, endpoint: string, nowMs: number): boolean {
    const known = this.#known(key, nowMs);
    return known !== null && (known.endpoints === null || known.endpoints.has(endpoint));
  }

  /**
   * Throws `key_missing` without a key, `key_refused` for one that is not known or has expired, `key_forbidden` for one
   * that was made for other endpoints or actions.
   */
  require(key: string | null, endpoint: string, action: KeyAction, nowMs: number): void {
    if (key === null) throw fail('key_missing', { endpoint });
    const known = this.#known(key, nowMs);
    if (!known) throw fail('key_refused', {});
    const mayAct = known.actions.has(action) || (action === 'inspect' && known.actions.has('predict'));
    if (mayAct && (known.endpoints === null || known.endpoints.has(endpoint))) return;
    throw fail('key_forbidden', { action, endpoint });
  }

  #known(key: string, nowMs: number): KnownKey | null {
    // Looked up by its digest: how long that takes tells nothing about the keys that there are.
    const known = this.#keys.get(digestOfKey(key));
    return known && (known.expiresAtMs === null || known.expiresAtMs > nowMs) ? known : null;
  }
}
