import type { Actor } from '../../platform/access/index.ts';
import { type Database, type Tx, tables } from '../../platform/db/index.ts';
import { type Erasure, type ErasureResult, erasureResultSchema } from './contract.ts';

/** An erasure as it is kept. */
export interface StoredErasure {
  readonly id: string;
  /** Whose data goes, as the secrets of this deployment are kept; null when it is gone. */
  readonly sealedEntity: string | null;
  readonly endpoint: string | null;
  readonly reason: string;
  readonly actor: Actor;
  readonly status: Erasure['status'];
  readonly attempts: number;
  readonly problem: string | null;
  readonly result: ErasureResult;
  readonly requestedAtMs: number;
  /** When it may be begun (again); null while it is under way, and behind its end. */
  readonly nextAttemptAtMs: number | null;
  readonly endedAtMs: number | null;
}

interface ErasureRow {
  readonly id: string;
  readonly sealed_entity: string | null;
  readonly endpoint: string | null;
  readonly reason: string;
  readonly actor_kind: Actor['kind'];
  readonly actor_id: string;
  readonly status: Erasure['status'];
  readonly attempts: number;
  readonly problem: string | null;
  readonly result_json: string;
  readonly requested_at_ms: number;
  readonly next_attempt_at_ms: number | null;
  readonly ended_at_ms: number | null;
}

interface GovernanceTables {
  erasures: ErasureRow;
}

/** The only reader and writer of `erasures`. */
export class ErasureStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  async put(tx: Tx, erasure: StoredErasure): Promise<void> {
    const row: ErasureRow = {
      id: erasure.id,
      sealed_entity: erasure.sealedEntity,
      endpoint: erasure.endpoint,
      reason: erasure.reason,
      actor_kind: erasure.actor.kind,
      actor_id: erasure.actor.id,
      status: erasure.status,
      attempts: erasure.attempts,
      problem: erasure.problem,
      result_json: JSON.stringify(erasure.result),
      requested_at_ms: erasure.requestedAtMs,
      next_attempt_at_ms: erasure.nextAttemptAtMs,
      ended_at_ms: erasure.endedAtMs,
    };
    await tables<GovernanceTables>(tx)
      .insertInto('erasures')
      .values(row)
      .onConflict((c) => c.column('id').doUpdateSet(row))
      .execute();
  }

  async byId(id: string): Promise<StoredErasure | undefined> {
    const row = await tables<GovernanceTables>(this.#read)
      .selectFrom('erasures')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && toErasure(row);
  }

  /** Newest first, before an id. */
  async list({ limit, afterId }: { readonly limit: number; readonly afterId?: string | undefined }) {
    let query = tables<GovernanceTables>(this.#read)
      .selectFrom('erasures')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(limit);
    if (afterId !== undefined) query = query.where('id', '<', afterId);
    return (await query.execute()).map(toErasure);
  }

  /** Those that have not ended, in the order in which they were asked for. */
  async open(): Promise<readonly StoredErasure[]> {
    const rows = await tables<GovernanceTables>(this.#read)
      .selectFrom('erasures')
      .selectAll()
      .where('ended_at_ms', 'is', null)
      .orderBy('id')
      .execute();
    return rows.map(toErasure);
  }
}

function toErasure(row: ErasureRow): StoredErasure {
  return {
    id: row.id,
    sealedEntity: row.sealed_entity,
    endpoint: row.endpoint,
    reason: row.reason,
    actor: { kind: row.actor_kind, id: row.actor_id },
    status: row.status,
    attempts: row.attempts,
    problem: row.problem,
    result: erasureResultSchema.parse(JSON.parse(row.result_json)),
    requestedAtMs: row.requested_at_ms,
    nextAttemptAtMs: row.next_attempt_at_ms,
    endedAtMs: row.ended_at_ms,
  };
}
