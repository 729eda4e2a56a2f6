import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { smallDisk } from '../../../test/support/small-disk.ts';
import { SegmentLog } from './segment-log.ts';
import { localFrames, testLogOptions } from './testing.ts';

for (const durability of [{ kind: 'fsync' }, { kind: 'interval', intervalMs: 50 }] as const) {
  test(`a full disk is told to the writer, and writing goes on when there is space again (${durability.kind})`, async (t) => {
    const disk = await smallDisk('256k');
    if (!disk) return t.skip('needs the right to mount a file system');
    t.after(disk.remove);
    const { directory } = disk;
    const frames = await localFrames();
    let rows = 0;
    const log = await SegmentLog.open({
      ...testLogOptions(join(directory, 'log'), frames, async (segment) => {
        rows += segment.rows;
      }),
      durability,
    });
    const line = (id: number) =>
      `${JSON.stringify({ id: String(id), time: id, padding: 'x'.repeat(2000) })}\n`;
    const ballast = join(directory, 'ballast');
    await writeFile(ballast, Buffer.alloc(200_000));
    const kept: number[] = [];
    let refused = 0;
    for (let id = 0; id < 100; id++) {
      await log.append(line(id), 1).then(
        () => kept.push(id),
        (error) => {
          assert.equal(error.code, 'disk_full');
          refused++;
        },
      );
    }
    assert.ok(refused > 50 && kept.length > 5, `${kept.length} kept, ${refused} refused`);
    await rm(ballast);
    await log.append(line(1000), 1);
    await log.seal();
    await log.drained();
    assert.equal(rows, kept.length + 1);
  });
}

test('a log that has filled its own disk is shipped by way of another, and makes room for itself', async (t) => {
  const disk = await smallDisk('256k');
  if (!disk) return t.skip('needs the right to mount a file system');
  t.after(disk.remove);
  const frames = await localFrames();
  let isAway = true;
  const shipped: string[] = [];
  const options = testLogOptions(join(disk.directory, 'log'), frames, async ({ path, rows }) => {
    if (isAway) throw new Error('away');
    const ids = await frames.query(`SELECT id FROM read_parquet('${path}')`);
    assert.equal(ids.length, rows);
    shipped.push(...ids.map(({ id }) => String(id)));
  });
  const log = await SegmentLog.open({
    ...options,
    // Texts that Parquet makes hardly smaller: the converted segment does not fit beside the one that filled the disk.
    columns: [...options.columns, { name: 'padding', type: 'VARCHAR' }],
    durability: { kind: 'fsync' },
  });
  const padding = () => randomBytes(1000).toString('base64');
  const line = (id: number) => `${JSON.stringify({ id: String(id), time: id, padding: padding() })}\n`;
  const kept: string[] = [];
  const append = (id: number) => log.append(line(id), 1).then(() => kept.push(String(id)));
  let isFull = false;
  for (let id = 0; id < 1000 && !isFull; id++)
    await append(id).catch((error) => {
      assert.equal(error.code, 'disk_full');
      isFull = true;
    });
  assert.ok(isFull && kept.length > 50, `${kept.length} kept`);
  isAway = false;
  log.retryNow();
  await log.seal();
  await log.drained();
  await append(5000);
  await log.seal();
  await log.drained();
  assert.deepEqual(shipped, kept);
  await log.close();
});
