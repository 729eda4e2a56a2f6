import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { readDatabase } from './read-database.ts';

test('whole numbers of SQLite that a number of JavaScript does not hold are read digit by digit', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-read-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'labels.db');
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE labels (id INTEGER, value INTEGER, part REAL, name TEXT);
    INSERT INTO labels VALUES (9223372036854775807, 1, 0.5, 'a'), (7, -9007199254740993, 2, NULL)`);
  db.close();
  const pages = await Array.fromAsync(readDatabase(`sqlite:${path}`, 'SELECT * FROM labels', null));
  assert.deepEqual(
    pages.flatMap(({ rows }) => rows),
    [
      ['9223372036854775807', 1, 0.5, 'a'],
      [7, '-9007199254740993', 2, null],
    ],
  );
});
