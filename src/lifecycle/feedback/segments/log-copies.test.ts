import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Digest } from '../../../core/json.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import type { Frames } from '../../../platform/frames/index.ts';
import { localFrames } from '../../../platform/segments/testing.ts';
import { LogCopies } from './log-copies.ts';

test('an erasure that cannot look into a file fails, and deletes nothing that it is not in', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-copies-'));
  t.after(() => rm(directory, { recursive: true }));
  const blobs = await openDirectoryBlobs(directory);
  const engine = await localFrames();
  const path = join(directory, 'window.parquet');
  await engine.query(`COPY (SELECT 'ada' AS entity) TO '${path}' (FORMAT parquet)`);
  const window = (await blobs.put(await readFile(path))).digest;
  const broken = (await blobs.put('PAR1 and no Parquet, of bob')).digest;
  let isAway = true;
  const frames = {
    query: (sql: string) => (isAway ? Promise.reject(new Error('away')) : engine.query(sql)),
  } as Frames;
  const hashKeys = { entityForms: (entity: string) => [entity] };
  const told: string[] = [];
  const deleting = async (digest: Digest) => {
    told.push(digest);
    assert.ok(await blobs.info(digest), 'it is told before: after a kill it is found again');
  };
  const digests = async () => [window, broken];
  const hook = new LogCopies({ blobs, frames, digests, hashKeys, deleting }).eraseHook();
  const erase = (entity: string) =>
    hook.erase({ kind: 'user', id: 'dpo' }, { entity, endpoint: null, reason: 'asked' });
  await assert.rejects(erase('ada'), /away/);
  isAway = false;
  assert.deepEqual(await erase('nobody'), { files: 0 });
  assert.deepEqual(await erase('ada'), { files: 1 });
  assert.deepEqual([await blobs.info(window), (await blobs.info(broken)) !== undefined], [undefined, true]);
  assert.deepEqual(await erase('bob'), { files: 1 });
  assert.deepEqual(told, [window, broken]);
});
