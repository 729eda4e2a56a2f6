import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { storePackage } from '../../../../test/support/serving.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import { type BlobStore, openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';
import { KeptPackages } from './kept-packages.ts';

async function setUp(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'millrace-kept-'));
  t.after(() => rm(root, { recursive: true }));
  let stores = 0;
  const store = () => openDirectoryBlobs(join(root, `blobs-${stores++}`));
  return { directory: join(root, 'kept'), store };
}

const packageOf = async (blobs: BlobStore, weight = 1) =>
  storePackage(blobs, logisticOnnx(weight), logisticPackage());

/** Whether a store has all of a package. */
async function isWhole(blobs: BlobStore, digest: `sha256:${string}`): Promise<boolean> {
  const { onnx } = packageManifestSchema.parse(JSON.parse((await blobs.bytes(digest)).toString()));
  return onnx !== null && (await blobs.info(onnx)) !== undefined;
}

test('a package that was kept is put into a store that has none of it', async (t) => {
  const { directory, store } = await setUp(t);
  const blobs = await store();
  const digest = await packageOf(blobs);
  await new KeptPackages(directory, blobs, 5).keep('a', digest);
  const other = await store();
  const kept = new KeptPackages(directory, other, 5);
  assert.equal(await kept.find('a'), digest);
  assert.ok(await isWhole(other, digest));
  assert.equal(await kept.find('b'), null);
});

test('what is torn, as on a disk that failed, is none; and it can be kept again', async (t) => {
  const { directory, store } = await setUp(t);
  const blobs = await store();
  const digest = await packageOf(blobs);
  const kept = new KeptPackages(directory, blobs, 5);
  await kept.keep('a', digest);
  const path = join(directory, 'a.package');
  const whole = await readFile(path);
  for (const length of [0, 1, 20, whole.indexOf('\n'), whole.indexOf('\n') + 1, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, length));
    assert.equal(await kept.find('a'), null, `${length} bytes`);
  }
  await kept.keep('a', digest);
  assert.equal(await kept.find('a'), digest);
});

test('several that keep, look for and trim the same names at once find whole packages or none', async (t) => {
  const { directory, store } = await setUp(t);
  const work = async (weight: number) => {
    const blobs = await store();
    const kept = new KeptPackages(directory, blobs, 2);
    const digest = await packageOf(blobs, weight);
    let found = 0;
    for (let round = 0; round < 30; round++) {
      await kept.keep(`k${round % 3}`, digest);
      const one = await kept.find(`k${(round + weight) % 3}`);
      if (one === null) continue;
      found++;
      assert.ok(await isWhole(blobs, one), `round ${round}`);
    }
    return found;
  };
  const found = await Promise.all([1, 2, 3, 4].map(work));
  assert.ok(Math.max(...found) > 0);
  assert.equal((await readdir(directory)).filter((name) => name.endsWith('.tmp')).length, 0);
});

test('those used last are kept, and what a killed process had half written goes', async (t) => {
  const { directory, store } = await setUp(t);
  const blobs = await store();
  const kept = new KeptPackages(directory, blobs, 2);
  const digest = await packageOf(blobs);
  await kept.keep('a', digest);
  const old = join(directory, 'a.package.x.tmp');
  await writeFile(old, 'half');
  await utimes(old, 1, 1);
  await utimes(join(directory, 'a.package'), 1, 1);
  await kept.keep('b', digest);
  await utimes(join(directory, 'b.package'), 2, 2);
  assert.equal(await kept.find('a'), digest);
  await kept.keep('c', digest);
  assert.deepEqual((await readdir(directory)).sort(), ['a.package', 'c.package']);
});
