import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Frames, sqlLiteral } from '../../platform/frames/index.ts';
import { artifactRows } from './artifact-rows.ts';
import { refused } from './testing.ts';

test('a Parquet artifact is shown by its first rows as texts; what is none is refused, and nothing stays', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-rows-'));
  const temporaryDirectory = await mkdtemp(join(directory, 'temporary-'));
  const frames = new Frames({ temporaryDirectory, memoryLimit: '300MB', threads: 1 });
  t.after(async () => {
    await frames.close();
    await rm(directory, { recursive: true });
  });
  const read = async (path: string) =>
    artifactRows(
      { frames, temporaryDirectory },
      {
        path: 'eval/table.parquet',
        sizeBytes: (await stat(path)).size,
        etag: 'a',
        read: async () => createReadStream(path),
      },
    );
  const good = join(directory, 'good.parquet');
  await frames.query(
    `COPY (SELECT i AS "row ""number""", CASE WHEN i = 0 THEN NULL ELSE [i, 2] END AS list, repeat('x', 2000) AS long,
      DATE '2001-02-03' AS day FROM range(300) r(i)) TO ${sqlLiteral(good)} (FORMAT parquet)`,
  );
  const { columns, rows, totalRows, totalColumns } = await read(good);
  assert.deepEqual([totalRows, totalColumns, rows.length], [300, 4, 200]);
  assert.deepEqual(
    columns.map(({ name, type }) => `${name}: ${type}`),
    ['row "number": BIGINT', 'list: BIGINT[]', 'long: VARCHAR', 'day: DATE'],
  );
  assert.deepEqual(
    [rows[0]?.[1], rows[1]?.[1], rows[1]?.[2]?.length, rows[1]?.[3]],
    [null, '[1, 2]', 1000, '2001-02-03'],
  );
  const bad = join(directory, 'bad.parquet');
  await writeFile(bad, 'PAR1 is how it begins, and no more');
  await assert.rejects(read(bad), refused('artifact_no_table', /^'eval\/table\.parquet' cannot be shown/));
  await assert.rejects(read(bad), (error: Error) => !error.message.includes(directory));
  assert.deepEqual(
    (await readdir(temporaryDirectory)).filter((name) => name.startsWith('artifact-')),
    [],
  );
});
