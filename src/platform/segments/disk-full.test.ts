import assert from 'node:assert/strict';
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
