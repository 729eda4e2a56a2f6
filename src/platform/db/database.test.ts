import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sql } from 'kysely';
import pg from 'pg';
import { startPostgres } from '../../../test/support/postgres.ts';
import { execute, type Migration, migrate, sqliteStatements, statements, type Tx, tables } from './index.ts';
import { openPostgres } from './postgres.ts';
import { refusedStatement } from './refused-statement.ts';
import { openSqlite } from './sqlite.ts';
import { forEachDatabase } from './testing.ts';

const migrations: readonly Migration[] = [
  {
    id: 'test-001',
    up: (tx) => execute(tx, 'CREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT NOT NULL)'),
  },
];
type NoteTables = { notes: { id: number; body: string } };

forEachDatabase((name, open) => {
  describe(`database on ${name}`, () => {
    test('256 writers at once: each sees its own result, reads see what is committed', async (t) => {
      const db = await open(t, migrations);
      const ids = await Promise.all(
        Array.from({ length: 256 }, (_, id) =>
          db.write(async (tx) => {
            await tables<NoteTables>(tx)
              .insertInto('notes')
              .values({ id, body: `n${id}` })
              .execute();
            return id;
          }),
        ),
      );
      assert.deepEqual(
        ids,
        Array.from({ length: 256 }, (_, id) => id),
      );
      assert.equal((await tables<NoteTables>(db.read).selectFrom('notes').selectAll().execute()).length, 256);
    });

    test('a write that throws keeps nothing and does not touch the others of its group', async (t) => {
      const db = await open(t, migrations);
      const outcomes = await Promise.allSettled(
        [1, 2, 3].map((id) =>
          db.write(async (tx) => {
            await tables<NoteTables>(tx).insertInto('notes').values({ id, body: 'x' }).execute();
            if (id === 2) throw new Error('second thoughts');
          }),
        ),
      );
      assert.deepEqual(
        outcomes.map((o) => o.status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      const rows = await tables<NoteTables>(db.read).selectFrom('notes').select('id').orderBy('id').execute();
      assert.deepEqual(
        rows.map((r) => r.id),
        [1, 3],
      );
    });

    test('what a request put into a statement that cannot be is told from what is our fault', async (t) => {
      const db = await open(t, migrations);
      const notes = tables<NoteTables>(db.read).selectFrom('notes').select('id');
      const ids = Array.from({ length: 70_000 }, (_, id) => id);
      const refusalOf = (running: Promise<unknown>) => running.then(() => 'taken', refusedStatement);
      const tooMany = await refusalOf(notes.where('id', 'in', ids).execute());
      assert.ok(typeof tooMany === 'object' && tooMany.code === 'statement_too_large', String(tooMany));
      const nul = await refusalOf(notes.where('body', '=', 'a\u0000b').execute());
      assert.equal(
        typeof nul === 'object' ? nul.code : nul,
        name === 'sqlite' ? 'taken' : 'text_not_storable',
      );
      assert.equal(await refusalOf(execute(db.read, 'SELECT nothing FROM nowhere')), undefined);
    });

    test('a broken constraint rejects its own write only', async (t) => {
      const db = await open(t, migrations);
      const insert = (id: number) =>
        db.write((tx) => tables<NoteTables>(tx).insertInto('notes').values({ id, body: 'x' }).execute());
      const outcomes = await Promise.allSettled([insert(1), insert(1), insert(2)]);
      assert.equal(outcomes.filter((o) => o.status === 'fulfilled').length, 2);
    });

    test('signals arrive after the commit, and never for what was rolled back', async (t) => {
      const db = await open(t, migrations);
      const heard: string[] = [];
      db.onSignal('kept', () => heard.push('kept'));
      db.onSignal('dropped', () => heard.push('dropped'));
      await db.write(async () => db.signal('kept'));
      await assert.rejects(
        db.write(async () => {
          db.signal('dropped');
          throw new Error('no');
        }),
      );
      assert.deepEqual(heard, ['kept']);
    });

    test('a write inside a write is refused instead of waiting for itself', async (t) => {
      const db = await open(t, migrations);
      await assert.rejects(
        db.write(() => db.write(async () => {})),
        /write\(\) inside write\(\)/,
      );
    });

    test('64-bit integers and counts are numbers; migrations run once', async (t) => {
      const db = await open(t, migrations);
      await migrate(db, migrations);
      const id = 2 ** 53 - 1;
      await db.write((tx) => tables<NoteTables>(tx).insertInto('notes').values({ id, body: 'x' }).execute());
      const row = await tables<NoteTables>(db.read)
        .selectFrom('notes')
        .select((e) => ['id', e.fn.countAll().as('n')] as const)
        .groupBy('id')
        .executeTakeFirst();
      assert.deepEqual({ ...row }, { id, n: 1 });
    });

    test('a database that a newer program has changed is refused', async (t) => {
      const db = await open(t, [...migrations, { id: 'test-002', up: async () => {} }]);
      await assert.rejects(migrate(db, migrations), { code: 'schema_newer', message: /steps test-002/ });
    });

    test('statements by hand take parameters as ? and see the transaction they are in', async (t) => {
      const db = await open(t, migrations);
      const found = await db.write(async (tx) => {
        await statements(tx).all('INSERT INTO notes (id, body) VALUES (?, ?)', [7, 'seven']);
        return statements(tx).all<{ id: number }>('SELECT id FROM notes WHERE body = ? AND id > ?', [
          'seven',
          1,
        ]);
      });
      assert.deepEqual(
        found.map((row) => row.id),
        [7],
      );
      assert.equal((await statements(db.read).all('SELECT id FROM notes', [])).length, 1);
    });

    test('what is remembered of writes is forgotten when one of them is taken back', async (t) => {
      const db = await open(t, migrations);
      const remembered = () =>
        db.write(async (tx) => sqliteStatements(tx)?.remembered<number[]>('ids', () => []));
      const before = await remembered();
      assert.equal(await remembered(), before);
      await assert.rejects(
        db.write(async (tx) => {
          sqliteStatements(tx)?.remembered('ids', () => []);
          sqliteStatements(tx)?.run('INSERT INTO notes (id, body) VALUES (?, ?)', 1, 'x');
          throw new Error('second thoughts');
        }),
      );
      assert.equal((await remembered()) === before, name === 'postgres');
      assert.equal((await statements(db.read).all('SELECT id FROM notes', [])).length, 0);
    });
  });

  if (name === 'sqlite') return;
  test('on postgres: a connection that breaks in a transaction fails that one alone', async (t) => {
    const db = await open(t, []);
    const own = async (tx: Tx) =>
      (await statements(tx).all<{ pid: number }>('SELECT pg_backend_pid() AS pid', []))[0]?.pid;
    const broken = db.write(async (tx) => {
      const pid = await own(tx);
      await statements(db.read).all(`SELECT pg_terminate_backend(${pid})`, []);
      // The end of the connection is heard while no query waits for it.
      await new Promise((resolve) => setTimeout(resolve, 200));
      return own(tx);
    });
    await assert.rejects(broken, { code: 'database_unreachable' });
    assert.ok(await db.write(own));
  });

  test('on postgres: while it is away all that is asked of it says so, and goes on when it is back', async (t) => {
    const postgres = await startPostgres();
    t.after(() => postgres.stop());
    const db = await openPostgres(postgres.url, { maxConnections: 3 });
    t.after(() => db.close());
    const one = async (tx: Tx) => (await statements(tx).all<{ one: number }>('SELECT 1 AS one', []))[0]?.one;
    const ask = (i: number) => (i % 2 ? db.write(one) : one(db.read));
    const asked = () => Promise.allSettled(Array.from({ length: 30 }, (_, i) => ask(i)));
    const outcomes = (all: Awaited<ReturnType<typeof asked>>) =>
      new Set(all.map((r) => (r.status === 'fulfilled' ? r.value : (r.reason as { code?: unknown }).code)));
    assert.deepEqual(outcomes(await asked()), new Set([1]));
    const sleeping = db.write((tx) => statements(tx).all('SELECT pg_sleep(100)', []));
    const stopped = assert.rejects(sleeping, { code: 'database_unreachable', message: /127\.0\.0\.1/ });
    for (let round = 0; round < 3; round++) {
      let between = asked();
      await postgres.restart(async () => {
        await between;
        assert.deepEqual(outcomes(await asked()), new Set(['database_unreachable']));
        between = asked();
      });
      await between;
      assert.deepEqual(outcomes(await asked()), new Set([1]));
    }
    await stopped;
  });
});

test('on postgres: another encoding is refused; floats come back whole from a role that rounds', async (t) => {
  const server = process.env.MILLRACE_TEST_POSTGRES_URL;
  if (server === undefined) return t.skip('no Postgres');
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  const name = `machine_${randomBytes(6).toString('hex')}`;
  t.after(async () => {
    for (const each of [name, `${name}_latin`]) await admin.query(`DROP DATABASE IF EXISTS ${each}`);
    await admin.end();
  });
  const at = (database: string): string => Object.assign(new URL(server), { pathname: `/${database}` }).href;
  await admin.query(`CREATE DATABASE ${name}_latin ENCODING 'LATIN1' TEMPLATE template0`);
  await assert.rejects(openPostgres(at(`${name}_latin`)), { code: 'database_encoding', message: /LATIN1/ });

  await admin.query(`CREATE DATABASE ${name}`);
  await admin.query(`ALTER DATABASE ${name} SET extra_float_digits = -5`);
  const db = await openPostgres(at(name));
  const { rows } = await sql<{ x: number }>`SELECT 0.1::float8 + 0.2 AS x`.execute(db.read);
  await db.close();
  assert.equal(rows[0]?.x, 0.1 + 0.2);
});

test('on sqlite: what was deleted is in no file after a scrub', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-scrub-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const db = openSqlite(join(directory, 'test.db'));
  t.after(() => db.close());
  await migrate(db, migrations);
  const notes = (tx: Tx) => tables<NoteTables>(tx);
  const body = 'what a person has erased';
  for (let id = 0; id < 300; id++)
    await db.write((tx) =>
      notes(tx)
        .insertInto('notes')
        .values({ id, body: `${body} ${id}` })
        .execute(),
    );
  const filesWithIt = async () => {
    const found = [];
    for (const file of await readdir(directory))
      if ((await readFile(join(directory, file))).includes(body)) found.push(file);
    return found;
  };
  // So that it is in the tables themselves, not only beside them.
  await db.scrub();
  assert.deepEqual(await filesWithIt(), ['test.db']);
  await db.write((tx) => notes(tx).deleteFrom('notes').where('id', '<>', 7).execute());
  await db.write((tx) => notes(tx).updateTable('notes').set({ body: 'another' }).execute());
  await db.scrub();
  assert.deepEqual(await filesWithIt(), []);
});
