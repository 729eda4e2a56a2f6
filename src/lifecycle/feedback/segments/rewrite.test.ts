import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import { mostRows, rewriteSegments } from './rewrite.ts';

test('rows that have the same id and times are each in one of the new segments, where a day has several', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-rewrite-'));
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '300MB', threads: 2 });
  t.after(async () => {
    await frames.close();
    await rm(directory, { recursive: true });
  });
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const path = join(directory, 'log.parquet');
  const rows = mostRows + 50_000;
  await frames.query(
    `COPY (SELECT 'again' AS prediction_id, 1::BIGINT AS event_time_ms, 1::BIGINT AS received_at_ms, i AS n
       FROM range(${rows}) t(i)) TO ${sqlLiteral(path)} (FORMAT parquet)`,
  );
  const { digest } = await blobs.put(createReadStream(path));
  const segment = {
    ...{ id: 's', endpoint: 'flights', digest, rows, minEventTimeMs: 1, maxEventTimeMs: 1 },
    ...({ filterDigest: null, kind: 'label', registeredAtMs: 1 } as const),
  };
  const made = await rewriteSegments({ blobs, frames, directory }, [segment], 'true', (n) => `s.${n}`);
  assert.deepEqual(
    made.map((part) => part.rows),
    [mostRows, 50_000],
  );
  const files = await Promise.all(made.map(async (part) => sqlLiteral(await blobs.path(part.digest))));
  const file = `read_parquet([${files.join(', ')}])`;
  const [found] = await frames.query(`SELECT count(DISTINCT n) AS rows FROM ${file}`);
  assert.equal(found?.rows, rows);
  const columns = await frames.query(`DESCRIBE SELECT * FROM ${file}`);
  assert.deepEqual(
    columns.map((column) => column.column_name),
    ['prediction_id', 'event_time_ms', 'received_at_ms', 'n'],
  );
});
