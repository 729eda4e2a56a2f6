import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { blocksIn } from './blocks.ts';
import { RecordConverter } from './record-converter.ts';
import { RowBytes } from './row-bytes.ts';
import { headerLine } from './segment-file.ts';
import { SegmentLog } from './segment-log.ts';
import { suffixes } from './segment-names.ts';
import { keepingReceiver, localFrames, temporaryDirectory, testLogOptions } from './testing.ts';

const frames = await localFrames();
const records = new RecordConverter();
after(() => records.close());

type Value = string | number | boolean | null;

/** Writes a row: the values of columns, and those of a list. */
const row =
  (values: readonly Value[], list: readonly Value[] = []) =>
  (to: RowBytes) => {
    const put = (value: Value) => {
      if (value === null) to.null();
      else if (typeof value === 'string') to.text(value);
      else if (typeof value === 'number') to.number(value);
      else to.boolean(value);
    };
    values.forEach(put);
    to.list(list.length);
    list.forEach(put);
  };

const receiver = (t: TestContext) => keepingReceiver(t, frames);

/** A file of a segment that waits to be shipped, as `blocks` of one row each, numbered from 0. */
function segment(columns: readonly object[], blocks: number): Buffer {
  const bytes = new RowBytes();
  const parts = [Buffer.from(`${JSON.stringify({ segment: 's1', columns })}\n`)];
  for (let i = 0; i < blocks; i++) {
    bytes.cut();
    row([String(i), i, i / 2])(bytes);
    parts.push(Buffer.from(bytes.block(1)));
  }
  return Buffer.concat(parts);
}

test('rows come out as Parquet with their types, lists too; what a type cannot hold is null', async (t) => {
  const { ship, shipped, rows } = await receiver(t);
  const options = { ...testLogOptions(await temporaryDirectory(t), frames, ship), records };
  const log = await SegmentLog.open(options);
  const list = (name: string, type: string, index: number) => ({ name, type, list: { member: 'f', index } });
  const columns = [
    ...options.columns,
    { name: 'yes', type: 'BOOLEAN' },
    list('a', 'DOUBLE', 0),
    list('c', 'VARCHAR', 2),
    list('b', 'BIGINT', 1),
    list('u', 'UBIGINT', 3),
  ];
  const long = 'ü'.repeat(3000);
  await Promise.all([
    log.append(row(['7', 7, 1.5, true], [0.25, 3, 'three', 7]), 1, columns),
    log.append(row(['é', 2 ** 40, 'wrong', false], [Number.NaN, 1.5, long, -1]), 1, columns),
    log.append(
      row(['9', -1, '2.5', 'true'], ['1e3', '9007199254740993', 4, '18446744073709551615']),
      1,
      columns,
    ),
    log.append(row(['10', 3, true, 0], [true]), 1, columns),
    log.append(row(['11', 4, null, null]), 1, columns),
    log.append(row(['12', 5, -0, false], [-0]), 1, columns),
  ]);
  await log.seal();
  await log.drained();
  const found = (await rows()).map((r) => [r.id, Number(r.time), r.value, r.yes, r.a, r.b, r.c, r.u]);
  assert.deepEqual(found, [
    ['7', 7, 1.5, true, 0.25, '3', 'three', '7'],
    ['é', 2 ** 40, null, false, null, null, long, null],
    ['9', -1, 2.5, true, 1000, '9007199254740993', '4', '18446744073709551615'],
    ['10', 3, 1, false, 1, null, null, null],
    ['11', 4, null, null, null, null, null, null],
    ['12', 5, -0, false, -0, null, null, null],
  ]);
  assert.deepEqual(
    shipped.map(({ rows: count, minTimeMs, maxTimeMs }) => ({ count, minTimeMs, maxTimeMs })),
    [{ count: 6, minTimeMs: -1, maxTimeMs: 2 ** 40 }],
  );
});

test('more rows than a row group, in blocks of many, keep their order; a row that cannot be written harms no other', async (t) => {
  const { ship, rows } = await receiver(t);
  const options = {
    ...testLogOptions(await temporaryDirectory(t), frames, ship),
    records,
    maxRows: 1e6,
    maxSizeBytes: 1e9,
  };
  const log = await SegmentLog.open(options);
  const count = 25_000;
  for (let from = 0; from < count; from += 250) {
    const some = (to: RowBytes) => {
      for (let i = from; i < from + 250; i++) row([`id-${i}`, i, i / 4])(to);
    };
    const broken = (to: RowBytes) => {
      to.text('half a row');
      throw new Error('no row');
    };
    const refused = assert.rejects(log.append(broken, 1), /no row/);
    await log.append(some, 250);
    await refused;
  }
  await log.seal();
  await log.drained();
  const found = await rows();
  assert.deepEqual(
    found.map((r) => [r.id, Number(r.time), r.value]),
    Array.from({ length: count }, (_, i) => [`id-${i}`, i, i / 4]),
  );
});

test('bytes that a disk has changed cost the block that they are in, and no other; it is kept and told of', async (t) => {
  const rng = createRng(31);
  const { columns } = testLogOptions('', frames, async () => {});
  const clean = segment(columns, 30);
  const start = clean.indexOf('\n') + 1;
  const blocks = [...blocksIn(clean, start)];
  for (let round = 0; round < 40; round++) {
    const bytes = Buffer.from(clean);
    const hit = rng.int(blocks.length);
    const from = hit === 0 ? start : (blocks[hit - 1]?.to ?? 0);
    const to = blocks[hit]?.to ?? 0;
    for (let n = 1 + rng.int(8); n > 0; n--) {
      const at = from + rng.int(to - from);
      bytes[at] = (bytes[at] as number) ^ (1 + rng.int(255));
    }
    if (bytes.equals(clean)) continue;
    const directory = await temporaryDirectory(t);
    await writeFile(join(directory, `s1${suffixes.records.sealed}`), bytes);
    const { ship, rows } = await receiver(t);
    const log = await SegmentLog.open({ ...testLogOptions(directory, frames, ship), records });
    await log.drained();
    const expected = Array.from({ length: 30 }, (_, i) => String(i)).filter((_, i) => i !== hit);
    assert.deepEqual(
      (await rows()).map((one) => one.id),
      expected,
    );
    const [damaged] = await log.findDamaged();
    assert.equal(damaged?.problem, 'some of its rows are not what was written');
    assert.equal(damaged?.rowsRead, 29);
    assert.ok(damaged?.rowsLost === 1 || damaged?.rowsLost === null);
    assert.equal((await stat(damaged?.file ?? '')).size, bytes.length);
    await log.close();
  }
});

test('what a crash left torn is cut, wherever it broke off, and is no damage', async (t) => {
  const { columns } = testLogOptions('', frames, async () => {});
  const clean = segment(columns, 4);
  const start = clean.indexOf('\n') + 1;
  const ends = [...blocksIn(clean, start)].map((block) => block.to);
  for (let length = 1; length <= clean.length; length += 7) {
    const directory = await temporaryDirectory(t);
    const path = join(directory, `s1${suffixes.records.open}`);
    await writeFile(path, clean);
    await truncate(path, length);
    const { ship, shipped, rows } = await receiver(t);
    const log = await SegmentLog.open({ ...testLogOptions(directory, frames, ship), records });
    await log.drained();
    const whole = ends.filter((end) => end <= length).length;
    assert.equal(shipped[0]?.rows ?? 0, whole);
    if (whole > 0) assert.equal((await rows()).length, whole);
    assert.equal(log.damaged, 0);
    await log.close();
  }
});

test('a segment without its header gives the rows of the columns that are known', async (t) => {
  const directory = await temporaryDirectory(t);
  const { ship, rows } = await receiver(t);
  const options = { ...testLogOptions(directory, frames, ship), records };
  const bytes = new RowBytes();
  row(['1', 1, 0.5], ['a feature'])(bytes);
  row(['2', 2, null], ['a feature', 2])(bytes);
  const file = Buffer.concat([Buffer.from('{"segm\n'), bytes.block(2)]);
  await writeFile(join(directory, `s1${suffixes.records.sealed}`), file);
  const log = await SegmentLog.open(options);
  await log.drained();
  assert.deepEqual(
    (await rows()).map((r) => [r.id, Number(r.time), r.value]),
    [
      ['1', 1, 0.5],
      ['2', 2, null],
    ],
  );
  const [damaged] = await log.findDamaged();
  assert.equal(damaged?.problem, 'its header is not what was written');
  assert.deepEqual(await readFile(damaged?.file ?? ''), file);
});

test('a segment that cannot be converted is set aside when the thread answers otherwise, and those behind it go on', async (t) => {
  const directory = await temporaryDirectory(t);
  const { ship, rows } = await receiver(t);
  const options = { ...testLogOptions(directory, frames, ship), records, backOffMs: [1, 2] as const };
  const odd = options.columns.map((column) => ({
    ...column,
    type: column.type.replace('BIGINT', 'BIGGEST'),
  }));
  await writeFile(join(directory, `s0${suffixes.records.sealed}`), segment(odd, 1));
  await writeFile(join(directory, `s1${suffixes.records.sealed}`), segment(options.columns, 2));
  const log = await SegmentLog.open(options);
  await log.drained();
  assert.deepEqual(
    (await rows()).map((one) => one.id),
    ['0', '1'],
  );
  assert.deepEqual(
    (await log.findDamaged()).map(({ file, problem }) => [file, problem]),
    [[join(directory, `s0${suffixes.records.damaged}`), 'it cannot be read']],
  );
});

test('lines that an earlier version left are shipped by a log of records', async (t) => {
  const directory = await temporaryDirectory(t);
  const { ship, rows } = await receiver(t);
  const lines = testLogOptions(directory, frames, async () => Promise.reject(new Error('away')));
  const before = await SegmentLog.open(lines);
  await before.append('{"id":"1","time":1}\n', 1);
  await before.seal();
  await before.append('{"id":"2","time":2}\n', 1);
  await before.close();
  await writeFile(
    join(directory, `z${suffixes.lines.open}`),
    `${JSON.stringify({ segment: 'z', columns: lines.columns })}\n{"id":"3","time":3}\n`,
  );
  const log = await SegmentLog.open({ ...testLogOptions(directory, frames, ship), records });
  await log.append(row(['4', 4, null]), 1);
  await log.seal();
  await log.drained();
  assert.deepEqual((await rows()).map((r) => r.id).sort(), ['1', '2', '3', '4']);
});

for (const form of ['lines', 'records'])
  test(`kill -9 at any moment loses no acknowledged row, round after round: ${form}`, async (t) => {
    const directory = await temporaryDirectory(t);
    const script = new URL('./fixtures/append-until-killed.ts', import.meta.url).pathname;
    const acknowledged = new Set<string>();
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [script, directory, String(round * 1_000_000), form], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      const enough = 300 + round * 170;
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk;
        if (text.length > enough * 5) child.kill('SIGKILL');
      });
      await once(child, 'close');
      for (const id of text.split('\n').slice(0, -1)) acknowledged.add(id);
    }
    const { ship, rows } = await receiver(t);
    const log = await SegmentLog.open({ ...testLogOptions(directory, frames, ship), records });
    await log.drained();
    const logged = new Set((await rows()).map((r) => r.id));
    const lost = [...acknowledged].filter((id) => !logged.has(id));
    assert.ok(acknowledged.size > 500, `only ${acknowledged.size} rows were acknowledged`);
    assert.deepEqual(lost, []);
  });

test('a header of which the disk has changed any byte is told of, and its rows are shipped', async (t) => {
  const { columns } = testLogOptions('', frames, async () => {});
  const rowsOnly = segment(columns, 2);
  const clean = Buffer.concat([
    Buffer.from(headerLine({ segment: 's1', columns })),
    rowsOnly.subarray(rowsOnly.indexOf('\n') + 1),
  ]);
  const end = clean.indexOf('\n');
  for (const at of [clean.indexOf('"id"') + 1, clean.indexOf('value'), clean.indexOf('DOUBLE'), end]) {
    const bytes = Buffer.from(clean);
    bytes[at] = (bytes[at] as number) ^ 1;
    const directory = await temporaryDirectory(t);
    await writeFile(join(directory, `s1${suffixes.records.sealed}`), bytes);
    const { ship, rows } = await receiver(t);
    const log = await SegmentLog.open({ ...testLogOptions(directory, frames, ship), records });
    await log.drained();
    assert.deepEqual(
      (await rows()).map((r) => [r.id, Number(r.time), r.value]),
      [
        ['0', 0, 0],
        ['1', 1, 0.5],
      ],
    );
    const [damaged] = await log.findDamaged();
    assert.equal(damaged?.problem, 'its header is not what was written');
    await log.close();
  }
});
