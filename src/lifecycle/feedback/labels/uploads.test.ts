import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { createRng } from '../../../core/rng.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { sqlLiteral } from '../../../platform/frames/index.ts';
import { ParquetFile } from '../../../platform/parquet/index.ts';
import { feedbackSettingsSchema, type LabelUpload } from '../contract.ts';
import { SourceStore } from '../store/source-store.ts';
import { ada, openFeedbackService } from '../testing.ts';

const hour = 3_600_000;
const start = Date.UTC(2001, 1, 1);
const endpoint = 'flights';

forEachDatabase((name, open) => {
  describe(`files of labels on ${name}`, { concurrency: 2 }, () => {
    test('a CSV file is taken row by row, tells what it refused, and tries that alone the second time', async (t) => {
      const { service, send } = await openFeedbackService(t, open);
      await send([{ id: 'p7', eventTimeMs: start, entity: 'e7' }]);
      const rows = Array.from({ length: 12_000 }, (_, i) => `p${i},${i % 2},${start + i}`);
      rows[10] = 'p10,,5';
      rows[11] = '"p11",1,yesterday';
      const text = `prediction_id,value,event_time\n${rows.join('\n')}\n`;
      const send2 = () =>
        service.labels.upload(ada, endpoint, 'csv', Readable.from([Buffer.from(text)]), true);
      const upload = await send2();
      assert.deepEqual(
        [upload.state, upload.rowsRead, upload.rowsAccepted, upload.rowsRefused],
        ['done', 12_000, 11_998, 2],
      );
      assert.deepEqual(
        upload.errors.map((e) => e.row),
        [12, 13],
      );
      assert.match(upload.errors[0]?.problem ?? '', /value is empty/);
      const again = await send2();
      assert.deepEqual(
        [again.id, again.rowsRead, again.rowsAccepted, again.errors],
        [upload.id, 12_000, 11_998, upload.errors],
      );
      assert.deepEqual([again.lastTry.rowsTried, again.lastTry.rowsAccepted], [2, 0]);
      const { total } = await service.summary(ada, endpoint);
      assert.deepEqual([total.labelsReceived, total.joined, total.duplicateLabels], [11_998, 1, 0]);
      const history = (await service.prediction(ada, 'p7', endpoint)).labels;
      assert.deepEqual(
        history.map((l) => l.source),
        [`upload:${upload.id}`],
      );
      const wrong = await service.labels.upload(ada, endpoint, 'csv', Buffer.from('a,b\n1,2\n'), true);
      assert.match(
        `${wrong.state} ${wrong.errors[0]?.problem}`,
        /^failed .*no column prediction_id.*columns are a, b/,
      );
      const listed = async (afterId?: string) =>
        (await service.labels.listUploads(ada, { limit: 1, afterId }, endpoint)).map(({ id }) => id);
      assert.deepEqual(
        [await listed(), await listed(wrong.id), await listed(upload.id)],
        [[wrong.id], [upload.id], []],
      );
      await assert.rejects(service.labels.upload(ada, 'nobody', 'csv', Buffer.from(text), true), {
        code: 'not_found',
      });
    });

    test('a file that was refused as a whole is read again once what was in its way is mended', async (t) => {
      const { service } = await openFeedbackService(t, open);
      const declare = (labelType: 'binary' | 'text') =>
        service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ labelType }));
      const file = Buffer.from('prediction_id,value,event_time\na,late,2001-02-01\nb,early,2001-02-01\n');
      const send = () => service.labels.upload(ada, endpoint, 'csv', file, true);
      await declare('binary');
      const refused = await send();
      assert.deepEqual([refused.state, refused.rowsAccepted, refused.rowsRefused], ['done', 0, 2]);
      await declare('text');
      const taken = await send();
      assert.deepEqual([taken.rowsAccepted, taken.rowsRefused, taken.errors], [2, 0, []]);
      assert.equal(taken.id, refused.id);
      const { lastTry, updatedAt, ...same } = taken;
      const again = await send();
      assert.deepEqual(
        { ...again, lastTry, updatedAt },
        { ...same, lastTry, updatedAt },
        'nothing changes any more',
      );
      assert.equal(again.lastTry.rowsTried, 0);
    });

    for (const format of ['csv', 'parquet'] as const)
      test(`of a ${format} file that was refused in part, sent again, the refused rows are tried and no others`, async (t) => {
        const { service, frames, directory } = await openFeedbackService(t, open);
        const declare = (labelType: 'binary' | 'any') =>
          service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ labelType }));
        const count = 12_000;
        const labelOf = (i: number) => (i % 3000 < 2 ? 'late' : String(i % 2));
        let bytes = Buffer.from(
          [
            'prediction_id,value,event_time',
            ...Array.from({ length: count }, (_, i) => `p${i},${labelOf(i)},${start + i}`),
          ].join('\n'),
        );
        if (format === 'parquet') {
          const path = join(directory, 'in.parquet');
          await frames.query(
            `COPY (SELECT 'p' || i AS prediction_id, if(i % 3000 < 2, 'late', (i % 2)::VARCHAR) AS value, ${start} + i AS event_time
               FROM range(${count}) r(i)) TO ${sqlLiteral(path)} (FORMAT parquet)`,
          );
          bytes = await readFile(path);
        }
        const send = () => service.labels.upload(ada, endpoint, format, bytes, true);
        const told = (u: LabelUpload) => [
          u.state,
          u.rowsRead,
          u.rowsAccepted,
          u.rowsRefused,
          u.errors.length,
          u.lastTry.rowsTried,
          u.lastTry.rowsAccepted,
        ];
        await declare('binary');
        const first = await send();
        assert.deepEqual(told(first), ['done', count, count - 8, 8, 8, count, count - 8]);
        assert.deepEqual(told(await send()), ['done', count, count - 8, 8, 8, 8, 0]);
        await declare('any');
        const both = await Promise.all([send(), send()]);
        assert.deepEqual(
          both.map(({ id }) => id),
          [first.id, first.id],
          'sent twice at once it is one',
        );
        assert.deepEqual(told(both[0]), ['done', count, count, 0, 0, 8, 8]);
        assert.deepEqual(told(await send()), ['done', count, count, 0, 0, 0, 0]);
        await service.flush(endpoint);
        const { total } = await service.summary(ada, endpoint);
        assert.deepEqual(
          [total.labelsReceived, total.duplicateLabels],
          [count, 0],
          'each row was taken once',
        );
      });

    test('a second try that a crash breaks off goes on where it was', async (t) => {
      const { service, options } = await openFeedbackService(t, open);
      const { db } = options;
      const sources = new SourceStore(db);
      const rows = Array.from(
        { length: 15_000 },
        (_, i) => `p${i},${i % 5000 === 7 ? 'late' : 1},${start + i}`,
      );
      const bytes = Buffer.from(['prediction_id,value,event_time', ...rows].join('\n'));
      const declare = (labelType: 'binary' | 'any') =>
        service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ labelType }));
      await declare('binary');
      const { id } = await service.labels.upload(ada, endpoint, 'csv', bytes, true);
      await declare('any');
      // As it is on the disk when the first of three pages was tried again.
      const [known] = await sources.uploads({ id });
      assert.ok(known);
      await db.write(async (tx) => {
        await sources.putUpload(tx, { ...known, state: 'running', triedAgainTo: 1, errors: [] });
      });
      await service.labels.uploads.resume();
      const done = await service.labels.uploads.finished(id);
      assert.deepEqual(
        [done.state, done.rowsRead, done.rowsAccepted, done.rowsRefused],
        ['done', 15_000, 14_999, 1],
      );
      const last = await service.labels.upload(ada, endpoint, 'csv', bytes, true);
      assert.deepEqual([last.rowsAccepted, last.rowsRefused, last.lastTry.rowsTried], [15_000, 0, 1]);
    });

    test('files as Excel, pandas and R write them are taken as they are meant', async (t) => {
      const { service } = await openFeedbackService(t, open);
      const send = (text: string | Buffer, options = {}) =>
        service.labels.upload(ada, endpoint, 'csv', Buffer.from(text as string), true, options);
      const excel =
        'prediction_id;value;event_time\r\nM\u00fcller;0,25;2001-02-01\r\nb;1.234;2001-02-01\r\n"c\nd";-3;2001-02-01\r\n';
      const taken = await send(Buffer.from(excel, 'latin1'));
      assert.deepEqual(taken.csv, {
        encoding: 'windows-1252',
        delimiter: 'semicolon',
        decimal: 'comma',
        lineEnd: 'lf',
      });
      assert.deepEqual([taken.rowsAccepted, taken.errors.map(({ row }) => row)], [2, [3]]);
      assert.match(
        taken.errors[0]?.problem ?? '',
        /^value is "1.234"; numbers of this file have a decimal comma: .*decimal=point/,
      );
      const points = await send(Buffer.from(excel, 'latin1'), { decimal: 'point' });
      assert.notEqual(points.id, taken.id, 'read in another way it is another upload');
      assert.deepEqual([points.rowsAccepted, points.errors.length], [2, 1]);
      const tabs = await send(Buffer.from(`\uFEFF${excel.replaceAll(';', '\t')}`, 'utf16le'));
      assert.deepEqual([tabs.csv?.encoding, tabs.csv?.delimiter, tabs.rowsAccepted], ['utf-16le', 'tab', 2]);
      const unclear = await send('prediction_id;a,value,event_time\n1;2,3,2001-02-01\n');
      assert.match(
        `${unclear.state} ${unclear.errors[0]?.problem}`,
        /^failed .*by comma or by semicolon: say which/,
      );
      const odd = await send('prediction_id:value:event_time\na:1:2001-02-01\n');
      assert.match(odd.errors[0]?.problem ?? '', /the only column is .*commas, semicolons, tabs or bars/);
    });

    test('a file with an entity that is erased goes, however its CSV is written', async (t) => {
      const { service, blobs } = await openFeedbackService(t, open);
      const head = 'entity;at;value;event_time\r\n';
      const row = (entity: string) => `${entity};2001-02-01;0,5;2001-02-01\r\n`;
      const files = [
        Buffer.from(`${head + row('M\u00fcller')}a;b\r\n`, 'latin1'),
        Buffer.from(`\uFEFF${(head + row('M\u00fcller')).replaceAll(';', '\t')}`, 'utf16le'),
        Buffer.from(head + row('Meier')),
        // An id or a value of that name is none.
        Buffer.from(`prediction_id,value,event_time\nM\u00fcller,1,2001-02-01\n`),
      ];
      const uploads = [];
      for (const file of files) uploads.push(await service.labels.upload(ada, endpoint, 'csv', file, true));
      for (const hook of service.eraseHooks({ digests: async () => [] }))
        await hook.erase(ada, { entity: 'M\u00fcller', endpoint, reason: 'a test' });
      const left = uploads.map(async ({ digest }) => (await blobs.info(digest)) !== undefined);
      assert.deepEqual(await Promise.all(left), [false, false, true, true]);
    });

    test('what is wrong in a file is told row by row, whatever bytes it has, and no other row is lost', async (t) => {
      const { service } = await openFeedbackService(t, open);
      const take = (format: 'csv' | 'parquet', bytes: Buffer) =>
        service.labels.upload(ada, endpoint, format, bytes, true);
      const head = 'prediction_id,value,event_time\n';
      const text = (...lines: string[]) => Buffer.from(head + lines.join('\n'));
      const told = await take(
        'csv',
        text(
          'a,1,2001-02-01 10:00:00',
          'b,1',
          'c,1,2001-02-01,',
          'd,1,2001-02-01,e',
          'f,1,soon',
          ',1,2001-02-01',
          's,1,1795312682',
          'i,9007199254740993,5',
          'j,-9007199254740992,2001-02-01 10:00 UTC',
          'g,"1',
          'h,1,9',
        ),
      );
      assert.deepEqual(
        told.errors.map(({ row, problem }) => `${row} ${problem}`),
        [
          '3 the record has 2 cells, the header 3',
          '5 the record has 4 cells, the header 3',
          '6 event_time is "soon"; expected a time like 2026-01-31T12:00:00Z, or epoch milliseconds',
          '7 needs either prediction_id, or entity and at',
          '8 event_time is 1795312682, which looks like seconds; expected epoch milliseconds (a time near 1970 as text, like 1970-01-31T12:00:00Z)',
          '9 value is 9007199254740993; numbers are kept as doubles, which do not hold it exactly: have the endpoint take texts (labelType "text") where labels are as long as that',
          '11 a quote is opened and never closed: the rest of the file is in it',
        ],
      );
      assert.deepEqual([told.state, told.rowsAccepted], ['done', 3]);
      const other = await take('csv', Buffer.from(`${head}M\u0081ller,1,5\n`, 'latin1'));
      assert.match(`${other.state} ${other.errors[0]?.problem}`, /^failed .*neither UTF-8 nor Windows-1252/);
      const broken = await take('parquet', Buffer.from('PAR1 nothing PAR1'));
      assert.match(
        `${broken.state} ${broken.errors[0]?.problem}`,
        /^failed .*it cannot be read as Parquet: (?!.*\/)/,
      );

      const rng = createRng(77);
      const good = Array.from({ length: 40 }, (_, i) => `p${i},${i % 2},${start + i}`);
      for (let round = 0; round < 40; round++) {
        const hit = rng.int(good.length);
        const bytes = Array.from({ length: 1 + rng.int(30) }, () => rng.int(128));
        // A line break makes two rows of one, a quote takes what follows: told above.
        const noise = String.fromCharCode(...bytes.filter((byte) => byte !== 10 && byte !== 34));
        const upload = await take(
          'csv',
          text(...good.map((line, i) => (i === hit ? `${noise}${round}` : line))),
        );
        assert.equal(upload.state, 'done');
        assert.ok(
          upload.rowsAccepted >= good.length - 1,
          `${JSON.stringify(noise)} took another row with it`,
        );
        assert.equal(upload.rowsAccepted + upload.rowsRefused, upload.rowsRead);
      }
      for (let round = 0; round < 40; round++) {
        const bytes = Buffer.from(Array.from({ length: 1 + rng.int(400) }, () => rng.int(256)));
        const csv = await take('csv', Buffer.concat([Buffer.from(round % 2 === 0 ? head : ''), bytes]));
        assert.ok(csv.state === 'failed' || csv.rowsAccepted + csv.rowsRefused === csv.rowsRead);
        const parquet = await take(
          'parquet',
          Buffer.concat([Buffer.from('PAR1'), bytes, Buffer.from('PAR1')]),
        );
        assert.equal(parquet.state, 'failed');
      }
    });

    test('a Parquet file is taken, by entity too', async (t) => {
      const { service, send, frames, directory } = await openFeedbackService(t, open);
      await send([{ id: 'q1', entity: 'e1', eventTimeMs: start + 5 }]);
      const path = join(directory, 'labels-in.parquet');
      await frames.query(
        `COPY (SELECT 'e' || i AS entity, make_timestamp(${start}000) AS at, i % 2 = 1 AS label,
           make_timestamp(${start + hour}000) AS event_time FROM range(6000) r(i)) TO ${sqlLiteral(path)} (FORMAT parquet)`,
      );
      const upload = await service.labels.upload(ada, endpoint, 'parquet', createReadStream(path), true);
      assert.deepEqual([upload.state, upload.rowsAccepted, upload.errors], ['done', 6000, []]);
      await service.flush(endpoint);
      assert.equal((await service.prediction(ada, 'q1', endpoint)).label?.value, true);
      const junk = await service.labels.upload(ada, endpoint, 'parquet', Buffer.from('no parquet'), true);
      assert.equal(junk.state, 'failed');
      await rm(path);

      // Types that other programs write, each in a file of its own.
      const time = `make_timestamp(${start}000) AS event_time`;
      const taken = async (columns: string): Promise<string> => {
        await frames.query(`COPY (SELECT ${columns}) TO ${sqlLiteral(path)} (FORMAT parquet)`);
        const { errors } = await service.labels.upload(
          ada,
          endpoint,
          'parquet',
          createReadStream(path),
          true,
        );
        await rm(path);
        return errors[0]?.problem ?? 'taken';
      };
      for (const columns of [
        `'t1'::BLOB AS prediction_id, 0.25::DECIMAL(38, 2) AS value, ${time}`,
        `'t2'::ENUM('t2') AS prediction_id, 1::UHUGEINT AS value, timezone('UTC', make_timestamp(${start}000)) AS event_time`,
        `9223372036854775813::UBIGINT AS prediction_id, 1::TINYINT AS value, DATE '2001-02-01' AS event_time`,
        `'other' AS id, 't4' AS prediction_id, 'other' AS label, 1::FLOAT AS value, ${start}::DOUBLE AS event_time`,
      ])
        assert.equal(await taken(columns), 'taken', columns);
      for (const [columns, problem] of [
        [
          `'\\xFF'::BLOB AS prediction_id, 1 AS value, ${time}`,
          /cannot be read as Parquet: .*not valid UTF8/,
        ],
        [`['t5'] AS prediction_id, 1 AS value, ${time}`, /^prediction_id is \["t5"\]; expected a text/],
        [`'t6' AS prediction_id, {'x': 1} AS value, ${time}`, /^value is \{"x":1\}; expected/],
        [`'t7' AS prediction_id, 'NaN'::DOUBLE AS value, ${time}`, /^value is NaN; expected/],
        [
          `'t8' AS prediction_id, 'nan' AS value, ${time}`,
          /^value is "nan"; this endpoint takes a finite number/,
        ],
        [
          `'t9' AS prediction_id, 1 AS value, TIME '10:00' AS event_time`,
          /^event_time is .*; expected|looks like/,
        ],
        [
          `'t11' AS prediction_id, 9007199254740993 AS value, ${time}`,
          /^value is 9007199254740993; .*labelType/,
        ],
        [`1 AS value, ' VALUE' AS "value ", 't10' AS id, ${time}`, /several columns value/],
      ] as const)
        assert.match(await taken(columns), problem);
      const names = ['prediction_id', 'value', 'value', 'event_time'];
      const twice = new ParquetFile(
        path,
        names.map((name) => ({ name, type: 'VARCHAR' })),
      );
      twice.end();
      twice.close();
      const of = await service.labels.upload(ada, endpoint, 'parquet', createReadStream(path), true);
      assert.match(of.errors[0]?.problem ?? '', /several columns value/);
      await service.flush(endpoint);
      const values = ['t1', '9223372036854775813', 't4'].map(async (id) => {
        await send([{ id, eventTimeMs: start }]);
        return (await service.prediction(ada, id, endpoint)).label?.value;
      });
      assert.deepEqual(await Promise.all(values), [0.25, 1, 1]);
    });
  });
});
