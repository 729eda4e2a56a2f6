import type { Kysely } from 'kysely';

/** Which database it is; migrations and a few statements differ by it. */
export type DialectName = 'sqlite' | 'postgres';

/**
 * A handle to run queries with. The table types are each store's own business: `tables<DataTables>(tx)`.
 */
export type Tx = Kysely<unknown>;

/**
 * Sees a handle through a store's own table types. A cast, as no type can know which tables a database has: the
 * architecture test sees to it that a store names its own alone.
 */
export function tables<T>(tx: Tx): Kysely<T> {
  return tx as unknown as Kysely<T>;
}

/**
 * The metadata database: SQLite in the data directory, or Postgres.
 *
 * `write` is the only way to change anything. Its promise resolves after the change is durable (synced to disk).
 * The function may be run again when Postgres reports a deadlock, so it must do nothing but database calls; on
 * SQLite every writer waits for it, so it must not wait for anything else. If it throws, nothing of it is kept.
 */
export interface Database {
  readonly dialect: DialectName;
  /** Sees committed data only. */
  readonly read: Tx;
  write<T>(change: (tx: Tx) => Promise<T>): Promise<T>;
  /** Inside `write`: wakes the listeners of a topic once the change is committed, never if it is rolled back. */
  signal(topic: string): void;
  /** Calls the listener after each commit that signalled the topic. Returns the function that stops it. */
  onSignal(topic: string, listener: () => void): () => void;
  /**
   * Takes out of the files what was deleted before. SQLite overwrites it in its tables at once, and keeps what it has
   * written last beside them until this; Postgres frees what was deleted by its own vacuum, and this does nothing.
   */
  scrub(): Promise<void>;
  close(): Promise<void>;
}
