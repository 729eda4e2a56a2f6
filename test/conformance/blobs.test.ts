import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { digestOf } from '../../src/core/json.ts';
import {
  Bucket,
  type DirectoryBlobStore,
  joinDirectoryBlobs,
  openDirectoryBlobs,
  openS3Blobs,
} from '../../src/platform/blobs/index.ts';
import { startS3ForFile } from '../support/s3.ts';

const s3 = await startS3ForFile();
const options = { endpointUrl: s3.endpointUrl, ignoreTls: false };

/** What every adapter of the blob port must do. */
function blobConformance(name: string, open: (t: TestContext) => Promise<DirectoryBlobStore>): void {
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
      const [only] = all;
      assert.deepEqual(all, [{ digest: digestOf('same'), sizeBytes: 4, storedAtMs: only?.storedAtMs }]);
      assert.ok(Math.abs((only?.storedAtMs ?? 0) - Date.now()) < 60_000);
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

    test('clearing up leaves what was put again meanwhile', async (t) => {
      const blobs = await open(t);
      const { digest } = await blobs.put('in use again');
      assert.equal(await blobs.delete(digest, Date.now() - 60_000), false);
      assert.equal((await blobs.bytes(digest)).toString(), 'in use again');
      assert.equal(await blobs.delete(digest, Date.now() + 60_000), true);
      assert.equal(await blobs.info(digest), undefined);
      assert.equal(await blobs.delete(digest, 0), true);
    });

    test('a blob is also a file of this machine, for as many readers as come at once', async (t) => {
      const blobs = await open(t);
      const { digest } = await blobs.put('as a file');
      const paths = await Promise.all(Array.from({ length: 5 }, () => blobs.path(digest)));
      assert.equal(new Set(paths).size, 1);
      assert.equal(await readFile(paths[0] ?? '', 'utf8'), 'as a file');
      await assert.rejects(blobs.path(digestOf('never')), { code: 'blob_missing' });
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

async function openS3(t: TestContext, cacheBytes = 1_000_000) {
  const localDirectory = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  t.after(() => rm(localDirectory, { recursive: true }));
  const bucket = new Bucket(await s3.createBucket(), options);
  const blobs = await openS3Blobs({ bucket, prefix: 'some/prefix', localDirectory, cacheBytes });
  return { blobs, bucket, localDirectory };
}

blobConformance('S3', async (t) => (await openS3(t)).blobs);

test('what goes to S3 leaves nothing here, and lies there whole, in one piece or in parts', async (t) => {
  const { blobs, bucket, localDirectory } = await openS3(t);
  const chunk = Buffer.alloc(1024 * 1024, 1);
  const info = await blobs.put(Readable.from(Array.from({ length: 70 }, () => chunk)));
  assert.equal((await blobs.info(info.digest))?.sizeBytes, 70 * chunk.length);
  const last = await buffer(await blobs.get(info.digest, { start: info.sizeBytes - 5 }));
  assert.deepEqual(last, Buffer.alloc(5, 1));
  assert.deepEqual(await readdir(join(localDirectory, 'spool')), []);
  const { digest } = await blobs.put('small');
  assert.ok(await bucket.head(`some/prefix/${digest.slice(7, 9)}/${digest.slice(9)}`));
});

test('copies of S3 blobs stay below their size, but for what was just given out', async (t) => {
  const { blobs, localDirectory } = await openS3(t, 250);
  const digests = [];
  for (const name of ['a', 'b', 'c', 'd']) digests.push((await blobs.put(name.repeat(100))).digest);
  const [a, b, c, d] = digests;
  const old = new Date(Date.now() - 3_600_000);
  for (const digest of [a, b, c]) await utimes(await blobs.path(digest as never), old, old);
  await blobs.path(a as never);
  await blobs.path(d as never);
  const kept = (await readdir(join(localDirectory, 'copies'), { recursive: true })).join(' ');
  const has = (digest: string | undefined) => kept.includes(digest?.slice(9) ?? '?');
  assert.deepEqual([has(a), has(b), has(c), has(d)], [true, false, false, true]);
});

test('an upload past the server becomes a blob when it is completed, once', async (t) => {
  const { blobs, bucket } = await openS3(t);
  const direct = blobs.direct;
  assert.ok(direct);
  const upload = await direct.beginUpload();
  const urls = await direct.partUrls(upload, 2);
  const bodies = [Buffer.alloc(5 * 1024 * 1024, 1), Buffer.from('end')];
  const parts = [];
  for (const [i, url] of urls.entries()) {
    const response = await fetch(url, { method: 'PUT', body: new Uint8Array(bodies[i] ?? []) });
    assert.equal(response.status, 200, await response.text());
    parts.push({ partNumber: i + 1, etag: response.headers.get('etag') ?? '' });
  }
  const [name = '', id = ''] = upload.split('/');
  // As if the process had been killed between putting the parts together and the rest.
  await bucket.completeUpload(`some/prefix/tmp/${name}`, id, parts);
  const info = await direct.completeUpload(upload, parts);
  assert.deepEqual(info, { digest: digestOf(Buffer.concat(bodies)), sizeBytes: 5 * 1024 * 1024 + 3 });
  assert.deepEqual(await blobs.info(info.digest), info);
  const download = await fetch(await direct.downloadUrl(info.digest, 'a b.bin', 60), {
    headers: { range: 'bytes=5242880-' },
  });
  assert.equal(await download.text(), 'end');
  assert.match(download.headers.get('content-disposition') ?? '', /attachment.*a%20b\.bin/);

  const other = await direct.beginUpload();
  await direct.abortUpload(other);
  await direct.abortUpload(other);
  const keys = [];
  for await (const { key } of bucket.objects('')) keys.push(key);
  assert.equal(keys.length, 1);
});

test('copies within a bucket keep their bytes', async (t) => {
  const { blobs, bucket } = await openS3(t);
  const { digest } = await blobs.put('copied');
  const [found] = [await bucket.folder(`some/prefix/${digest.slice(7, 9)}/`)];
  await bucket.copy(found?.objects[0]?.key ?? '', 'other/key with blanks', 6);
  const body = await bucket.get('other/key with blanks');
  assert.equal(body && (await buffer(body)).toString(), 'copied');
});

test('S3 that refuses or is away says so, with the address', async (t) => {
  const { localDirectory } = await openS3(t);
  const missing = new Bucket('no-such-bucket', options);
  const refused = await openS3Blobs({ bucket: missing, prefix: '', localDirectory, cacheBytes: 1 });
  await assert.rejects(refused.put('x'), {
    code: 's3_refused',
    message: /s3:\/\/no-such-bucket\/.*NoSuchBucket/,
  });
});

test('a directory store forgets what a killed process had half written', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  t.after(() => rm(root, { recursive: true }));
  await openDirectoryBlobs(root);
  await writeFile(join(root, 'tmp', 'half'), 'half');
  await openDirectoryBlobs(root);
  assert.deepEqual(await readdir(join(root, 'tmp')), []);
});

test('who joins a directory store leaves alone what another is writing to it', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  t.after(() => rm(root, { recursive: true }));
  const owner = await openDirectoryBlobs(root);
  async function* slowly() {
    yield 'first half, ';
    await joinDirectoryBlobs(root);
    yield 'second half';
  }
  const { digest } = await owner.put(Readable.from(slowly()));
  const other = await joinDirectoryBlobs(root);
  assert.equal((await other.bytes(digest)).toString(), 'first half, second half');
});
