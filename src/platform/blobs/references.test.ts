import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../core/json.ts';
import { execute, type Migration, tables } from '../db/index.ts';
import { forEachDatabase } from '../db/testing.ts';
import { openDirectoryBlobs, referencedDigests, unreferencedBlobs } from './index.ts';

const migrations: readonly Migration[] = [
  {
    id: 'test-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE files (path TEXT NOT NULL, part BIGINT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (path, part));
         CREATE TABLE steps (id BIGINT PRIMARY KEY, outputs TEXT);
         CREATE TABLE unkeyed (note TEXT)`,
      ),
  },
];
type TestTables = {
  files: { path: string; part: number; digest: string };
  steps: { id: number; outputs: string | null };
  unkeyed: { note: string };
};

forEachDatabase((name, open) => {
  test(`blobs that any table mentions, or a document that one mentions, are referred to (${name})`, async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'millrace-references-'));
    t.after(() => rm(root, { recursive: true }));
    const db = await open(t, migrations);
    const blobs = await openDirectoryBlobs(root);
    const put = async (text: string) => (await blobs.put(text)).digest;
    const part = await put('part');
    const large = await put('part of a package of many files');
    const files = [...Array.from({ length: 20_000 }, (_, i) => digestOf(`file ${i}`)), large];
    const manifest = await put(JSON.stringify({ format: 1, files: [part, ...files] }));
    const file = await put('file');
    const noted = await put('noted');
    const orphan = await put('orphan');
    const quoted = await put('quoted by an artifact only');
    const artifact = await put(JSON.stringify({ quoted }));
    await db.write(async (tx) => {
      const on = tables<TestTables>(tx);
      const many = Array.from({ length: 2500 }, (_, i) => ({ path: 'a', part: i, digest: artifact }));
      for (let i = 0; i < many.length; i += 100) {
        await on
          .insertInto('files')
          .values(many.slice(i, i + 100))
          .execute();
      }
      await on.insertInto('files').values({ path: 'b', part: 0, digest: file }).execute();
      await on
        .insertInto('steps')
        .values([
          { id: 1, outputs: null },
          { id: 2, outputs: JSON.stringify({ package: manifest }) },
        ])
        .execute();
      await on
        .insertInto('unkeyed')
        .values({ note: `see ${noted}` })
        .execute();
    });
    const options = { db, blobs, leafTables: new Set(['files']) };
    assert.deepEqual(
      [...(await referencedDigests(options))].sort(),
      [artifact, file, manifest, noted, part, ...files].sort(),
    );
    const unreferenced = async (beforeMs: number) => {
      const found = [];
      for await (const blob of unreferencedBlobs(options, beforeMs)) found.push(blob.digest);
      return found.sort();
    };
    assert.deepEqual(await unreferenced(Date.now() + 60_000), [orphan, quoted].sort());
    assert.deepEqual(await unreferenced(Date.now() - 60_000), []);
  });
});
