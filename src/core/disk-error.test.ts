import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { diskError } from './disk-error.ts';

const ofFiles = (code: string, message: string) => Object.assign(new Error(message), { code });
const ofSqlite = (errcode: number, message: string) =>
  Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode });

test('a disk that is full is told apart from one that is read-only or broken', () => {
  for (const [error, code, text] of [
    [ofFiles('ENOSPC', 'ENOSPC: no space left on device, write'), 'disk_full', /no space is left/],
    [ofFiles('EDQUOT', 'EDQUOT: disk quota exceeded, write'), 'disk_full', /no space is left/],
    [ofSqlite(13, 'database or disk is full'), 'disk_full', /no space is left/],
    [ofSqlite(4874, 'disk I/O error'), 'disk_full', /no space is left/],
    [ofSqlite(778, 'disk I/O error'), 'disk_unusable', /^data\/a.db cannot be .*: disk I\/O error$/],
    [
      ofFiles('EROFS', "EROFS: read-only file system, open '/data/x'"),
      'disk_unusable',
      /written: EROFS: read-only file system$/,
    ],
    [ofFiles('EIO', 'EIO: i/o error, read'), 'disk_unusable', /written: EIO: i\/o error$/],
  ] as const) {
    const told = diskError(error, 'data/a.db');
    assert.equal(told?.code, code, error.message);
    assert.match(told?.message ?? '', text);
    assert.equal(told?.cause, error);
  }
  for (const other of [ofFiles('ENOENT', 'ENOENT: no such file, open'), ofSqlite(19, 'UNIQUE'), 'text', null])
    assert.equal(diskError(other, 'data'), undefined);
});

test('a database of which a part is gone is told so', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-disk-error-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'a.db');
  const whole = new DatabaseSync(path);
  whole.exec("CREATE TABLE a (x TEXT); INSERT INTO a VALUES (printf('%.*c', 100000, 'x'))");
  whole.close();
  truncateSync(path, 20_000);
  const damaged = new DatabaseSync(path);
  t.after(() => damaged.close());
  assert.throws(
    () => damaged.exec('SELECT length(x), count(*) FROM a'),
    (error) => diskError(error, path)?.code === 'disk_unusable',
  );
});
