import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { CsvOptions } from '../../core/csv-dialect.ts';
import { uuidv7 } from '../../core/ids.ts';
import type { Actor } from '../../platform/access/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { sqlLiteral } from '../../platform/frames/index.ts';
import { datasetVersionSchema } from './contract.ts';
import { openDataService } from './testing.ts';

const ada: Actor = { kind: 'user', id: 'ada' };

const csv = `when,carrier,distance,late,note
2001-01-03 10:00:00,AA,100,true,
2001-01-01 09:30:00,UA,250.5,false,x
2001-01-02 08:00:00,AA,,false,
2001-01-04 23:59:00,DL,40,true,y
2001-01-04 23:59:00,AA,-7,false,
`;

forEachDatabase((name, open) => {
  describe(`data on ${name}`, { concurrency: 2 }, () => {
    test('a CSV becomes a version with exact counts, in time order, once', async (t) => {
      const { service, journal, directory } = await openDataService(t, open);
      const path = join(directory, 'flights.csv');
      await writeFile(path, csv);
      const request = { dataset: 'flights', source: { path }, time: 'when', label: 'late' };
      const { created, version } = await service.register(ada, request);
      assert.equal(created, true);
      datasetVersionSchema.parse(version);
      assert.equal(version.version, 1);
      assert.equal(version.rows, 5);
      assert.equal(version.format, 'csv');
      assert.deepEqual(version.columns, [
        { name: 'when', type: 'time' },
        { name: 'carrier', type: 'string' },
        { name: 'distance', type: 'number' },
        { name: 'late', type: 'boolean' },
        { name: 'note', type: 'string' },
      ]);
      assert.deepEqual(version.timeRange, {
        min: '2001-01-01T09:30:00.000Z',
        max: '2001-01-04T23:59:00.000Z',
      });
      assert.deepEqual(
        version.sample.map((row) => row[1]),
        ['UA', 'AA', 'AA', 'DL', 'AA'],
      );
      const distance = version.profile.find((column) => column.name === 'distance');
      assert.equal(distance?.count, 4);
      assert.equal(distance?.missing, 1);
      assert.equal(distance?.missingRatio, 0.2);
      assert.equal(distance?.numeric?.min, -7);
      assert.equal(distance?.numeric?.mean, (100 + 250.5 + 40 - 7) / 4);
      // numpy.quantile([-7, 40, 100, 250.5], 0.25) = 28.25
      assert.equal(distance?.numeric?.quantiles.find((q) => q.probability === 0.25)?.value, 28.25);
      assert.equal(
        distance?.numeric?.histogram.counts.reduce((a, b) => a + b),
        4,
      );
      assert.deepEqual(version.profile.find((column) => column.name === 'carrier')?.top, [
        { value: 'AA', count: 3, ratio: 0.6 },
        { value: 'DL', count: 1, ratio: 0.2 },
        { value: 'UA', count: 1, ratio: 0.2 },
      ]);
      assert.deepEqual(
        version.contract.columns.map(({ name, required, categories, range }) => ({
          name,
          required,
          categories,
          range,
        })),
        [
          { name: 'when', required: true, categories: null, range: null },
          { name: 'carrier', required: true, categories: ['AA', 'DL', 'UA'], range: null },
          { name: 'distance', required: false, categories: null, range: { min: -7, max: 250.5 } },
          { name: 'late', required: true, categories: ['false', 'true'], range: null },
          { name: 'note', required: false, categories: ['x', 'y'], range: null },
        ],
      );

      const again = await service.register(ada, request);
      assert.equal(again.created, false);
      assert.deepEqual(again.version, version);
      const otherRoles = await service.register(ada, { ...request, entity: 'carrier' });
      assert.equal(otherRoles.version.version, 2);
      assert.equal(otherRoles.version.contract.datasetVersion, 2);
      assert.deepEqual(
        (await service.datasets(ada, 10)).map(({ name, versions, latest }) => [
          name,
          versions,
          latest.version,
        ]),
        [['flights', 2, 2]],
      );
      assert.deepEqual(
        (await service.versions(ada, { dataset: 'flights', limit: 10 })).map((v) => v.version),
        [2, 1],
      );
      assert.deepEqual(
        (await journal.eventsAfter(0, 10)).map((event) => event.type),
        ['dataset-version.registered', 'dataset-version.registered'],
      );
    });

    test('CSV files as Excel, pandas and R write them have the columns that are meant', async (t) => {
      const { service, directory } = await openDataService(t, open);
      const read = async (bytes: string | Uint8Array, csv?: CsvOptions) => {
        const path = join(directory, `${uuidv7()}.csv`);
        await writeFile(path, bytes);
        const source = { path };
        const { version } = await service.register(ada, {
          dataset: 'files',
          source,
          ...(csv ? { csv } : {}),
        });
        return {
          types: version.columns.map(({ type }) => type),
          rows: version.sample,
        };
      };
      const german = 'kunde;betrag;land\r\n"M\u00fcller\r\nK\u00f6ln";0,5;NA\r\nb;-12,25;DE\r\n';
      const rows = [
        ['M\u00fcller\r\nK\u00f6ln', 0.5, 'NA'],
        ['b', -12.25, 'DE'],
      ];
      const types = ['string', 'number', 'string'];
      assert.deepEqual(await read(Buffer.from(german, 'latin1')), { types, rows }, 'Excel');
      assert.deepEqual(await read(`\uFEFFsep=;\r\n${german}`), { types, rows }, 'Excel, UTF-8');
      const tabs = Buffer.from(`\uFEFF${german.replaceAll(';', '\t')}`, 'utf16le');
      assert.deepEqual(await read(tabs), { types, rows }, 'Excel, Unicode text');
      const r = await read('"a","b","c"\n1.5,NA,"NA"\nNA,2001-02-01,"x"\n');
      assert.deepEqual(r.types, ['number', 'time', 'string']);
      assert.deepEqual(
        [r.rows[0]?.[0], r.rows[0]?.[1], r.rows[0]?.[2], r.rows[1]?.[0]],
        [1.5, null, 'NA', null],
      );
      const r2 = await read('"a";"b"\n1,5;NA\nNA;2\n');
      assert.deepEqual(
        r2,
        {
          types: ['number', 'integer'],
          rows: [
            [1.5, null],
            [null, 2],
          ],
        },
        'R, write.csv2',
      );
      await assert.rejects(read('a;b,c\n1;2,3\n'), /by comma or by semicolon: say which/);
      assert.deepEqual((await read('a;b,c\n1;2,3\n', { delimiter: 'semicolon' })).rows, [[1, 2.3]]);
    });

    test('a split keeps equal times on one side and is nearest to the ratio asked for', async (t) => {
      const { service, frames, blobs, directory } = await openDataService(t, open);
      const path = join(directory, 'times.parquet');
      // 1 row at t=1, 2 at t=2, ... 5 at t=5: 15 rows, and one without a time.
      await frames.query(
        `COPY (SELECT d AS t, 1.5 AS x FROM range(1, 6) a(d), range(5) b(r) WHERE r < d UNION ALL SELECT NULL, 2)
         TO ${sqlLiteral(path)} (FORMAT parquet)`,
      );
      const { version } = await service.register(ada, { dataset: 'times', source: { path }, time: 't' });
      const split = await service.split(ada, version.id, 0.5);
      // Hold-outs possible: 5 (t>=5), 9 (t>=4), 12, 14; 9 is nearest to 7.5.
      assert.equal(split.boundaryMs, 4);
      assert.deepEqual([split.trainRows, split.holdoutRows, split.untimedRows], [6, 9, 1]);
      const { train, holdout } = await service.splitParts(ada, version.id, 0.5);
      assert.deepEqual([train.rows, holdout.rows], [6, 9]);
      const stored = await frames.query(
        `SELECT count(*) AS n, max(t) AS last FROM read_parquet(${sqlLiteral(await blobs.path(train.digest))})`,
      );
      assert.deepEqual(stored, [{ n: 6, last: 3 }]);
      assert.equal((await service.splitParts(ada, version.id, 0.5)).train.digest, train.digest);
      const tiny = await service.split(ada, version.id, 0.01);
      assert.deepEqual([tiny.trainRows, tiny.holdoutRows], [10, 5]);
      const most = await service.split(ada, version.id, 0.99);
      assert.deepEqual([most.trainRows, most.holdoutRows], [1, 14]);
    });

    test('strange columns are profiled, not refused', async (t) => {
      const { service, frames, directory } = await openDataService(t, open);
      const path = join(directory, 'strange.parquet');
      await frames.query(
        `COPY (SELECT * FROM (VALUES (NULL::DOUBLE, 'NaN'::DOUBLE, 7::BIGINT, [1], NULL::VARCHAR, 1e300),
            (NULL, 'Infinity', 7, [2, 3], NULL, -1e300), (NULL, 2, 7, NULL, NULL, 0))
          x(empty, special, constant, list, nothing, huge))
         TO ${sqlLiteral(path)} (FORMAT parquet)`,
      );
      const { version } = await service.register(ada, { dataset: 'strange', source: { path } });
      const column = (wanted: string) => version.profile.find((c) => c.name === wanted);
      assert.deepEqual([column('empty')?.missing, column('empty')?.numeric], [3, null]);
      assert.deepEqual([column('special')?.missing, column('special')?.infinite], [1, 1]);
      assert.equal(column('special')?.numeric?.max, 2);
      assert.deepEqual(column('constant')?.numeric?.histogram, { edges: [6.5, 7.5], counts: [3] });
      assert.deepEqual([column('list')?.type, column('list')?.count], ['other', 2]);
      assert.equal(version.sample[1]?.[1], 'Infinity');
      await assert.rejects(service.split(ada, version.id, 0.2), { code: 'dataset_untimed' });
    });

    test('each thing that is wrong is named with a way out', async (t) => {
      const { service, frames, directory } = await openDataService(t, open);
      const path = join(directory, 'flights.csv');
      await writeFile(path, csv);
      const register = (change: object) =>
        service.register(ada, { dataset: 'flights', source: { path }, ...change });
      await assert.rejects(register({ label: 'lat' }), {
        code: 'column_unknown',
        message: /label: dataset "flights" has no column "lat" .* did you mean "late"\?/,
      });
      await assert.rejects(register({ time: 'carrier' }), { code: 'column_type', message: /holds VARCHAR/ });
      await assert.rejects(register({ source: { path: '/nowhere/x.csv' } }), {
        code: 'dataset_unreadable',
        message: /\/nowhere\/x\.csv/,
      });
      const broken = join(directory, 'broken.parquet');
      await writeFile(broken, 'PAR1 and then nothing of the kind');
      await assert.rejects(register({ source: { path: broken } }), { code: 'dataset_unreadable' });
      const empty = join(directory, 'empty.parquet');
      await frames.query(`COPY (SELECT 1 AS x WHERE false) TO ${sqlLiteral(empty)} (FORMAT parquet)`);
      await assert.rejects(register({ source: { path: empty } }), { code: 'dataset_empty' });
      const digest = `sha256:${'0'.repeat(64)}`;
      await assert.rejects(register({ source: { digest } }), { code: 'blob_missing' });
      await assert.rejects(service.version(ada, 'nope'), { code: 'not_found' });

      const { version } = await register({});
      const check = await service.check(ada, version.id, [
        { name: 'distance', type: 'double' },
        { name: 'late', type: 'float' },
        { name: 'carier', type: 'string' },
        { name: 'carrier', type: 'double' },
        { name: 'something else' },
      ]);
      assert.deepEqual(
        check.problems.map(({ code, column, nearest }) => [code, column, nearest]),
        [
          ['missing-column', 'carier', 'carrier'],
          ['wrong-type', 'carrier', null],
          ['missing-column', 'something else', null],
        ],
      );
      await assert.rejects(service.requireFit(ada, version.id, 'model m version 3', [{ name: 'distanse' }]), {
        code: 'contract_broken',
        message: /model m version 3 .* "flights" version 1: column "distanse" .* did you mean "distance"\?/,
      });
    });
  });
});
