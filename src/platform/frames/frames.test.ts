import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { smallDisk } from '../../../test/support/small-disk.ts';
import { DirectFrames } from './direct-frames.ts';
import { Frames, sqlLiteral, sqlName } from './index.ts';

const directory = await mkdtemp(join(tmpdir(), 'millrace-frames-'));
const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '200MB', threads: 1 });
after(async () => {
  await frames.close();
  await rm(directory, { recursive: true });
});

test('values arrive as plain JavaScript values', async () => {
  const [row] = await frames.query(
    `SELECT 1::BIGINT AS i, 2.5 AS d, 'NaN'::DOUBLE AS nan, NULL AS missing, TIMESTAMP '2001-02-03 04:05:06' AS t,
      DATE '2001-02-03' AS day, [1, 2]::BIGINT[] AS list, {'a': 1::BIGINT} AS struct, $1 AS parameter, true AS b,
      9007199254740993::BIGINT AS large`,
    ["it's"],
  );
  assert.deepEqual(row, {
    i: 1,
    d: 2.5,
    nan: Number.NaN,
    missing: null,
    t: Date.UTC(2001, 1, 3, 4, 5, 6),
    day: Date.UTC(2001, 1, 3),
    list: [1, 2],
    struct: { a: 1 },
    parameter: "it's",
    b: true,
    large: '9007199254740993',
  });
});

test('times without a zone are UTC on machines of other zones too', async (t) => {
  const before = process.env.TZ;
  process.env.TZ = 'America/New_York';
  const options = { temporaryDirectory: directory, memoryLimit: '100MB', threads: 1 };
  const elsewhere = new Frames(options);
  t.after(() => elsewhere.close());
  const sql = `SELECT epoch_ms('2001-02-03 04:05:06'::TIMESTAMPTZ) AS read,
    strftime('2001-02-03 04:05:06Z'::TIMESTAMPTZ::TIMESTAMP, '%H:%M') AS shown`;
  const expected = { read: Date.UTC(2001, 1, 3, 4, 5, 6), shown: '04:05' };
  try {
    assert.deepEqual(await elsewhere.query(sql), [expected]);
    assert.deepEqual(await (await DirectFrames.open(options)).query(sql), [expected]);
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
});

test('queries run beside each other and results come by columns', async () => {
  const results = await Promise.all(
    [1, 2, 3].map((n) => frames.columns(`SELECT range AS n FROM range(${n * 1000})`)),
  );
  assert.deepEqual(
    results.map((r) => r.columns[0]?.length),
    [1000, 2000, 3000],
  );
});

test('a wrong query and too little memory each give an error, and the next query works', async () => {
  await assert.rejects(frames.query('SELECT * FROM nothing'), { code: 'frames_failed', message: /nothing/ });
  await assert.rejects(frames.query('SELECT list(range) AS l FROM range(100000000)'), {
    code: 'frames_failed',
    // Without what DuckDB says on how to set it in its own shell.
    message: /Out of Memory Error: .* used\)$/,
  });
  assert.deepEqual(await frames.query('SELECT 1 AS one'), [{ one: 1 }]);
});

test('an aborted query stops', async () => {
  const abort = new AbortController();
  const slow = frames.query('SELECT count(*) FROM range(1000000000) a, range(1000) b', [], abort.signal);
  setTimeout(() => abort.abort(), 50);
  await assert.rejects(slow, { name: 'AbortError' });
});

test('literals and names are quoted', async () => {
  assert.deepEqual(await frames.query(`SELECT ${sqlLiteral("a'b")} AS ${sqlName('c"d')}`), [
    { 'c"d': "a'b" },
  ]);
});

test('a process that closes them goes on to what it does after that', () => {
  const program = `
    const { Frames } = await import('${new URL('./index.ts', import.meta.url)}');
    const frames = new Frames({ temporaryDirectory: ${JSON.stringify(directory)}, memoryLimit: '200MB', threads: 1 });
    const busy = setInterval(() => {}, 1000);
    await frames.query('SELECT 1');
    clearInterval(busy);
    void frames.close().then(() => console.log('closed'));`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  assert.equal(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout, 'closed\n');
});

test('in the background every thread gives way to others', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const background = new Frames({
    temporaryDirectory: directory,
    memoryLimit: '200MB',
    threads: 1,
    isBackground: true,
  });
  t.after(() => background.close());
  const children = () =>
    spawnSync('pgrep', ['-P', String(process.pid)], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((pid) => pid !== '');
  const before = new Set(children());
  await background.query('SELECT count(*) FROM range(100000)');
  const pids = children().filter((pid) => !before.has(pid) && existsSync(`/proc/${pid}/task`));
  assert.equal(pids.length, 1);
  const nices = readdirSync(`/proc/${pids[0]}/task`).map((thread) => getPriority(Number(thread)));
  assert.ok(nices.length > 5, `${nices.length} threads`);
  assert.ok(
    nices.every((nice) => nice >= 7),
    String(nices),
  );
});

test('a disk that is full is named, where a file is written and where a query spills', async (t) => {
  const disk = await smallDisk('2m');
  if (!disk) return t.skip('this user may mount no file system');
  t.after(() => disk.remove());
  const options = { temporaryDirectory: disk.directory, memoryLimit: '32MB', threads: 1 };
  const engines = [new Frames(options), await DirectFrames.open(options)];
  for (const engine of engines) {
    const full = { code: 'disk_full', message: `no space is left where ${disk.directory} is written` };
    const rows = '(SELECT random() AS a FROM range(3000000))';
    await assert.rejects(engine.query(`COPY ${rows} TO '${disk.directory}/x.parquet'`), full);
    await assert.rejects(
      engine.query(`SELECT max(n) FROM (SELECT count(*) AS n FROM ${rows} GROUP BY a)`),
      full,
    );
  }
  for (const engine of engines) await engine.close();
});

test('an engine that cannot be started fails its queries, and is started by the next one', async (t) => {
  const { execPath } = process;
  t.after(() => {
    process.execPath = execPath;
  });
  const unstarted = new Frames({ temporaryDirectory: directory, memoryLimit: '100MB', threads: 1 });
  process.execPath = '/nowhere/node';
  await assert.rejects(unstarted.query('SELECT 1'), { code: 'frames_failed', message: /ENOENT/ });
  process.execPath = execPath;
  assert.deepEqual(await unstarted.query('SELECT 1 AS one'), [{ one: 1 }]);
  await unstarted.close();
});
