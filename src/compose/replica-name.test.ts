import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { replicaName } from './replica-name.ts';

test('each replica has a name of its own, and keeps it', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-name-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const [a, b, old] = ['a', 'b', 'old'].map((name) => join(directory, name)) as [string, string, string];
  const names = await Promise.all(Array.from({ length: 8 }, () => replicaName(a)));
  assert.equal(new Set(names).size, 1, names.join());
  assert.match(names[0] ?? '', /^[\w-]+-[0-9a-f]{6}$/);
  assert.equal(await replicaName(a), names[0]);
  assert.notEqual(await replicaName(b), names[0]);
  await mkdir(old);
  await writeFile(join(old, 'routes.json'), '{}');
  assert.equal(await replicaName(old), 'local');
});
