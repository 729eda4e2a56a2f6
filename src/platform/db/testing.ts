import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import pg from 'pg';
import type { Database, DialectName } from './database.ts';
import { type Migration, migrate } from './migrations.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

/** Opens a fresh, migrated database for one test and closes it after the test. */
export type OpenDatabase = (t: TestContext, migrations: readonly Migration[]) => Promise<Database>;

/**
 * Runs a suite on each database: SQLite always, Postgres where MILLRACE_TEST_POSTGRES_URL names a server
 * (`make test` starts one).
 */
export function forEachDatabase(suite: (name: DialectName, open: OpenDatabase) => void): void {
  suite('sqlite', openTemporarySqlite);
  const url = process.env.MILLRACE_TEST_POSTGRES_URL;
  if (url) suite('postgres', (t, migrations) => openTemporaryPostgres(url, t, migrations));
}

const openTemporarySqlite: OpenDatabase = async (t, migrations) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-db-'));
  const db = openSqlite(join(directory, 'test.db'));
  t.after(async () => {
    await db.close();
    await rm(directory, { recursive: true });
  });
  await migrate(db, migrations);
  return db;
};

async function openTemporaryPostgres(
  url: string,
  t: TestContext,
  migrations: readonly Migration[],
): Promise<Database> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const admin = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await admin(`CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  const db = await openPostgres(own.href, { maxConnections: 5 });
  t.after(async () => {
    await db.close();
    await admin(`DROP DATABASE ${name} WITH (FORCE)`);
  });
  await migrate(db, migrations);
  return db;
}
