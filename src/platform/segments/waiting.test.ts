import assert from 'node:assert/strict';
import { type FileHandle, mkdtemp, open, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { DiskBudget } from './disk-budget.ts';
import { SegmentLog } from './segment-log.ts';
import type { SealedSegment } from './shipping.ts';
import { localFrames, testLogOptions } from './testing.ts';

const frames = await localFrames();
const line = (id: number) => `${JSON.stringify({ id: String(id), time: id, padding: 'x'.repeat(500) })}\n`;

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-waiting-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A receiver that is away until it is told to be there. */
function receiver() {
  const taken: SealedSegment[] = [];
  const at = { away: true, attempts: 0 };
  const ship = async (segment: SealedSegment) => {
    at.attempts++;
    if (at.away) throw new Error('away');
    taken.push(segment);
  };
  return { taken, at, ship };
}

/** What all open files have their methods from. */
async function openFiles(directory: string): Promise<FileHandle> {
  const probe = await open(join(directory, 'probe'), 'w');
  await probe.close();
  return Object.getPrototypeOf(probe);
}

/** What this process has open in a directory, where the system tells. */
async function openIn(directory: string): Promise<readonly string[]> {
  const numbers = await readdir('/proc/self/fd').catch(() => []);
  const paths = await Promise.all(numbers.map((n) => readlink(`/proc/self/fd/${n}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(directory));
}

const until = async (holds: () => Promise<boolean> | boolean) => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
};

test('what waits for an absent receiver becomes Parquet, and is shipped once after a restart', async (t) => {
  const directory = await temporary(t);
  const { taken, at, ship } = receiver();
  const options = { ...testLogOptions(directory, frames, ship), maxRows: 100 };
  const log = await SegmentLog.open(options);
  for (let i = 0; i < 500; i++) void log.append(line(i), 1);
  await log.seal();
  await until(async () => (await readdir(directory)).every((name) => name.endsWith('.parquet')));
  const waiting = (await readdir(directory)).length;
  assert.equal(waiting, log.waiting);
  await log.close();
  const again = await SegmentLog.open(options);
  assert.equal(again.waiting, waiting);
  at.away = false;
  again.retryNow();
  await again.drained();
  assert.equal(
    taken.reduce((sum, s) => sum + s.rows, 0),
    500,
  );
  assert.deepEqual(
    [Math.min(...taken.map((s) => s.minTimeMs)), Math.max(...taken.map((s) => s.maxTimeMs))],
    [0, 499],
  );
  assert.deepEqual(await readdir(directory), []);
});

test('while names cannot be synced each refused append leaves no file behind, and none open', async (t) => {
  const directory = await temporary(t);
  const files = await openFiles(directory);
  await rm(join(directory, 'probe'));
  const log = await SegmentLog.open(testLogOptions(directory, frames, receiver().ship));
  const sync = t.mock.method(files, 'sync', () => Promise.reject(new Error('EIO: i/o error')));
  for (let i = 0; i < 3; i++) await assert.rejects(log.append(line(i), 1), /EIO/);
  assert.deepEqual(await openIn(directory), []);
  assert.deepEqual(await readdir(directory), []);
  sync.mock.restore();
  await log.append(line(3), 1);
  await log.close();
});

test('rows that are refused are told of in the process log at once, and not each time', async (t) => {
  const directory = await temporary(t);
  const files = await openFiles(directory);
  const said: { readonly msg: string; readonly rows: number; readonly err: { readonly code: string } }[] = [];
  const logger = pino({ level: 'error' }, { write: (text) => void said.push(JSON.parse(text)) });
  const log = await SegmentLog.open({ ...testLogOptions(directory, frames, receiver().ship), logger });
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  const sync = t.mock.method(files, 'sync', () => Promise.reject(full));
  for (let i = 0; i < 3; i++) await assert.rejects(log.append(line(i), 1), { code: 'disk_full' });
  assert.deepEqual(
    said.map(({ rows, err }) => [rows, err.code]),
    [[1, 'disk_full']],
  );
  sync.mock.restore();
  await log.close();
});

test('beyond its share of the disk a log refuses rows, and takes them again when it was shipped', async (t) => {
  const budget = new DiskBudget(100_000);
  const { taken, at, ship } = receiver();
  const log = await SegmentLog.open({ ...testLogOptions(await temporary(t), frames, ship), budget });
  let kept = 0;
  let refused = 0;
  for (let i = 0; i < 400; i++) {
    await log.append(line(i), 1).then(
      () => kept++,
      (error: Error) => {
        assert.match(error.message, /may take 0\.1 MB: rows are taken again when segments were shipped/);
        refused++;
      },
    );
  }
  assert.ok(kept > 150 && refused > 150, `${kept} kept, ${refused} refused`);
  assert.ok(budget.usedBytes <= 100_000);
  at.away = false;
  await log.seal();
  log.retryNow();
  await log.drained();
  assert.equal(budget.usedBytes, 0);
  await log.append(line(1000), 1);
  await log.seal();
  await log.drained();
  assert.equal(
    taken.reduce((sum, s) => sum + s.rows, 0),
    kept + 1,
  );
});

test('with an interval rows are there after a seal and after the process ends', async (t) => {
  const { taken, at, ship } = receiver();
  at.away = false;
  const durability = { kind: 'interval', intervalMs: 5 } as const;
  const log = await SegmentLog.open({ ...testLogOptions(await temporary(t), frames, ship), durability });
  for (let i = 0; i < 50; i++) await log.append(line(i), 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await log.append(line(50), 1);
  await log.seal();
  await log.drained();
  assert.equal(taken[0]?.rows, 51);
  await log.close();
});

test('while a full segment is brought to the disk, rows go to the next; what was not used is gone at the end', async (t) => {
  const { taken, at, ship } = receiver();
  at.away = false;
  const directory = await temporary(t);
  const durability = { kind: 'interval', intervalMs: 60_000 } as const;
  const log = await SegmentLog.open({
    ...testLogOptions(directory, frames, ship),
    maxRows: 4,
    durability,
  });
  const disk = Promise.withResolvers<void>();
  const held = t.mock.method(await openFiles(directory), 'datasync', () => disk.promise);
  for (let i = 0; i < 4; i++) await log.append(line(i), 1);
  // The first segment is full and waits for the disk; the second takes rows meanwhile.
  await log.append(line(4), 1);
  assert.equal(held.mock.callCount(), 1);
  assert.equal(log.waiting, 2);
  assert.equal(taken.length, 0);

  const sealed = log.seal();
  await log.append(line(5), 1);
  disk.resolve();
  await sealed;
  await log.sealWhileWriting();
  await log.drained();
  assert.deepEqual(
    taken.map(({ rows }) => rows),
    [4, 1, 1],
  );
  await log.close();
  assert.deepEqual(await readdir(directory), ['probe']);
});

test('a segment that could not be sealed is sealed later, with all its rows', async (t) => {
  const { taken, at, ship } = receiver();
  at.away = false;
  const directory = await temporary(t);
  const durability = { kind: 'interval', intervalMs: 60_000 } as const;
  const log = await SegmentLog.open({
    ...testLogOptions(directory, frames, ship),
    maxRows: 2,
    maxAgeMs: 20,
    durability,
  });
  const refused = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  const broken = t.mock.method(await openFiles(directory), 'datasync', () => Promise.reject(refused));
  for (let i = 0; i < 3; i++) await log.append(line(i), 1);
  await assert.rejects(log.seal(), { code: 'disk_full' });
  assert.equal(log.waiting, 2);
  // Nothing is appended any more, and it is tried again and again.
  const tries = broken.mock.callCount();
  await until(() => broken.mock.callCount() >= tries + 3);
  broken.mock.restore();
  while (taken.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(
    taken.map(({ rows }) => rows),
    [2, 1],
  );
  await log.close();
});

test('who waits for what is sealed does not wait for what is sealed meanwhile', async (t) => {
  let shipped = 0;
  const log: SegmentLog = await SegmentLog.open(
    testLogOptions(await temporary(t), frames, async () => {
      shipped++;
      // Before one segment has left, the next one waits.
      if (shipped < 10) await addSegment();
    }),
  );
  const addSegment = async () => {
    await log.append('{"id":"a","time":1}\n', 1);
    await log.seal();
  };
  await addSegment();
  await log.drained();
  assert.equal(shipped, 1);
  while (shipped < 10) await log.drained();
  await log.close();
});
