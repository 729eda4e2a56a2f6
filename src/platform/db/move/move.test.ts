import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { moveTables, sqliteTables } from './index.ts';

const schema = `
  CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, weight DOUBLE PRECISION, body BLOB);
  CREATE TABLE words (word TEXT NOT NULL, nth BIGINT NOT NULL, PRIMARY KEY (word, nth)) WITHOUT ROWID;
  CREATE TABLE schema_migrations (id TEXT PRIMARY KEY)`;

async function files(t: TestContext): Promise<readonly [string, string]> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-move-'));
  t.after(() => rm(directory, { recursive: true }));
  return [join(directory, 'from.db'), join(directory, 'to.db')];
}

function make(path: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(path);
  database.exec(schema);
  for (const statement of statements) database.exec(statement);
  database.close();
}

test('all rows and counters arrive, and what the target held goes', async (t) => {
  const [from, to] = await files(t);
  make(
    from,
    `INSERT INTO things (name, weight, body) VALUES ('größe 🚀', 1e308, x'00ff'), ('two', -0.5, NULL), ('gone', 3, NULL)`,
    `DELETE FROM things WHERE name = 'gone'`,
    `INSERT INTO words VALUES ('b', 2), ('B', 1), ('ä', 3), ('', 0)`,
  );
  make(to, `INSERT INTO things (name) VALUES ('default')`);
  const source = sqliteTables(from);
  const target = sqliteTables(to);
  const moved = await moveTables(source, target, () => {});
  await source.close();
  await target.close();
  assert.deepEqual(
    moved.map(({ name, rows, sourceDigest, targetDigest }) => [name, rows, sourceDigest === targetDigest]),
    [
      ['things', 2, true],
      ['words', 4, true],
    ],
  );
  const database = new DatabaseSync(to);
  t.after(() => database.close());
  database.exec(`INSERT INTO things (name) VALUES ('next')`);
  const rows = database.prepare('SELECT * FROM things ORDER BY id').all();
  assert.deepEqual(
    rows.map((row) => [row.id, row.name, row.weight]),
    [
      [1, 'größe 🚀', 1e308],
      [2, 'two', -0.5],
      [4, 'next', null],
    ],
  );
});

test('a copy that is not equal is not kept', async (t) => {
  const [from, to] = await files(t);
  make(from, `INSERT INTO words VALUES ('a', 1)`);
  make(
    to,
    `INSERT INTO words VALUES ('before', 1)`,
    `CREATE TRIGGER spoil AFTER INSERT ON words WHEN NEW.nth = 1 BEGIN INSERT INTO words VALUES (NEW.word, 2); END`,
  );
  const source = sqliteTables(from);
  const target = sqliteTables(to);
  const problem = /table words has 1 rows at the source and 2 at the target/;
  await assert.rejects(
    moveTables(source, target, () => {}),
    { code: 'move_table_differs', message: problem },
  );
  await source.close();
  await target.close();
  const database = new DatabaseSync(to);
  t.after(() => database.close());
  assert.deepEqual(
    database
      .prepare('SELECT word FROM words')
      .all()
      .map((row) => row.word),
    ['before'],
  );
});

test('a table that only one side has is named', async (t) => {
  const [from, to] = await files(t);
  make(from, 'CREATE TABLE extra (id INTEGER PRIMARY KEY)');
  make(to);
  const source = sqliteTables(from);
  const target = sqliteTables(to);
  await assert.rejects(
    moveTables(source, target, () => {}),
    { code: 'move_schema_differs', message: /extra/ },
  );
  await source.close();
  await target.close();
});
