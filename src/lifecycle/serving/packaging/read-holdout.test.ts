import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SignatureField } from '../../../core/model-package.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import { readHoldout } from './read-holdout.ts';

const field = (name: string, type: SignatureField['type'], shape: number[] = []): SignatureField => ({
  name,
  type,
  required: true,
  shape,
});

test('rows of the hold-out come by their time, always the same, with values that JSON has', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-holdout-'));
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '300MB', threads: 1 });
  t.after(async () => {
    await frames.close();
    await rm(directory, { recursive: true, force: true });
  });
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const path = join(directory, 'rows.parquet');
  await frames.query(
    `COPY (SELECT TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE AS at, i::BIGINT AS n, i / 2.0 AS x,
       CASE WHEN i % 5 = 0 THEN NULL ELSE i % 2 = 0 END AS flag, 'w' || i AS word FROM range(3000) r(i))
     TO ${sqlLiteral(path)} (FORMAT parquet)`,
  );
  const { digest } = await blobs.put(await readFile(path));
  const context = { blobs, frames } as unknown as StepContext;
  const holdout = { dataset: digest, column: 'at', from: '2026-01-02T00:00:00Z', to: '2026-01-03T00:00:00Z' };
  const fields = [
    field('n', 'long'),
    field('x', 'double'),
    field('flag', 'boolean'),
    field('word', 'string'),
  ];
  const rows = await readHoldout(holdout, fields, context);
  assert.equal(rows.length, 1000);
  assert.deepEqual(await readHoldout(holdout, fields, context), rows);
  JSON.stringify(rows);
  for (const { n, x, flag, word } of rows as { n: number; x: number; flag: boolean; word: string }[]) {
    assert.ok(n >= 1440 && n < 2880 && n % 5 !== 0, `row ${n}`);
    assert.deepEqual([x, flag, word], [n / 2, n % 2 === 0, `w${n}`]);
  }
  for (const other of [field('absent', 'double'), field('n', 'double', [3]), field('at', 'datetime')])
    assert.deepEqual(await readHoldout(holdout, [other], context), []);
  assert.deepEqual(await readHoldout(null, fields, context), []);
});
