import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { labelQueryInputSchema } from '../contract.ts';
import { ada, openFeedbackService } from '../testing.ts';
import { readDatabase } from './read-database.ts';

const url = process.env.MILLRACE_TEST_POSTGRES_URL;
const start = Date.UTC(2001, 1, 1);

forEachDatabase((name, open) => {
  if (name !== 'postgres') return;
  test('labels are read from a table of Postgres, on from their watermark', async (t) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const table = `truth_${randomBytes(6).toString('hex')}`;
    t.after(async () => {
      await client.query(`DROP TABLE ${table}`);
      await client.end();
    });
    await client.query(
      `CREATE TABLE ${table} (flight TEXT, departed TIMESTAMP, late BOOLEAN, landed TIMESTAMPTZ, minutes NUMERIC)`,
    );
    await client.query(
      `INSERT INTO ${table} SELECT 'f' || i, TIMESTAMP '2001-02-01' + i * INTERVAL '1 minute', i % 3 = 0,
       TIMESTAMPTZ '2001-02-01 12:00:00.123456+00' + i * INTERVAL '1 second', i FROM generate_series(0, 11999) i`,
    );
    const { service, send } = await openFeedbackService(t, open);
    await send(
      [0, 1, 12_000].map((i) => ({ id: `p${i}`, entity: `f${i}`, eventTimeMs: start + i * 60_000 + 400 })),
    );
    // As a role or a server may be set: the day first, and no zone but its own.
    const german = new URL(url ?? '');
    german.searchParams.set('options', '-c datestyle=German -c timezone=Asia/Kolkata');
    const input = labelQueryInputSchema.parse({
      endpoint: 'flights',
      url: german.href,
      sql: `SELECT flight AS entity, departed AS at, late AS value, landed AS event_time FROM ${table} WHERE landed >= :watermark`,
      initialWatermark: '2001-01-01T00:00:00Z',
    });
    await service.labels.putQuery(ada, 'landed', input);
    const first = await service.labels.runQuery(ada, 'landed');
    assert.deepEqual([first.error, first.rows, first.accepted, first.errors], [null, 12_000, 12_000, []]);
    assert.equal(first.watermark, '2001-02-01T15:19:59.123Z');
    await service.flush('flights');
    const value = async (id: string) => (await service.prediction(ada, id, 'flights')).label?.value;
    assert.deepEqual([await value('p0'), await value('p1'), await value('p12000')], [true, false, undefined]);

    await client.query(
      `INSERT INTO ${table} VALUES ('f12000', '2001-02-09 08:00', true, '2001-02-09 20:00+00', 1)`,
    );
    const second = await service.labels.runQuery(ada, 'landed');
    // The row that the watermark was taken from is read again: the database counts microseconds.
    assert.deepEqual([second.error, second.rows, second.watermark], [null, 2, '2001-02-09T20:00:00.000Z']);
    await service.flush('flights');
    assert.equal(await value('p12000'), true);

    const failing = async (change: object) => {
      await service.labels.putQuery(ada, 'landed', { ...input, ...change });
      return (await service.labels.runQuery(ada, 'landed')).error ?? '';
    };
    assert.match(await failing({ sql: `DELETE FROM ${table} RETURNING *` }), /syntax error/);
    assert.match(await failing({ sql: 'SELECT * FROM nowhere' }), /"nowhere" does not exist/);
    assert.match(await failing({ url: 'postgres://nobody:secret@127.0.0.1:1/x' }), /ECONNREFUSED/);
    const [shown] = await service.labels.listQueries(ada);
    assert.ok(shown && !shown.url.includes('secret'), shown?.url);
  });

  test('a database that goes while its rows are worked through fails the query, and nothing else', async (t) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    t.after(() => client.end());
    const rows = readDatabase(
      url ?? '',
      'SELECT pg_backend_pid() AS pid FROM generate_series(1, 5001)',
      null,
    );
    const { value: page } = await rows.next();
    const gone = client.query('SELECT pg_terminate_backend($1, 10000)', [page?.rows[0]?.[0]]);
    assert.deepEqual((await gone).rows, [{ pg_terminate_backend: true }]);
    await assert.rejects(rows.next(), /terminating connection/);
  });
});
