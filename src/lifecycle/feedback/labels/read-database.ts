import { access, constants } from 'node:fs/promises';

/** A page of a query's result: the names of its columns, and rows as cells in that order. */
interface DatabasePage {
  readonly names: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

const pageRows = 5000;
const connectTimeoutMs = 15_000;
const statementTimeoutMs = 600_000;
/** A server that cannot be reached any more says nothing of its own limit. */
const answerTimeoutMs = statementTimeoutMs + 15_000;

/** Types of Postgres whose values the driver would give as text or in local time. */
const oid = { int8: 20, numeric: 1700, timestamp: 1114, date: 1082 } as const;

/**
 * Runs a SELECT and gives its rows page by page, without ever holding all of them. Nothing can be changed by it:
 * the transaction is read only (Postgres) or the file is opened so (SQLite). Times without a zone are UTC. The names
 * come with each page, also when there are no rows.
 *
 * @param watermark takes the place of each `:watermark`, as a parameter
 */
export function readDatabase(
  url: string,
  sql: string,
  watermark: string | number | null,
): AsyncGenerator<DatabasePage> {
  return url.startsWith('sqlite:') ? readSqlite(url, sql, watermark) : readPostgres(url, sql, watermark);
}

/** Replaces `:watermark` outside of longer names; says whether it was there. */
function withParameter(sql: string, parameter: string): { readonly text: string; readonly used: boolean } {
  const text = sql.replace(/;\s*$/, '').replace(/(?<!:):watermark\b/g, parameter);
  return { text, used: text.includes(parameter) };
}

/** A whole number as a number, or as its digits where a number does not hold it; everything else as it is. */
function exact(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

async function* readSqlite(
  url: string,
  sql: string,
  watermark: string | number | null,
): AsyncGenerator<DatabasePage> {
  const path = url.replace(/^sqlite:(\/\/)?/, '');
  // Opening would make an empty database of a name that is not there, were it not read only; say so plainly.
  await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path} cannot be read (${error.code})`);
  });
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const { text, used } = withParameter(sql, '?1');
    const statement = db.prepare(text);
    statement.setReadBigInts(true);
    const names = statement.columns().map(({ name }) => name);
    let rows: unknown[][] = [];
    for (const row of statement.iterate(...(used ? [watermark] : []))) {
      const cells = row as Readonly<Record<string, unknown>>;
      rows.push(names.map((name) => exact(cells[name])));
      if (rows.length < pageRows) continue;
      yield { names, rows };
      rows = [];
    }
    yield { names, rows };
  } finally {
    db.close();
  }
}

async function* readPostgres(
  url: string,
  sql: string,
  watermark: string | number | null,
): AsyncGenerator<DatabasePage> {
  const { default: pg } = await import('pg');
  const parsers: Readonly<Record<number, (text: string) => unknown>> = {
    [oid.int8]: (text) => exact(BigInt(text)),
    [oid.numeric]: Number,
    [oid.timestamp]: (text) => new Date(`${text.replace(' ', 'T')}Z`),
    [oid.date]: (text) => new Date(`${text}T00:00:00Z`),
  };
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: answerTimeoutMs,
    types: {
      getTypeParser: ((type: number, format?: 'text' | 'binary') =>
        parsers[type] ?? pg.types.getTypeParser(type, format)) as typeof pg.types.getTypeParser,
    },
  });
  // A connection may break while nothing is asked, as the rows of a page are worked through: told by what is asked next.
  let broken: Error | undefined;
  client.on('error', (error) => {
    broken ??= error;
  });
  await client.connect();
  try {
    await client.query('BEGIN READ ONLY');
    // As the parsers expect them, whatever the server, the database or the role is set to write.
    await client.query('SET LOCAL datestyle = ISO');
    await client.query('SET LOCAL extra_float_digits = 1');
    const { text, used } = withParameter(sql, '$1');
    await client.query(`DECLARE labels NO SCROLL CURSOR FOR ${text}`, used ? [watermark] : []);
    for (;;) {
      const page = await client.query<unknown[]>({ text: `FETCH ${pageRows} FROM labels`, rowMode: 'array' });
      yield { names: page.fields.map(({ name }) => name), rows: page.rows };
      if (page.rows.length < pageRows) break;
    }
    await client.query('COMMIT');
  } catch (error) {
    throw broken ?? error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
