import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecordConverter } from './record-converter.ts';
import type { RowBytes } from './row-bytes.ts';
import { SegmentLog } from './segment-log.ts';
import { SegmentTail } from './tail.ts';
import { localFrames, testLogOptions } from './testing.ts';

const frames = await localFrames();
const records = new RecordConverter();
after(() => records.close());
const row =
  (id: number, padding = '') =>
  (to: RowBytes) => {
    to.text(String(id));
    to.number(id);
    to.null();
    to.list(1);
    to.text(padding);
  };

const isHeader = (text: string) => text.startsWith('{"segment":');

async function open(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-tail-'));
  const shipped: number[] = [];
  const options = testLogOptions(directory, frames, async ({ rows }) => void shipped.push(rows));
  const log = await SegmentLog.open({ ...options, records, maxSizeBytes: 10_000_000 });
  let lines = '';
  let isAway = false;
  const send = async (text: string) => {
    if (isAway) throw new Error('away');
    assert.ok(isHeader(text), 'what the columns are comes first');
    lines += text;
  };
  const tail = new SegmentTail({ log, converter: records, everyMs: 1, send });
  t.after(async () => {
    await tail.close();
    await log.close();
    await rm(directory, { recursive: true });
  });
  const until = async (last: number) => {
    while (ids().at(-1) !== last) await sleep(1);
  };
  const ids = () =>
    lines
      .split('\n')
      .filter((line) => line !== '' && !isHeader(line))
      .map((line) => Number((JSON.parse(line) as { id: string }).id));
  return { log, shipped, ids, until, away: (is: boolean) => (isAway = is) };
}

test('rows are sent as they are written, whole and once, and the log ships them all the same', async (t) => {
  const { log, shipped, ids, until } = await open(t);
  // Longer than what is sent at once.
  const wide = 'x'.repeat(300_000);
  for (let id = 1; id <= 12; id++) {
    await log.append(row(id, id > 6 ? wide : ''), 1);
    if (id % 3 === 0) await until(id);
  }
  assert.deepEqual(
    ids(),
    Array.from({ length: 12 }, (_, i) => i + 1),
  );
  await log.seal();
  await log.append(row(13), 1);
  await until(13);
  await log.seal();
  await log.drained();
  assert.deepEqual([ids().length, shipped], [13, [12, 1]]);
});

test('what could not be sent is left to its segment, and what comes after it is sent', async (t) => {
  const { log, shipped, ids, until, away } = await open(t);
  away(true);
  await log.append(row(1), 1);
  await sleep(50);
  away(false);
  await log.append(row(2), 1);
  await until(2);
  await log.seal();
  await log.drained();
  assert.deepEqual([ids().at(-1), shipped], [2, [2]]);
});
