import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Digest } from '../../core/json.ts';
import { DataService, dataMigrations } from '../../lifecycle/data/index.ts';
import { systemActor } from '../../platform/access/index.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import { forEachDatabase, type OpenDatabase } from '../../platform/db/testing.ts';
import { Frames, sqlLiteral } from '../../platform/frames/index.ts';
import { Journal, journalMigrations } from '../../platform/journal/index.ts';
import { prepareDataStep } from './prepare-data.ts';

async function setUp(t: TestContext, open: OpenDatabase) {
  const root = await mkdtemp(join(tmpdir(), 'millrace-prepare-'));
  const db = await open(t, [...journalMigrations, ...dataMigrations]);
  const frames = new Frames({ temporaryDirectory: root, memoryLimit: '300MB', threads: 1 });
  t.after(async () => {
    await frames.close();
    await rm(root, { recursive: true, force: true });
  });
  const blobs = await openDirectoryBlobs(join(root, 'blobs'));
  const data = new DataService({ db, journal: new Journal(db), blobs, frames, temporaryDirectory: root });
  let files = 0;
  const put = async (sql: string): Promise<Digest> => {
    const path = join(root, `table-${files++}.parquet`);
    await frames.query(`COPY (${sql}) TO ${sqlLiteral(path)} (FORMAT parquet)`);
    return (await blobs.put(createReadStream(path))).digest;
  };
  /** 31 days of January, a row a day, with a column that is not served. */
  const source = async (time: string) => {
    const digest = await put(
      `SELECT ${time} AS date, 'f' || i AS flight_id, i % 2 = 0 AS late, i::INTEGER AS distance, 'x' AS unserved
       FROM range(31) t(i)`,
    );
    const roles = { time: 'date', entity: 'flight_id', label: 'late' };
    return (await data.register(systemActor, { dataset: 'flights', source: { digest }, ...roles })).version;
  };
  /** February's first nine days as the label join gives them. */
  const joined = () =>
    put(
      `SELECT TIMESTAMP '2001-02-01 12:00:00' + INTERVAL (i) DAY AS date, 'g' || i AS flight_id,
         i::DOUBLE AS distance, (i % 2)::BIGINT AS late FROM range(9) t(i)`,
    );
  const run = async (versionId: string, from: string | null) =>
    prepareDataStep(data).run(
      {
        versionId,
        holdoutRatio: 0.2,
        joined: from
          ? {
              digest: await joined(),
              dataset: 'flights-joined',
              time: 'date',
              entity: 'flight_id',
              label: 'late',
              from,
            }
          : null,
      },
      {
        stepRunId: 's',
        attempt: 1,
        subject: 'flights/2',
        signal: new AbortController().signal,
        workDir: await mkdtemp(join(root, 'work-')),
        blobs,
        frames,
        token: '',
        controlUrl: '',
        log: () => {},
      },
    );
  const read = async (digest: Digest, sql: string) =>
    frames.query(`${sql} FROM read_parquet(${sqlLiteral(await blobs.path(digest))})`);
  return { data, source, run, read };
}

forEachDatabase((name, open) => {
  test(`${name}: a version as it stands is split by time`, async (t) => {
    const { source, run } = await setUp(t, open);
    const version = await source(`TIMESTAMP '2001-01-01' + INTERVAL (i) DAY`);
    const outputs = await run(version.id, null);
    assert.equal(outputs.datasetVersionId, version.id);
    assert.deepEqual([outputs.trainRows, outputs.holdoutRows, outputs.joinedRows], [25, 6, 0]);
    assert.equal(outputs.boundary, '2001-01-26T00:00:00.000Z');
    assert.equal(outputs.end, '2001-01-31T00:00:00.001Z');
  });

  for (const [kind, time] of [
    ['timestamps', `TIMESTAMP '2001-01-01' + INTERVAL (i) DAY`],
    ['epoch milliseconds', `epoch_ms(TIMESTAMP '2001-01-01' + INTERVAL (i) DAY)`],
  ] as const) {
    test(`${name}: joined predictions take the source's types, and its rows fill the window (${kind})`, async (t) => {
      const { data, source, run, read } = await setUp(t, open);
      const version = await source(time);
      const outputs = await run(version.id, '2001-01-20T00:00:00.000Z');
      assert.deepEqual([outputs.joinedRows, outputs.rows], [9, 9 + 12]);
      const made = await data.version(systemActor, outputs.datasetVersionId);
      assert.deepEqual(
        made.profile.map((column) => [column.name, column.storedType]),
        version.profile
          .filter((c) => c.name !== 'unserved')
          .map((column) => [column.name, column.storedType]),
      );
      const [counts] = await read(
        outputs.dataDigest,
        `SELECT count(*) FILTER (flight_id LIKE 'f%') AS old, count(*) FILTER (late) AS late, min(distance) AS least`,
      );
      assert.deepEqual(counts, { old: 12, late: 6 + 4, least: 0 });
      const again = await run(version.id, '2001-01-20T00:00:00.000Z');
      assert.equal(again.datasetVersionId, outputs.datasetVersionId);
    });
  }

  test(`${name}: a window that begins with the log takes nothing from the source`, async (t) => {
    const { source, run } = await setUp(t, open);
    const version = await source(`TIMESTAMP '2001-01-01' + INTERVAL (i) DAY`);
    const outputs = await run(version.id, '2001-02-01T12:00:00.000Z');
    assert.deepEqual([outputs.joinedRows, outputs.rows], [9, 9]);
  });
});
