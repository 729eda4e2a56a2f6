import { fail } from '../../../core/errors.ts';
import { type Clock, wallClock } from '../../../core/time.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Database } from '../../../platform/db/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import {
  type CreatedEndpointKey,
  type CreateEndpointKey,
  createEndpointKeySchema,
  type EndpointKey,
} from './contract.ts';
import { makeKey } from './make-key.ts';
import { KeyStore } from './store.ts';
import { toResource } from './to-resource.ts';

/** Keys of endpoints: made once, shown once, kept by their digest, and gone from every replica as soon as revoked. */
export class KeyService {
  readonly #db: Database;
  readonly #journal: Journal;
  readonly #store: KeyStore;
  readonly #clock: Clock;
  readonly #changed: () => void;

  /** @param options.changed is called in the transaction of a change, so that replicas get the keys that are left */
  constructor(options: {
    readonly db: Database;
    readonly journal: Journal;
    readonly changed: () => void;
    readonly clock?: Clock;
  }) {
    this.#db = options.db;
    this.#journal = options.journal;
    this.#store = new KeyStore(options.db);
    this.#clock = options.clock ?? wallClock;
    this.#changed = options.changed;
  }

  /** Makes a key. Throws `invalid_time`, `invalid_input` for an end that is past. */
  async create(actor: Actor, input: CreateEndpointKey): Promise<CreatedEndpointKey> {
    authorize(actor, 'serving:write');
    const { name, endpoints, actions, expiresAt, reason } = createEndpointKeySchema.parse(input);
    const { key, stored } = makeKey(input, `${actor.kind}:${actor.id}`, this.#clock.nowMs());
    await this.#db.write(async (tx) => {
      await this.#store.insert(tx, stored);
      const after = { name, hint: stored.hint, endpoints, actions, expiresAt };
      const subject = { kind: 'endpoint-key', id: stored.id };
      await this.#journal.appendAudit(tx, { actor, action: 'endpoint-key:create', subject, after, reason });
      this.#changed();
    });
    return { ...toResource(stored), key };
  }

  async list(
    actor: Actor,
    page: { readonly limit: number; readonly beforeId?: string | undefined },
  ): Promise<readonly EndpointKey[]> {
    authorize(actor, 'read');
    return (await this.#store.list(page)).map(toResource);
  }

  /** Ends a key; one that is revoked stays so. Throws `not_found`. */
  async revoke(actor: Actor, id: string, reason: string): Promise<EndpointKey> {
    authorize(actor, 'serving:write');
    const revoked = await this.#db.write(async (tx) => {
      const key = await this.#store.byId(id, tx);
      if (!key) throw fail('not_found', { kind: 'endpoint key', id, list: '/api/v1/endpoint-keys' });
      if (key.revokedAtMs !== null) return key;
      const nowMs = this.#clock.nowMs();
      await this.#store.revoke(tx, id, nowMs);
      const before = { name: key.name, hint: key.hint };
      const subject = { kind: 'endpoint-key', id };
      await this.#journal.appendAudit(tx, { actor, action: 'endpoint-key:revoke', subject, before, reason });
      this.#changed();
      return { ...key, revokedAtMs: nowMs };
    });
    return toResource(revoked);
  }
}
