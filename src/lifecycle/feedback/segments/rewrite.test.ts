import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Digest } from '../../../core/json.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { mostRows, type NewSegment, openRewritings, rewriteSegments } from './rewrite.ts';

/** A segment of so many rows of one id, and what rewrites it; `held` are the blobs that segments have. */
async function segmentOf(t: TestContext, rows: number) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-rewrite-'));
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '300MB', threads: 2 });
  t.after(async () => {
    await frames.close();
    await rm(directory, { recursive: true });
  });
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const path = join(directory, 'log.parquet');
  await frames.query(
    `COPY (SELECT 'again' AS prediction_id, 1::BIGINT AS event_time_ms, 1::BIGINT AS received_at_ms, i AS n
       FROM range(${rows}) t(i)) TO ${sqlLiteral(path)} (FORMAT parquet)`,
  );
  const { digest } = await blobs.put(createReadStream(path));
  const segment = {
    id: 's',
    endpoint: 'flights',
    digest,
    rows,
    minEventTimeMs: 1,
    maxEventTimeMs: 1,
    ...({ filterDigest: null, kind: 'label', registeredAtMs: 1 } as const),
  };
  const held = new Set<Digest>([digest]);
  const store = { heldDigests: async () => held };
  const rewritings = join(directory, 'rewritings');
  await mkdir(rewritings);
  return { frames, segment, held, options: { blobs, frames, directory: rewritings, store } };
}

test('rows that have the same id and times are each in one of the new segments, where a day has several', async (t) => {
  const rows = mostRows + 50_000;
  const { frames, segment, options } = await segmentOf(t, rows);
  const { blobs } = options;
  let made: readonly NewSegment[] = [];
  await rewriteSegments(
    options,
    [segment],
    'true',
    (n) => `s.${n}`,
    async (all) => {
      made = all;
    },
  );
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

test('what a rewriting stored that failed or was killed is deleted, but what segments have', async (t) => {
  const { segment, held, options } = await segmentOf(t, 10);
  const stored = async () => (await Array.fromAsync(options.blobs.list())).map(({ digest }) => digest);
  let made: readonly NewSegment[] = [];
  const fail = (given: Partial<typeof options>) =>
    rewriteSegments(
      { ...options, ...given },
      [segment],
      'n < 5',
      () => 's.0',
      async (all) => {
        made = all;
        throw new Error('changed meanwhile');
      },
    );
  await assert.rejects(fail({}), /changed meanwhile/);
  assert.deepEqual(await stored(), [segment.digest]);
  // As a killed process leaves it: nobody tidied up.
  const killed = { heldDigests: () => Promise.reject(new Error('killed')) };
  await assert.rejects(fail({ store: killed }), /changed meanwhile/);
  const [left] = made;
  assert.ok(left);
  assert.deepEqual((await stored()).sort(), [segment.digest, left.digest].sort());
  await openRewritings({ ...options, log: createLogger('test', 'silent') });
  assert.deepEqual(await stored(), [segment.digest]);
  assert.deepEqual(
    (await readdir(options.directory)).filter((name) => name.startsWith('rewrite-')),
    [],
  );
  // Killed behind the moment from which a segment has it.
  held.add(left.digest);
  await assert.rejects(fail({ store: killed }), /changed meanwhile/);
  await openRewritings({ ...options, log: createLogger('test', 'silent') });
  assert.deepEqual((await stored()).sort(), [segment.digest, left.digest].sort());
});
