import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import { Frames } from '../../platform/frames/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { LabelLog } from './label-log.ts';

test('who reads while another reader has the labels sealed sees them too', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-labels-'));
  const frames = new Frames({ temporaryDirectory: directory, memoryLimit: '100MB', threads: 1 });
  let readable = 0;
  const log = await LabelLog.open({
    directory: join(directory, 'labels'),
    frames,
    blobs: await openDirectoryBlobs(join(directory, 'blobs')),
    log: createLogger('test', 'silent'),
    register: async ({ rows }) => {
      readable += rows;
    },
    appended: () => {},
    readWaitMs: 600_000,
  });
  t.after(async () => {
    await log.close();
    await frames.close();
    await rm(directory, { recursive: true, force: true });
  });
  const label = { predictionId: 'p', value: 1, eventTimeMs: 1, receivedAtMs: 2 };
  for (let round = 1; round <= 3; round++) {
    await log.append('flights', [label]);
    const seen = [1, 2, 3].map(async () => {
      await log.flushForReader('flights');
      return readable;
    });
    assert.deepEqual(await Promise.all(seen), [round, round, round]);
  }
});
