import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { digestOf } from '../../src/core/json.ts';
import { createExperiments, experimentsMigrations } from '../../src/lifecycle/experiments/index.ts';
import type { Actor } from '../../src/platform/access/index.ts';
import { Bucket, openS3Blobs } from '../../src/platform/blobs/index.ts';
import { forEachDatabase, type OpenDatabase } from '../../src/platform/db/testing.ts';
import { Journal, journalMigrations } from '../../src/platform/journal/index.ts';
import { startS3ForFile } from '../support/s3.ts';

const s3 = await startS3ForFile();
const actor: Actor = { kind: 'user', id: 'tester' };
const partBytes = 5 * 1024 * 1024;

async function openOnS3(t: TestContext, open: OpenDatabase) {
  const localDirectory = await mkdtemp(join(tmpdir(), 'millrace-uploads-'));
  t.after(() => rm(localDirectory, { recursive: true }));
  const db = await open(t, [...journalMigrations, ...experimentsMigrations]);
  const bucket = new Bucket(await s3.createBucket(), { endpointUrl: s3.endpointUrl, ignoreTls: false });
  const blobs = await openS3Blobs({ bucket, prefix: '', localDirectory, cacheBytes: 1 });
  const time = { nowMs: 1_000_000_000_000 };
  const clock = { nowMs: () => time.nowMs };
  const tracking = createExperiments({ db, journal: new Journal(db, clock), blobs, clock });
  return { tracking, bucket, time };
}

/** Puts the parts where the URLs say and gives what S3 answered. */
async function putParts(urls: readonly string[], bodies: readonly Buffer[]) {
  return Promise.all(
    urls.map(async (url, i) => {
      const response = await fetch(url, { method: 'PUT', body: new Uint8Array(bodies[i] ?? []) });
      assert.equal(response.status, 200, await response.text());
      return { partNumber: i + 1, etag: response.headers.get('etag') ?? '' };
    }),
  );
}

forEachDatabase((name, open) => {
  test(`an upload in parts is an artifact once completed, however often that is asked (${name})`, async (t) => {
    const { tracking, bucket } = await openOnS3(t, open);
    const { uploads, artifacts } = tracking;
    const bodies = [Buffer.alloc(partBytes, 1), Buffer.from('end')];
    const { id, urls } = await uploads.begin(actor, 'r/artifacts/x.bin', 2);
    const parts = await putParts(urls, bodies);
    assert.deepEqual(await artifacts.list(actor, ''), []);
    await assert.rejects(uploads.complete(actor, 'r/artifacts/other', id, parts), { code: 'upload_invalid' });
    await Promise.all([1, 2, 3].map(() => uploads.complete(actor, 'r/artifacts/x.bin', id, parts)));
    await uploads.complete(actor, 'r/artifacts/x.bin', id, parts);
    const file = await artifacts.find(actor, 'r/artifacts/x.bin');
    assert.deepEqual(file, {
      path: 'r/artifacts/x.bin',
      digest: digestOf(Buffer.concat(bodies)),
      sizeBytes: partBytes + 3,
    });
    // Completed, it cannot be taken back.
    await uploads.abort(actor, 'r/artifacts/x.bin', id);
    assert.ok(await artifacts.find(actor, 'r/artifacts/x.bin'));
    assert.deepEqual((await bucket.folder('tmp/')).objects, []);
    const { url } = await uploads.downloadUrl(actor, 'r/artifacts/x.bin', 60);
    assert.equal((await (await fetch(url)).arrayBuffer()).byteLength, partBytes + 3);
  });

  test(`an upload that was given up, or forgotten, leaves nothing (${name})`, async (t) => {
    const { tracking, time } = await openOnS3(t, open);
    const { uploads } = tracking;
    const given = await uploads.begin(actor, 'a.bin', 1);
    const [part] = await putParts(given.urls, [Buffer.from('x')]);
    await uploads.abort(actor, 'a.bin', given.id);
    await uploads.abort(actor, 'a.bin', given.id);
    await assert.rejects(uploads.complete(actor, 'a.bin', given.id, part ? [part] : []), {
      code: 'upload_invalid',
    });
    const forgotten = await uploads.begin(actor, 'b.bin', 1);
    time.nowMs += 8 * 86_400_000;
    await uploads.begin(actor, 'c.bin', 1);
    await assert.rejects(uploads.complete(actor, 'b.bin', forgotten.id, []), { code: 'upload_invalid' });
    await assert.rejects(uploads.begin(actor, 'd.bin', 0), { code: 'tracking_invalid' });
    await assert.rejects(uploads.begin(actor, '../d.bin', 1), { code: 'tracking_invalid' });
  });
});
