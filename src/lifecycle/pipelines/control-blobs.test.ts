import assert from 'node:assert/strict';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { wallClock } from '../../core/time.ts';
import { openDirectoryBlobs } from '../../platform/blobs/index.ts';
import { ControlBlobs } from './control-blobs.ts';

test('copies go an hour after their last use, never while a step that asked for them runs', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-copies-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const control = await openDirectoryBlobs(join(directory, 'control'));
  const copies = await openDirectoryBlobs(join(directory, 'copies'));
  const startMs = Date.now();
  let nowMs = startMs;
  const client = {
    part: (digest: Parameters<typeof control.get>[0]) => control.get(digest),
    putBlobStream: async () => undefined,
  };
  const blobs = new ControlBlobs(client, copies, { nowMs: () => nowMs });
  const { digest: window } = await control.put('rows of a person');
  const { digest: other } = await control.put('rows of nobody');
  const { digest: output } = await blobs.put('what was made of them');
  const left = async () => {
    const digests: Digest[] = [];
    for await (const { digest } of copies.list()) digests.push(digest);
    return digests.sort();
  };

  await blobs.path(other);
  const release = blobs.hold();
  await blobs.path(window);
  await control.delete(window);
  nowMs = startMs + 59 * 60_000;
  assert.equal(await blobs.tidy(), 0);
  // Files are as old as the clock has them.
  for (const digest of await left()) await utimes(await copies.path(digest), startMs / 1000, startMs / 1000);
  await blobs.path(other);
  nowMs = startMs + 90 * 60_000;
  assert.equal(await blobs.tidy(), 0);
  release();
  assert.equal(await blobs.tidy(), 2);
  assert.deepEqual(await left(), [other]);
  assert.equal((await blobs.bytes(other)).toString(), 'rows of nobody');
  await assert.rejects(blobs.path(window), { code: 'blob_missing' });
  await assert.rejects(copies.path(output), { code: 'blob_missing' });
});

test('a control that is away for a moment is waited for, one that refuses is not', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-copies-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const copies = await openDirectoryBlobs(directory);
  const refusals = [
    fail('control_unreachable', { url: 'http://control', problem: 'it starts' }),
    fail('blob_corrupt', { expected: 'a', actual: 'b' }),
  ];
  const client = {
    part: () => assert.fail('nothing is fetched'),
    putBlobStream: async (_digest: unknown, stream: Readable) => {
      stream.destroy();
      const refusal = refusals.shift();
      if (refusal) throw refusal;
    },
  };
  const blobs = new ControlBlobs(client, copies, wallClock);
  await assert.rejects(blobs.put('output'), { code: 'blob_corrupt' });
  assert.equal((await blobs.put('output')).sizeBytes, 6);
});
