import assert from 'node:assert/strict';
import files, { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { DiskBudget } from './disk-budget.ts';
import { SegmentLog } from './segment-log.ts';
import { suffixes } from './segment-names.ts';
import { keepingReceiver, localFrames, temporaryDirectory, testLogOptions } from './testing.ts';

const frames = await localFrames();
const suffix = suffixes.lines;
const row = (id: number | string, extra: object = {}) =>
  `${JSON.stringify({ id: String(id), time: Number(id), ...extra })}\n`;

const receiver = (t: TestContext) => keepingReceiver(t, frames);

test('rows come out as Parquet with their types, with counts and times, and the files are gone', async (t) => {
  const directory = await temporaryDirectory(t);
  const { ship, shipped, rows } = await receiver(t);
  const log = await SegmentLog.open(testLogOptions(directory, frames, ship));
  await Promise.all([
    log.append(row(7, { value: 1.5 }), 1),
    log.append(row(9) + row(8, { value: 'wrong' }), 2),
  ]);
  await log.seal();
  await log.drained();
  const found = (await rows()).map((r) => [r.id, Number(r.time), r.value]);
  assert.deepEqual(found, [
    ['7', 7, 1.5],
    ['9', 9, null],
    ['8', 8, null],
  ]);
  assert.deepEqual(
    shipped.map(({ rows, minTimeMs, maxTimeMs, stream }) => ({ rows, minTimeMs, maxTimeMs, stream })),
    [{ rows: 3, minTimeMs: 7, maxTimeMs: 9, stream: 'test' }],
  );
  assert.deepEqual(await readdir(directory), []);
  assert.equal(log.waiting, 0);
});

test('segments are sealed by rows and by age, and new columns begin a new segment', async (t) => {
  const { ship, shipped, rows } = await receiver(t);
  const options = {
    ...testLogOptions(await temporaryDirectory(t), frames, ship),
    maxRows: 2,
    maxAgeMs: 1000,
  };
  const log = await SegmentLog.open(options);
  for (const id of [1, 2, 3]) await log.append(row(id), 1);
  while (shipped.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  void log.append(row(4), 1);
  const wider = [
    ...options.columns,
    { name: 'colour', type: 'VARCHAR' },
    { name: 'f1', type: 'DOUBLE', list: { member: 'features', index: 0 } },
    { name: 'f2', type: 'VARCHAR', list: { member: 'features', index: 1 } },
    { name: 'f3', type: 'VARCHAR', list: { member: 'features', index: 2 } },
  ];
  await log.append(row(5, { colour: 'red', features: [0.5, 'a', [1, 'b']] }), 1, wider);
  await log.seal();
  await log.drained();
  assert.deepEqual(
    shipped.map((s) => s.rows),
    [2, 1, 1, 1],
  );
  assert.deepEqual((await rows()).map((r) => [r.colour, r.f1, r.f2, r.f3]).slice(3), [
    [null, null, null, null],
    ['red', 0.5, 'a', '[1,"b"]'],
  ]);
});

test('a receiver that fails gets the segment again, under the same id', async (t) => {
  const { ship, rows } = await receiver(t);
  const ids: string[] = [];
  const log = await SegmentLog.open(
    testLogOptions(await temporaryDirectory(t), frames, async (segment) => {
      ids.push(segment.id);
      if (ids.length < 3) throw new Error('receiver is away');
      await ship(segment);
    }),
  );
  await log.append(row(1), 1);
  await log.seal();
  await log.drained();
  assert.equal(new Set(ids).size, 1);
  assert.equal(ids.length, 3);
  assert.equal((await rows()).length, 1);
});

test('torn and garbled tails of a crashed segment are cut, whole lines stay', async (t) => {
  const directory = await temporaryDirectory(t);
  const header = JSON.stringify({
    segment: 's1',
    columns: testLogOptions('', frames, async () => {}).columns,
  });
  const tails = ['', '{"id":"3","ti', '\0\0\0\0\n{"id":"4","time":4}\n', '{"id":"3","time":3}'];
  for (const [i, tail] of tails.entries()) {
    await writeFile(join(directory, `s${i}${suffix.open}`), `${header}\n${row(1)}${row(2)}${tail}`);
  }
  await writeFile(join(directory, `empty${suffix.open}`), '{"segm');
  const { ship, shipped } = await receiver(t);
  const log = await SegmentLog.open(testLogOptions(directory, frames, ship));
  await log.drained();
  assert.deepEqual(
    shipped.map((s) => s.rows),
    [2, 2, 3, 2],
  );
  assert.deepEqual(await readdir(directory), []);
});

test('a segment without its header gives what can be read, one that cannot be converted is set aside; others go on', async (t) => {
  const directory = await temporaryDirectory(t);
  const { ship, shipped, rows } = await receiver(t);
  const options = testLogOptions(directory, frames, ship);
  const header = JSON.stringify({ segment: 's', columns: options.columns });
  const damaged = [`{"segm\0\0":${header.slice(9)}`, header.replace('BIGINT', 'b; DROP')];
  for (const [i, line] of damaged.entries())
    await writeFile(join(directory, `s${i}${suffix.sealed}`), `${line}\n${row(i)}`);
  // Its type is no type of the engine's: nothing reads it.
  await writeFile(join(directory, `s2${suffix.open}`), `${header.replace('BIGINT', 'BIGGEST')}\n${row(2)}`);
  await writeFile(join(directory, `s3${suffix.sealed}`), `${header}\n${row(3)}`);
  const told: string[] = [];
  const logger = {
    ...options.logger,
    error: ({ segment }: { segment: string }) => told.push(segment),
    warn: () => {},
    info: () => {},
  } as unknown as typeof options.logger;
  const log = await SegmentLog.open({ ...options, logger, backOffMs: [1, 2] });
  await log.append(row(4), 1);
  await log.seal();
  await log.drained();
  assert.deepEqual((await rows()).map((r) => [r.id, Number(r.time)]).sort(), [
    ['0', 0],
    ['1', 1],
    ['3', 3],
    ['4', 4],
  ]);
  assert.deepEqual([told, log.damaged, log.waiting, shipped.length], [['s0', 's1', 's2'], 3, 0, 4]);
  await log.close();
  const kept = (await readdir(directory)).sort();
  assert.deepEqual(
    kept,
    ['s0', 's1', 's2'].map((id) => id + suffix.damaged),
  );
  const again = await SegmentLog.open(options);
  assert.deepEqual([again.damaged, again.waiting, (await readdir(directory)).length], [3, 0, 3]);
});

test('a segment of which lines cannot be read is kept too, until somebody takes it away or mends it', async (t) => {
  const directory = await temporaryDirectory(t);
  const { ship, rows } = await receiver(t);
  const budget = new DiskBudget(1e9);
  const options = { ...testLogOptions(directory, frames, ship), budget };
  const header = JSON.stringify({ segment: 's1', columns: options.columns });
  const broken = row(2).replace('{', '\0');
  await writeFile(join(directory, `s1${suffix.sealed}`), `${header}\n${row(1)}${broken}${row(3)}`);
  const log = await SegmentLog.open(options);
  await log.drained();
  const file = join(directory, `s1${suffix.damaged}`);
  const problem = 'some of its lines are not what was written';
  assert.deepEqual(await log.findDamaged(), [{ file, problem, rowsRead: 2, rowsLost: 1 }]);
  assert.equal(budget.usedBytes, (await stat(file)).size);
  await log.close();
  // Mended under another name: that of the segment is used up.
  await writeFile(join(directory, `s1-mended${suffix.sealed}`), `${header}\n${row(1)}${row(2)}${row(3)}`);
  await rm(file);
  assert.deepEqual([await log.findDamaged(), log.damaged, budget.usedBytes], [[], 0, 0]);
  const again = await SegmentLog.open({ ...options, budget: new DiskBudget(1e9) });
  await again.drained();
  assert.deepEqual(new Set((await rows()).map((one) => one.id)), new Set(['1', '2', '3']));
});

test('bytes that a disk has changed cost the row that they are in, and no other', async (t) => {
  const rng = createRng(31);
  const header = JSON.stringify({
    segment: 's1',
    columns: testLogOptions('', frames, async () => {}).columns,
  });
  for (let round = 0; round < 25; round++) {
    const directory = await temporaryDirectory(t);
    const lines = Array.from({ length: 30 }, (_, i) => row(i).trimEnd());
    const hit = rng.int(lines.length);
    const bytes = Buffer.from(`${header}\n${lines.join('\n')}\n`);
    const from = header.length + 1 + lines.slice(0, hit).reduce((sum, line) => sum + line.length + 1, 0);
    for (let n = 1 + rng.int(8); n > 0; n--) {
      const at = from + rng.int(lines[hit]?.length ?? 1);
      const byte = rng.int(256);
      bytes[at] = byte === 10 ? 0 : byte;
    }
    await writeFile(join(directory, `s1${suffix.sealed}`), bytes);
    const { ship, shipped, rows } = await receiver(t);
    const log = await SegmentLog.open(testLogOptions(directory, frames, ship));
    await log.drained();
    const told = bytes.toString('latin1').slice(from, from + 40);
    const kept = new Set((await rows()).map((one) => String(one.id)));
    for (const i of lines.keys())
      assert.ok(
        i === hit || kept.has(String(i)),
        `row ${i} is lost by ${JSON.stringify(told)} in row ${hit}`,
      );
    assert.ok((shipped[0]?.rows ?? 0) <= lines.length);
  }
});

test('a segment whose directory could not be synchronized is sealed later, and those after it', async (t) => {
  const { ship, rows } = await receiver(t);
  const directory = await temporaryDirectory(t);
  const log = await SegmentLog.open({ ...testLogOptions(directory, frames, ship), maxAgeMs: 20 });
  await log.append('{"id":"a","time":1}\n', 1);
  const { open } = files;
  const failing = t.mock.method(files, 'open', async (...of: Parameters<typeof open>) => {
    if (of[0] === directory) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    return open(...of);
  });
  syncBuiltinESMExports();
  await assert.rejects(log.seal(), { code: 'EMFILE' });
  failing.mock.restore();
  syncBuiltinESMExports();
  await log.append('{"id":"b","time":2}\n', 1);
  await log.seal();
  await log.drained();
  assert.deepEqual((await rows()).map(({ id }) => id).sort(), ['a', 'b']);
  await log.close();
});
