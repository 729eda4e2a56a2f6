import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { errorMessage } from '../../core/error-message.ts';
import type { FramesOptions } from './frames.ts';
import { framesError } from './frames-error.ts';
import { memoryLimitOf } from './memory-limit.ts';
import { openDuckdb } from './open-duckdb.ts';

/** Some rows of a result, at most 2,048, as DuckDB holds them: by column. */
export class FrameChunk {
  readonly #chunk: DuckDBDataChunk;

  constructor(chunk: DuckDBDataChunk) {
    this.#chunk = chunk;
  }

  get rowCount(): number {
    return this.#chunk.rowCount;
  }

  /** A column of DOUBLE without NULL, into an array that the caller may use again. */
  doubles(column: number, into: Float64Array): Float64Array {
    const vector = this.#chunk.getColumnVector(column);
    const count = this.rowCount;
    for (let row = 0; row < count; row++) into[row] = vector.getItem(row) as number;
    return into;
  }

  /** A column of any type; integers as numbers where they are exact, lists as arrays, NULL as null. */
  values(column: number): unknown[] {
    const vector = this.#chunk.getColumnVector(column);
    return Array.from({ length: this.rowCount }, (_, row) => plain(vector.getItem(row)));
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items))
    return value.items.map(plain);
  return value;
}

/** Adds rows to a table, by column. */
export class TableWriter {
  readonly #appender: DuckDBAppender;

  constructor(appender: DuckDBAppender) {
    this.#appender = appender;
  }

  /** Adds at most 2,048 rows; one array per column of the table. */
  append(columns: readonly ArrayLike<unknown>[], rowCount: number): void {
    const types = columns.map((_, i): DuckDBType => this.#appender.columnType(i));
    const chunk = DuckDBDataChunk.create(types, rowCount);
    for (const [i, column] of columns.entries()) {
      const vector = chunk.getColumnVector(i);
      for (let row = 0; row < rowCount; row++) vector.setItem(row, column[row] as DuckDBValue);
      vector.flush();
    }
    this.#appender.appendDataChunk(chunk);
  }

  /** Makes everything that was added visible, and ends the writer. */
  close(): void {
    this.#appender.closeSync();
  }
}

/**
 * DuckDB in this very process, for programs that pass millions of rows through JavaScript: values come as DuckDB's own
 * vectors and are never copied between processes. For a process of its own; elsewhere `Frames` is right.
 * Errors: `frames_failed` with DuckDB's message, `disk_full`.
 */
export class DirectFrames {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #temporaryDirectory: string;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, temporaryDirectory: string) {
    this.#temporaryDirectory = temporaryDirectory;
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open({ memoryLimit, temporaryDirectory, threads }: FramesOptions): Promise<DirectFrames> {
    const instance = await openDuckdb({
      memory_limit: memoryLimitOf(memoryLimit),
      temp_directory: temporaryDirectory,
      threads: String(threads),
    });
    return new DirectFrames(instance, await instance.connect(), temporaryDirectory);
  }

  /** Runs a statement whose result does not matter. */
  async run(sql: string): Promise<void> {
    await this.#told(this.#connection.run(sql));
  }

  /** The rows of a small result; integers as numbers where they are exact. */
  async query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const reader = await this.#told(this.#connection.runAndReadAll(sql));
    return reader
      .getRowObjects()
      .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])));
  }

  /** A result of any size, chunk by chunk, on a connection of its own. A chunk is good until the next one is asked for. */
  async *stream(sql: string): AsyncGenerator<FrameChunk, void, undefined> {
    const connection = await this.#instance.connect();
    try {
      const result = await this.#told(connection.stream(sql));
      for (;;) {
        const chunk = await this.#told(result.fetchChunk());
        if (!chunk || chunk.rowCount === 0) return;
        yield new FrameChunk(chunk);
      }
    } finally {
      connection.closeSync();
    }
  }

  async writer(table: string): Promise<TableWriter> {
    return new TableWriter(await this.#told(this.#connection.createAppender(table)));
  }

  async #told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const problem = errorMessage(error);
      throw framesError(problem, this.#temporaryDirectory, error);
    }
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}
