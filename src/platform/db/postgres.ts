import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { fail } from '../../core/errors.ts';
import type { Database, Tx } from './database.ts';
import { Signals } from './signals.ts';

const int8 = 20;
const numeric = 1700;
/** serialization_failure and deadlock_detected: the transaction may simply be run again. */
const retryable = new Set(['40001', '40P01']);
const maxTries = 6;

/**
 * Opens a Postgres database by URL. 64-bit integers and numerics come back as numbers: Millrace stores none
 * beyond 2^53.
 */
export async function openPostgres(
  url: string,
  options: { readonly maxConnections?: number } = {},
): Promise<Database> {
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format: 'text' | 'binary') =>
      oid === int8 || oid === numeric ? Number : pg.types.getTypeParser(oid, format as 'text')) as never,
  };
  const pool = new pg.Pool({ connectionString: url, max: options.maxConnections ?? 10, types });
  // A broken connection is replaced by the pool; queries that need it report the error themselves. While a transaction
  // has one the pool does not listen, and an error between two queries would end the process.
  const ignored = () => undefined;
  pool.on('error', ignored);
  pool.on('connect', (client) => client.on('error', ignored));
  try {
    await pool.query('SELECT 1');
  } catch (error) {
    await pool.end();
    const problem =
      error instanceof Error ? error.message || (error as { code?: string }).code : String(error);
    throw fail('database_unreachable', { url: withoutPassword(url), problem }, error);
  }
  const root = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const signals = new Signals();
  return {
    dialect: 'postgres',
    read: root,
    async write<T>(change: (tx: Tx) => Promise<T>): Promise<T> {
      signals.refuseNesting();
      for (let attempt = 1; ; attempt++) {
        try {
          const { result, topics } = await signals.collect(() => root.transaction().execute(change));
          signals.deliver(topics);
          return result;
        } catch (error) {
          const code = (error as { code?: string }).code ?? '';
          if (!retryable.has(code) || attempt >= maxTries) throw error;
          await new Promise((resolve) => setTimeout(resolve, 5 * 2 ** attempt * Math.random()));
        }
      }
    },
    signal: (topic) => signals.signal(topic),
    onSignal: (topic, listener) => signals.on(topic, listener),
    close: () => root.destroy(),
  };
}

function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^:@/]+):[^@/]*@/, '$1:***@');
}
