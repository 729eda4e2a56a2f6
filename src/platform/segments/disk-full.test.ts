import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SegmentLog } from './segment-log.ts';
import { localFrames, testLogOptions } from './testing.ts';

/** A file system of 256 KiB, or null where this user may not mount one. */
async function smallDisk(): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory], { stdio: 'ignore' });
    return directory;
  } catch {
    await rm(directory, { recursive: true });
    return null;
  }
}

for (const durability of [{ kind: 'fsync' }, { kind: 'interval', intervalMs: 50 }] as const) {
  test(`a full disk is told to the writer, and writing goes on when there is space again (${durability.kind})`, async (t) => {
    const directory = await smallDisk();
    if (!directory) return t.skip('needs the right to mount a file system');
    t.after(async () => {
      execFileSync('umount', [directory]);
      await rm(directory, { recursive: true });
    });
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
