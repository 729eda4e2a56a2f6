import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Frames, sqlLiteral } from '../../platform/frames/index.ts';
import { parquet } from './relations.ts';

test('a few rows of a hundred files are read in little memory', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-relations-'));
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '100MB', threads: 2 });
  t.after(async () => {
    await frames.close();
    await rm(directory, { recursive: true });
  });
  const whole = join(directory, 'whole.parquet');
  const others = Array.from({ length: 100 }, (_, i) => join(directory, `${i}.parquet`));
  for (const [i, path] of [whole, ...others].entries())
    await frames.query(
      `COPY (SELECT i.i || '-' || ${i} AS prediction_id, i.i AS score FROM range(100) i(i))
       TO ${sqlLiteral(path)} (FORMAT parquet)`,
    );
  const known = others.map((path, i) => ({
    path,
    ids: Array.from({ length: 20 }, (_, n) => `${n}-${i + 1}`),
  }));
  const [found] = await frames.query(
    `SELECT count(*) AS rows, count(DISTINCT prediction_id) AS ids, max(score) AS most FROM ${parquet([whole, ...known])}`,
  );
  assert.deepEqual(found, { rows: 2100, ids: 2100, most: 99 });
});
