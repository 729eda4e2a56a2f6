import { z } from 'zod';
import { formatTime } from '../../../core/time.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import { type Frames, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import type { OtherHashKey, PredictionSegment } from '../contract.ts';
import { HashKeyStore } from '../store/hash-key-store.ts';

/** How deployments hash entities of logs. */
export interface LogHashing {
  /**
   * All forms that an entity may have in logs: as it is, and hashed with control's key, whether its endpoint hashes
   * now, did so once, or is gone.
   */
  readonly entityForms: (entity: string) => readonly string[];
  /** Tells the key that entities are looked for with from others. */
  readonly ownPrint: () => string;
  /** Tells the key that a replica hashes with; undefined: none, or it did not say. */
  readonly printOf: (replicaId: string) => string | undefined;
}

interface LogHashKeysOptions {
  readonly db: Database;
  readonly frames: Pick<Frames, 'query'>;
  /** Nothing is hashed unless given. */
  readonly hashing: LogHashing | undefined;
}

const noHashing: LogHashing = {
  entityForms: (entity) => [entity],
  ownPrint: () => '',
  printOf: () => undefined,
};

const counted = z.object({ hashed: z.int() });

/**
 * Which keys the entities of a log were hashed with. What another key than control's hashed is found by nobody who
 * asks for an entity: neither a search nor an erasure may say "nothing" of it without saying that.
 */
export class LogHashKeys {
  readonly #store: HashKeyStore;
  /** See `LogHashing`. */
  readonly entityForms: LogHashing['entityForms'];
  readonly #hashing: LogHashing;
  readonly #frames: Pick<Frames, 'query'>;

  constructor({ db, frames, hashing = noHashing }: LogHashKeysOptions) {
    this.#store = new HashKeyStore(db);
    this.entityForms = hashing.entityForms;
    this.#hashing = hashing;
    this.#frames = frames;
  }

  /** What is to be noted of a segment that comes in, once it has been taken. Its replica must be known. */
  async notesOf(segment: PredictionSegment, path: string): Promise<(tx: Tx) => Promise<void>> {
    const { replicaId, endpoint, minEventTimeMs, maxEventTimeMs } = segment;
    const keyPrint = replicaId === undefined ? undefined : this.#hashing.printOf(replicaId);
    if (replicaId === undefined || keyPrint === undefined) return async () => undefined;
    const [row] = await typedRows(
      this.#frames,
      counted,
      `SELECT count(*) AS hashed FROM read_parquet(${sqlLiteral(path)}) WHERE entity LIKE 'h:%' AND length(entity) = 24`,
    );
    const rows = row?.hashed ?? 0;
    if (rows === 0) return async () => undefined;
    return (tx) =>
      this.#store.add(tx, { endpoint, replicaId, keyPrint, rows, minEventTimeMs, maxEventTimeMs });
  }

  /**
   * Rows among which an entity may be without being found, by endpoint and replica. None when it is asked for as a
   * row shows it, hashed.
   *
   * @param endpoint null: of all
   */
  async others(
    entity: string,
    endpoint: string | null,
    range: { readonly fromMs?: number | undefined; readonly toMs?: number | undefined } = {},
  ): Promise<readonly OtherHashKey[]> {
    const all = this.entityForms(entity).length > 1 ? await this.#store.of(endpoint) : [];
    if (all.length === 0) return [];
    const own = this.#hashing.ownPrint();
    const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY } = range;
    return all
      .filter((k) => k.keyPrint !== own && k.maxEventTimeMs >= fromMs && k.minEventTimeMs < toMs)
      .map(({ endpoint, replicaId, keyPrint, rows, minEventTimeMs, maxEventTimeMs }) => {
        const [from, to] = [formatTime(minEventTimeMs), formatTime(maxEventTimeMs)];
        return { endpoint, replicaId, logHashKey: keyPrint, rows, from, to };
      });
  }

  /** Forgets what is older than an endpoint keeps. */
  async forget(tx: Tx, endpoint: string, beforeMs: number): Promise<void> {
    await this.#store.removeBefore(tx, endpoint, beforeMs);
  }
}
