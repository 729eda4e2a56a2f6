import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { diskError } from '../../core/disk-error.ts';
import { addSearchFunctions } from '../search/sqlite-functions.ts';
import type { Database, Tx } from './database.ts';
import { Signals } from './signals.ts';
import { SqliteKysely, StatementCache } from './statements.ts';

interface QueuedWrite {
  readonly run: () => Promise<ReadonlySet<string>>;
  readonly commit: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens (or makes) a SQLite file.
 *
 * WAL with synchronous=FULL: a commit is on the disk when it is acknowledged. One connection writes, another
 * reads. Writes that are waiting at the same time share one transaction and so one sync (group commit); each
 * runs in its own savepoint, so one that throws does not touch the others.
 */
export function openSqlite(path: string): Database {
  const writer = connect(path, false);
  const reader = connect(path, true);
  const written = new StatementCache(writer);
  const writeTx = kyselyOver(written);
  const readTx = kyselyOver(new StatementCache(reader));
  const signals = new Signals();
  let queue: QueuedWrite[] = [];
  let scheduled = false;
  let isClosed = false;
  let flushing: Promise<void> = Promise.resolve();

  const flush = async (): Promise<void> => {
    const group = queue;
    queue = [];
    const done: { readonly write: QueuedWrite; readonly topics: ReadonlySet<string> }[] = [];
    try {
      writer.exec('BEGIN IMMEDIATE');
      for (const write of group) {
        writer.exec('SAVEPOINT one_write');
        written.begin();
        try {
          done.push({ write, topics: await write.run() });
          writer.exec('RELEASE one_write');
        } catch (error) {
          // A full disk ends the whole transaction inside SQLite; then there is no savepoint to go back to.
          if (!writer.isTransaction) throw error;
          written.takeBack();
          writer.exec('ROLLBACK TO one_write');
          writer.exec('RELEASE one_write');
          write.reject(diskError(error, path) ?? error);
        }
      }
      writer.exec('COMMIT');
    } catch (error) {
      written.forget();
      if (writer.isTransaction) writer.exec('ROLLBACK');
      for (const write of group) write.reject(diskError(error, path) ?? error);
      return;
    }
    for (const { write } of done) write.commit();
    signals.deliver(new Set(done.flatMap(({ topics }) => [...topics])));
  };

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    // One turn of the event loop, so that everything that arrives in this turn shares the sync.
    setImmediate(() => {
      flushing = flushing.then(async () => {
        scheduled = false;
        await flush();
      });
    });
  };

  return {
    dialect: 'sqlite',
    read: readTx,
    write<T>(change: (tx: Tx) => Promise<T>): Promise<T> {
      signals.refuseNesting();
      if (isClosed) return Promise.reject(new Error('the database is closed'));
      return new Promise<T>((resolve, reject) => {
        let value: T;
        queue.push({
          run: async () => {
            const { result, topics } = await signals.collect(() => change(writeTx));
            value = result;
            return topics;
          },
          commit: () => resolve(value),
          reject,
        });
        schedule();
      });
    },
    signal: (topic) => signals.signal(topic),
    onSignal: (topic, listener) => signals.on(topic, listener),
    scrub() {
      const done = flushing.then(() => writer.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
      flushing = done.catch(() => undefined);
      return done;
    },
    async close() {
      while (queue.length > 0 || scheduled) await new Promise((resolve) => setImmediate(resolve));
      await flushing;
      isClosed = true;
      reader.close();
      writer.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      writer.close();
    },
  };
}

function connect(path: string, readOnly: boolean): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly, timeout: 5000 });
  if (!readOnly) {
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA foreign_keys = ON');
    // What is deleted, because somebody has the right to it, is not to be found in the file.
    database.exec('PRAGMA secure_delete = ON');
  }
  database.exec('PRAGMA case_sensitive_like = ON');
  database.exec('PRAGMA cache_size = -4000');
  database.exec('PRAGMA temp_store = MEMORY');
  addSearchFunctions(database);
  return database;
}

function kyselyOver(statements: StatementCache): Tx {
  const shaped = new WeakMap<StatementSync, SqliteStatement>();
  const database: SqliteDatabase = {
    close: () => {},
    prepare: (sql) => {
      const statement = statements.prepare(sql);
      const known = shaped.get(statement) ?? shape(statement);
      shaped.set(statement, known);
      return known;
    },
  };
  return new SqliteKysely({ dialect: new SqliteDialect({ database }) }, statements);
}

/** A node:sqlite statement in the shape of better-sqlite3, which Kysely's dialect expects. */
function shape(statement: StatementSync): SqliteStatement {
  const values = (parameters: readonly unknown[]): SQLInputValue[] =>
    parameters.map((p) =>
      typeof p === 'boolean' ? Number(p) : p === undefined ? null : (p as SQLInputValue),
    );
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}
