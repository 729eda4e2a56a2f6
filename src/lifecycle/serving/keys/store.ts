import { type Database, type Tx, tables } from '../../../platform/db/index.ts';
import { type RouteKey, routeKeySchema } from './contract.ts';
import type { StoredKey } from './make-key.ts';

interface KeyTables {
  endpoint_keys: {
    id: string;
    name: string;
    digest: string;
    hint: string;
    scope_json: string;
    expires_at_ms: number | null;
    revoked_at_ms: number | null;
    created_by: string;
    created_at_ms: number;
  };
}

/** What `scope_json` holds. */
const scopeSchema = routeKeySchema.pick({ endpoints: true, actions: true });

/** The only reader and writer of `endpoint_keys`. */
export class KeyStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  async insert(tx: Tx, key: StoredKey): Promise<void> {
    await tables<KeyTables>(tx)
      .insertInto('endpoint_keys')
      .values({
        id: key.id,
        name: key.name,
        digest: key.digest,
        hint: key.hint,
        scope_json: JSON.stringify({ endpoints: key.endpoints, actions: key.actions }),
        expires_at_ms: key.expiresAtMs,
        revoked_at_ms: key.revokedAtMs,
        created_by: key.createdBy,
        created_at_ms: key.createdAtMs,
      })
      .execute();
  }

  async byId(id: string, tx: Tx = this.#read): Promise<StoredKey | undefined> {
    const row = await tables<KeyTables>(tx)
      .selectFrom('endpoint_keys')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && toKey(row);
  }

  /** Newest first, before an id. */
  async list(page: {
    readonly limit: number;
    readonly beforeId?: string | undefined;
  }): Promise<readonly StoredKey[]> {
    let query = tables<KeyTables>(this.#read).selectFrom('endpoint_keys').selectAll();
    if (page.beforeId !== undefined) query = query.where('id', '<', page.beforeId);
    return (await query.orderBy('id', 'desc').limit(page.limit).execute()).map(toKey);
  }

  async revoke(tx: Tx, id: string, nowMs: number): Promise<void> {
    await tables<KeyTables>(tx)
      .updateTable('endpoint_keys')
      .set({ revoked_at_ms: nowMs })
      .where('id', '=', id)
      .execute();
  }

  /** Keys that open something now, as replicas get them. */
  async active(nowMs: number): Promise<RouteKey[]> {
    const rows = await tables<KeyTables>(this.#read)
      .selectFrom('endpoint_keys')
      .selectAll()
      .where('revoked_at_ms', 'is', null)
      .where((e) => e.or([e('expires_at_ms', 'is', null), e('expires_at_ms', '>', nowMs)]))
      .orderBy('id')
      .execute();
    return rows.map((row) => {
      const { digest, endpoints, actions, expiresAtMs } = toKey(row);
      return { digest, endpoints: endpoints && [...endpoints], actions: [...actions], expiresAtMs };
    });
  }
}

function toKey(row: KeyTables['endpoint_keys']): StoredKey {
  const scope = scopeSchema.parse(JSON.parse(row.scope_json));
  return {
    id: row.id,
    name: row.name,
    digest: row.digest,
    hint: row.hint,
    endpoints: scope.endpoints,
    actions: scope.actions,
    expiresAtMs: row.expires_at_ms,
    revokedAtMs: row.revoked_at_ms,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
  };
}
