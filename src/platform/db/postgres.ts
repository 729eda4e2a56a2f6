import { Kysely } from 'kysely';
import pg from 'pg';
import { fail, MillraceError } from '../../core/errors.ts';
import { withoutPassword } from '../../core/without-password.ts';
import type { Database, Tx } from './database.ts';
import { Signals } from './signals.ts';
import { TellingDialect } from './telling-dialect.ts';

const int8 = 20;
const numeric = 1700;
/** serialization_failure and deadlock_detected: the transaction may simply be run again. */
const retryable = new Set(['40001', '40P01']);
const maxTries = 6;
/** operator_intervention (but a query that was cancelled), connection_exception and too_many_connections. */
const awayStates = /^(57P0[1235]|0800.|53300)$/;
const awayCodes = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOTFOUND', 'EAI_AGAIN'],
]);
/** How pg and its pool say that a connection is gone, or that there was none in time: errors without a code. */
const awayMessages =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout ex)/;
/** A database that is asked for a connection for so long does not answer; nor does a network that takes all packets. */
const connectTimeoutMs = 30_000;
const keepAliveMs = 10_000;

/**
 * Opens a Postgres database by URL. 64-bit integers and numerics come back as numbers: Millrace stores none
 * beyond 2^53.
 *
 * @throws `database_encoding` where it holds texts in other than UTF-8: names in most scripts could not be kept
 * @throws `database_unreachable` at once and later, from whatever is asked of it, as long as it is away
 */
export async function openPostgres(
  url: string,
  options: { readonly maxConnections?: number } = {},
): Promise<Database> {
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format: 'text' | 'binary') =>
      oid === int8 || oid === numeric ? Number : pg.types.getTypeParser(oid, format as 'text')) as never,
  };
  const pool = new pg.Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    types,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    // A server or role may be set to round floats for people: then metrics would not be what was logged.
    onConnect: async (client: pg.ClientBase) => {
      await client.query('SET extra_float_digits = 1');
    },
  });
  // A broken connection is replaced by the pool; queries that need it report the error themselves. While a transaction
  // has one the pool does not listen, and an error between two queries would end the process.
  const ignored = () => undefined;
  pool.on('error', ignored);
  pool.on('connect', (client) => client.on('error', ignored));
  try {
    const { rows } = await pool.query<{ server_encoding: string }>('SHOW server_encoding');
    const encoding = rows[0]?.server_encoding ?? '';
    if (encoding !== 'UTF8') throw fail('database_encoding', { url: withoutPassword(url), encoding });
  } catch (error) {
    await pool.end();
    throw error instanceof MillraceError ? error : unreachable(url, error);
  }
  const told = (error: unknown) => (isAway(error) ? unreachable(url, error) : error);
  const root = new Kysely<unknown>({ dialect: new TellingDialect({ pool }, told) });
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
    scrub: async () => undefined,
    close: () => root.destroy(),
  };
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as Error & { readonly code?: unknown };
  if (typeof code !== 'string') return awayMessages.test(error.message);
  return awayCodes.has(code) || awayStates.test(code);
}

function unreachable(url: string, error: unknown): MillraceError {
  const problem = error instanceof Error ? error.message || (error as { code?: string }).code : String(error);
  return fail('database_unreachable', { url: withoutPassword(url), problem }, error);
}
