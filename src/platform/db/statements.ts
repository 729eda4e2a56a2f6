import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { CompiledQuery, Kysely, type KyselyConfig } from 'kysely';
import type { Tx } from './database.ts';

/** What may stand for a `?`. */
export type SqlParameter = string | number | null | Uint8Array;
/** An array of Postgres. */
type SqlList = readonly (string | number | null)[];

/**
 * SQL written by hand, for paths on which building a query costs more than running it. Parameters are `?` on
 * both databases; so the text may hold no other question mark.
 */
export interface Statements {
  all<R>(text: string, parameters: readonly (SqlParameter | SqlList)[]): Promise<readonly R[]>;
}

/**
 * The same without waiting, on SQLite alone. Each text is prepared once per connection, so it should not differ
 * from call to call.
 */
export interface SqliteStatements {
  all<R>(text: string, ...parameters: readonly SqlParameter[]): readonly R[];
  /** The first row. */
  get<R>(text: string, ...parameters: readonly SqlParameter[]): R | undefined;
  /** @returns how many rows changed */
  run(text: string, ...parameters: readonly SqlParameter[]): number;
  /**
   * What a store keeps in memory of what it wrote on this connection, made when there is none. All of it is
   * forgotten when a write that asked for it is taken back.
   */
  remembered<T>(name: string, make: () => T): T;
}

/** Statements by hand on a handle of either database. */
export function statements(tx: Tx): Statements {
  const sqlite = sqliteStatements(tx);
  if (sqlite) {
    return { all: async (text, parameters) => sqlite.all(text, ...(parameters as readonly SqlParameter[])) };
  }
  return {
    async all<R>(text: string, parameters: readonly (SqlParameter | SqlList)[]) {
      let n = 0;
      const numbered = text.replaceAll('?', () => `$${++n}`);
      return (await tx.executeQuery<R>(CompiledQuery.raw(numbered, [...parameters]))).rows;
    },
  };
}

/** Statements that run at once, or undefined on Postgres. */
export function sqliteStatements(tx: Tx): SqliteStatements | undefined {
  return tx instanceof SqliteKysely ? tx.statements : undefined;
}

/** Kysely over a SQLite connection, with the way past it. */
export class SqliteKysely extends Kysely<unknown> {
  readonly statements: SqliteStatements;

  constructor(config: KyselyConfig, statements: SqliteStatements) {
    super(config);
    this.statements = statements;
  }
}

/** How many prepared statements a connection keeps, and how long their text may be: long ones are seldom alike. */
const keptStatements = 500;
const keptTextLength = 8000;

/** The prepared statements of one connection. */
export class StatementCache implements SqliteStatements {
  readonly #remembered = new Map<string, unknown>();
  #isAskedFor = false;
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  remembered<T>(name: string, make: () => T): T {
    this.#isAskedFor = true;
    if (!this.#remembered.has(name)) this.#remembered.set(name, make());
    return this.#remembered.get(name) as T;
  }

  /** A write begins. */
  begin(): void {
    this.#isAskedFor = false;
  }

  /** The write since `begin` was taken back. */
  takeBack(): void {
    if (this.#isAskedFor) this.forget();
  }

  forget(): void {
    this.#remembered.clear();
  }

  prepare(text: string): StatementSync {
    const known = this.#prepared.get(text);
    if (known) return known;
    const statement = this.#database.prepare(text);
    if (text.length > keptTextLength) return statement;
    if (this.#prepared.size >= keptStatements) {
      this.#prepared.delete(this.#prepared.keys().next().value ?? '');
    }
    this.#prepared.set(text, statement);
    return statement;
  }

  all<R>(text: string, ...parameters: readonly SqlParameter[]): readonly R[] {
    return this.prepare(text).all(...(parameters as SQLInputValue[])) as R[];
  }

  get<R>(text: string, ...parameters: readonly SqlParameter[]): R | undefined {
    return this.prepare(text).get(...(parameters as SQLInputValue[])) as R | undefined;
  }

  run(text: string, ...parameters: readonly SqlParameter[]): number {
    return Number(this.prepare(text).run(...(parameters as SQLInputValue[])).changes);
  }
}
