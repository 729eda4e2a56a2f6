import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import {
  absoluteLocation,
  artifactFolder,
  joinUri,
  proxiedPath,
  safeArtifactPath,
} from '../artifact-path.ts';
import { putArtifact } from '../store/artifacts.ts';
import { openExperiments, refused, tester } from '../testing.ts';
import { LocalRoot } from './local-root.ts';

test('places of our own store are told from others', () => {
  const paths: [string, string | undefined][] = [
    ['mlflow-artifacts:/1/r/artifacts', '1/r/artifacts'],
    ['mlflow-artifacts:', ''],
    ['mlflow-artifacts://host:80/1/r', '1/r'],
    ['http://host/api/2.0/mlflow-artifacts/artifacts/1/r', '1/r'],
    ['https://host/prefix/api/2.0/mlflow-artifacts/artifacts', ''],
    ['http://host/other', undefined],
    ['s3://bucket/1', undefined],
    ['/a/path', undefined],
  ];
  for (const [uri, path] of paths) assert.equal(proxiedPath(uri), path, uri);
  assert.throws(() => artifactFolder('mlflow-artifacts:/../x'), refused('tracking_invalid'));
  assert.throws(() => safeArtifactPath('x'.repeat(3000)), refused('tracking_invalid', /longer than 2048/));
});

test('locations are joined and made absolute as MLflow does', () => {
  assert.equal(joinUri('mlflow-artifacts:/', '7', 'artifacts'), 'mlflow-artifacts:/7/artifacts');
  assert.equal(joinUri('s3://bucket', '7'), 's3://bucket/7');
  assert.equal(joinUri('s3://bucket/a/?x=1', '7', 'r'), 's3://bucket/a/7/r?x=1');
  assert.equal(absoluteLocation('rel/dir'), join(process.cwd(), 'rel/dir'));
  assert.equal(absoluteLocation('/abs'), '/abs');
  assert.equal(absoluteLocation('file:///abs'), 'file:///abs');
});

async function localRoot(t: TestContext) {
  const outside = await mkdtemp(join(tmpdir(), 'millrace-root-'));
  t.after(() => rm(outside, { recursive: true }));
  const directory = join(outside, 'root');
  return { outside, directory, root: new LocalRoot(directory) };
}

test('a directory is listed, read and written as it is; files under way are not seen', async (t) => {
  const { directory, root } = await localRoot(t);
  assert.deepEqual(await root.list(''), []);
  assert.equal(await root.find('a.txt'), undefined);
  await root.write('dir/a.txt', Buffer.from('hello'));
  await writeFile(join(directory, 'dir', '.artifact.uploading.x'), 'half');
  assert.deepEqual(await root.list(''), [{ path: 'dir', isDirectory: true, digest: null, sizeBytes: null }]);
  assert.deepEqual(
    (await root.list('dir')).map((entry) => [entry.path, entry.sizeBytes]),
    [['dir/a.txt', 5]],
  );
  assert.deepEqual(await root.list('dir/a.txt'), []);
  assert.equal(await root.find('dir'), 'folder');
  const first = await root.find('dir/a.txt');
  assert.ok(first && first !== 'folder');
  assert.equal(await text(await first.read({ start: 1, end: 3 })), 'ell');
  await root.write('dir/a.txt', Buffer.from('longer text'));
  const second = await root.find('dir/a.txt');
  assert.ok(second && second !== 'folder' && second.etag !== first.etag);
  await assert.rejects(root.write('.artifact.uploading.y', Buffer.from('')), /are reserved/);
});

test('links lead nowhere outside a directory, neither for reading nor for writing', async (t) => {
  const { outside, directory, root } = await localRoot(t);
  await mkdir(directory);
  await writeFile(join(outside, 'secret'), 'secret');
  await symlink(outside, join(directory, 'out'));
  await symlink(join(outside, 'secret'), join(directory, 'link'));
  await symlink('nowhere', join(directory, 'broken'));
  assert.deepEqual(await root.list(''), []);
  await assert.rejects(root.find('link'), refused('tracking_invalid'));
  await assert.rejects(root.list('out'), refused('tracking_invalid'));
  await assert.rejects(root.write('out/new', Buffer.from('x')), refused('tracking_invalid'));
  await assert.rejects(root.write('out/deep/new', Buffer.from('x')), refused('tracking_invalid'));
  assert.deepEqual((await readdir(outside)).sort(), ['root', 'secret']);
});

forEachDatabase((name, open) => {
  test(`${name}: a folder of many files is listed by what is in it, whatever lies below`, async (t) => {
    const { tracking, db } = await openExperiments(t, open);
    const { artifacts } = tracking;
    const names = ['a', 'a-b/x', 'a.txt', 'a/1', 'a0', 'b/c/d', 'b/c2', 'b😀/x', 'z'];
    for (const path of names) await artifacts.put(tester, `r/${path}`, Buffer.from(path));
    await db.write(async (tx) => {
      for (let i = 0; i < 600; i++) {
        const path = `r/many/${String(i).padStart(4, '0')}/f`;
        await putArtifact(tx, { path, digest: `sha256:${'0'.repeat(64)}`, sizeBytes: 1 }, 1);
      }
    });
    const list = async (folder: string) =>
      (await artifacts.listRoot(tester, 'mlflow-artifacts:/r', folder)).map((entry) => entry.path);
    assert.deepEqual(await list(''), ['a', 'a', 'a-b', 'a.txt', 'a0', 'b', 'b😀', 'many', 'z']);
    assert.deepEqual(await list('b'), ['b/c', 'b/c2']);
    assert.equal((await list('many')).length, 600);
    assert.deepEqual(
      (await artifacts.list(tester, '')).map((entry) => entry.path),
      ['r'],
    );
    const found = await artifacts.open(tester, 'mlflow-artifacts:/r', 'b/c2');
    assert.equal(await text(await found.read()), 'b/c2');
    await assert.rejects(
      artifacts.open(tester, 'mlflow-artifacts:/r', 'b'),
      refused('tracking_invalid', /refers to a directory, not a file: 'b'/),
    );
    await assert.rejects(artifacts.open(tester, 'mlflow-artifacts:/r', 'no'), refused('artifact_unknown'));
    await assert.rejects(tracking.uploads.begin(tester, 'r/x', 2), refused('presigned_unsupported'));
  });
});
