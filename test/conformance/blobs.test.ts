import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { digestOf } from '../../src/core/json.ts';
import { type BlobStore, openDirectoryBlobs } from '../../src/platform/blobs/index.ts';

/** What every adapter of the blob port must do. */
function blobConformance(name: string, open: (t: TestContext) => Promise<BlobStore>): void {
  describe(`blobs in ${name}`, () => {
    test('what is put is got, by digest, whole and in ranges', async (t) => {
      const blobs = await open(t);
      const info = await blobs.put('hello blobs');
      assert.deepEqual(info, { digest: digestOf('hello blobs'), sizeBytes: 11 });
      assert.equal((await blobs.bytes(info.digest)).toString(), 'hello blobs');
      const middle = await buffer(await blobs.get(info.digest, { start: 6, end: 9 }));
      assert.equal(middle.toString(), 'blob');
      assert.equal((await buffer(await blobs.get(info.digest, { start: 6 }))).toString(), 'blobs');
    });

    test('empty and large streamed content keep their digest', async (t) => {
      const blobs = await open(t);
      assert.equal((await blobs.put(Readable.from([]))).digest, digestOf(''));
      const chunk = Buffer.alloc(64 * 1024, 7);
      const info = await blobs.put(Readable.from(Array.from({ length: 100 }, () => chunk)));
      assert.equal(info.sizeBytes, 100 * chunk.length);
      assert.deepEqual(await blobs.info(info.digest), info);
    });

    test('the same content twice, also at the same time, is one blob', async (t) => {
      const blobs = await open(t);
      await Promise.all(Array.from({ length: 20 }, () => blobs.put('same')));
      const all = [];
      for await (const info of blobs.list()) all.push(info);
      assert.deepEqual(all, [{ digest: digestOf('same'), sizeBytes: 4 }]);
    });

    test('content that has another digest than expected is refused and leaves nothing', async (t) => {
      const blobs = await open(t);
      await assert.rejects(blobs.put('a', digestOf('b')), { code: 'blob_corrupt' });
      assert.equal(await blobs.info(digestOf('a')), undefined);
      assert.equal(await blobs.info(digestOf('b')), undefined);
    });

    test('a source that breaks leaves nothing', async (t) => {
      const blobs = await open(t);
      const broken = Readable.from(
        (async function* () {
          yield Buffer.from('half');
          throw new Error('line cut');
        })(),
      );
      await assert.rejects(blobs.put(broken), /line cut/);
      for await (const info of blobs.list()) assert.fail(`left ${info.digest}`);
    });

    test('what is missing or deleted is said so; deleting twice is fine', async (t) => {
      const blobs = await open(t);
      const { digest } = await blobs.put('gone');
      await blobs.delete(digest);
      await blobs.delete(digest);
      await assert.rejects(blobs.get(digest), { code: 'blob_missing' });
      await assert.rejects(blobs.bytes(digest), { code: 'blob_missing' });
    });

    test('a name that is no digest cannot leave the store', async (t) => {
      const blobs = await open(t);
      for (const name of ['sha256:../../../etc/passwd', '../x', 'sha256:zz']) {
        await assert.rejects(blobs.bytes(name as never));
      }
    });
  });
}

blobConformance('a directory', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  t.after(() => rm(root, { recursive: true }));
  return openDirectoryBlobs(root);
});

test('a directory store forgets what a killed process had half written', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  t.after(() => rm(root, { recursive: true }));
  await openDirectoryBlobs(root);
  await writeFile(join(root, 'tmp', 'half'), 'half');
  await openDirectoryBlobs(root);
  assert.deepEqual(await readdir(join(root, 'tmp')), []);
});
