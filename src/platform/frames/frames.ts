import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fail, MillraceError } from '../../core/errors.ts';
import { installationDirectory } from '../../core/installation.ts';
import { framesError } from './frames-error.ts';
import { memoryLimitOf } from './memory-limit.ts';
import type { FrameParameter, FramesReply, FramesRequest } from './protocol.ts';

/** How much of the machine the child process may take. */
export interface FramesOptions {
  /** Where DuckDB spills what does not fit into its memory. */
  readonly temporaryDirectory: string;
  /** DuckDB's memory limit, for instance `1GB`. */
  readonly memoryLimit: string;
  readonly threads: number;
  /** Leaves the processor to the process beside it, which answers requests. */
  readonly isBackground?: boolean;
}

/** A result by columns: `columns[i][row]` belongs to `names[i]`. */
export interface FrameColumns {
  readonly names: readonly string[];
  readonly columns: readonly (readonly unknown[])[];
}

/** A row of a result by column: times as epoch milliseconds, integers beyond 2^53 as text, NULL as null. */
export type FrameRow = Readonly<Record<string, unknown>>;

/**
 * Heavy queries over Parquet, CSV and JSON files, by DuckDB in a child process with a memory limit: a query can
 * be slow or die, it cannot take this process down. The child starts with the first query and again after a
 * crash.
 *
 * Values arrive as: integers and decimals as numbers (beyond 2^53 as text), dates and timestamps as epoch
 * milliseconds, NaN as NaN, NULL as null, lists and structs as arrays and objects.
 * Errors: `frames_failed` with DuckDB's message, `disk_full`.
 */
export class Frames {
  readonly #options: FramesOptions;
  readonly #waiting = new Map<number, { resolve(reply: FramesReply): void; reject(error: unknown): void }>();
  readonly #failed: ((reason: string) => void)[] = [];
  #child: ChildProcess | undefined;
  #nextId = 1;

  constructor(options: FramesOptions) {
    this.#options = options;
  }

  async columns(
    sql: string,
    parameters: readonly FrameParameter[] = [],
    signal?: AbortSignal,
  ): Promise<FrameColumns> {
    signal?.throwIfAborted();
    const id = this.#nextId++;
    const cancel = () => this.#send({ id: this.#nextId++, type: 'cancel', target: id });
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const reply = await new Promise<FramesReply>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        this.#send({ id, type: 'query', sql, parameters });
      });
      if (reply.ok) return reply;
      signal?.throwIfAborted();
      for (const hear of this.#failed) hear(reply.problem);
      throw framesError(reply.problem, this.#options.temporaryDirectory);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async query(
    sql: string,
    parameters: readonly FrameParameter[] = [],
    signal?: AbortSignal,
  ): Promise<readonly FrameRow[]> {
    const { names, columns } = await this.columns(sql, parameters, signal);
    const length = columns[0]?.length ?? 0;
    return Array.from({ length }, (_, row) =>
      Object.fromEntries(names.map((name, column) => [name, columns[column]?.[row]])),
    );
  }

  /** Has somebody hear of queries that fail: DuckDB's message, which names a file that it could not read. */
  onFailed(hear: (reason: string) => void): void {
    this.#failed.push(hear);
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      // Held again: else a process that has nothing else to do ends here, before what comes after this.
      child.ref();
      child.disconnect();
    });
  }

  #send(request: FramesRequest): void {
    this.#child ??= this.#start();
    this.#child.send(request);
  }

  #start(): ChildProcess {
    const settings = {
      memory_limit: memoryLimitOf(this.#options.memoryLimit),
      threads: String(this.#options.threads),
      temp_directory: this.#options.temporaryDirectory,
    };
    const child = fork(
      join(installationDirectory, 'src/platform/frames/child.ts'),
      [JSON.stringify(settings), this.#options.isBackground ? 'background' : 'beside'],
      {
        serialization: 'advanced',
        execArgv: ['--disable-warning=ExperimentalWarning'],
      },
    );
    child.on('message', (reply: FramesReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      waiting?.resolve(reply);
    });
    const ended = (problem: string) => {
      if (this.#child === child) this.#child = undefined;
      for (const waiting of this.#waiting.values()) waiting.reject(fail('frames_failed', { problem }));
      this.#waiting.clear();
    };
    child.on('error', (error) => {
      // Of a process that runs the exit tells. One that could not be started, as of too many open files, has none.
      if (child.pid === undefined) ended(`its process could not be started (${error.message})`);
    });
    child.on('exit', (code, signal) => ended(`its process ended (${signal ?? `exit ${code}`})`));
    child.unref();
    child.channel?.unref();
    return child;
  }
}

/** A value as a literal in DuckDB's SQL, for places that take no parameter (file lists, COPY targets). */
export function sqlLiteral(value: string | number | null): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

/** A name as a quoted identifier in DuckDB's SQL. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Why DuckDB refused a query, for people who know neither its SQL nor the server's files. */
export function framesReason(error: unknown): string {
  const told =
    error instanceof MillraceError && error.code === 'frames_failed' ? error.params.problem : error;
  const [first = ''] = String(told).split('\n');
  return first.replace(/'\/[^']*'|"\/[^"]*"/g, 'the file');
}
