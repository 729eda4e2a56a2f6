import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../../../platform/log/index.ts';
import { createKeyInFile, followKeyFile, keysOfFile, revokeKeyInFile } from './key-file.ts';
import { KeyRing } from './key-ring.ts';

test('a file of keys opens what its keys were made for, tells none of them, and may change', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-keys-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'keys.json');
  const ring = new KeyRing();
  const logger = createLogger('test', 'silent');
  assert.throws(() => followKeyFile(path, ring, logger), { code: 'key_file_unreadable' });
  await assert.rejects(keysOfFile(path), { code: 'key_file_unreadable' });

  const nowMs = Date.UTC(2026, 0, 1);
  const churn = await createKeyInFile(
    path,
    { name: 'billing', endpoints: ['churn'], expiresAt: '2026-01-02T00:00:00Z', reason: 'new' },
    'user:ada',
    nowMs,
  );
  const gone = await createKeyInFile(
    path,
    { name: 'x', endpoints: null, reason: 'new' },
    'user:ada',
    nowMs + 1,
  );
  await revokeKeyInFile(path, gone.id, 'leaked', nowMs + 2);
  const text = await readFile(path, 'utf8');
  assert.ok(!text.includes(churn.key) && !text.includes(gone.key));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(
    (await keysOfFile(path)).map((key) => [key.name, key.revokedAt !== null, 'digest' in key]),
    [
      ['x', true, false],
      ['billing', false, false],
    ],
  );
  await assert.rejects(revokeKeyInFile(path, 'nobody', 'x', nowMs), { code: 'key_not_in_file' });

  const end = followKeyFile(path, ring, logger);
  t.after(end);
  ring.require(churn.key, 'churn', 'predict', nowMs);
  assert.throws(() => ring.require(churn.key, 'prices', 'predict', nowMs), { code: 'key_forbidden' });
  assert.throws(() => ring.require(churn.key, 'churn', 'manage', nowMs), { code: 'key_forbidden' });
  assert.throws(() => ring.require(churn.key, 'churn', 'predict', nowMs + 86_400_000), {
    code: 'key_refused',
  });
  assert.throws(() => ring.require(gone.key, 'churn', 'predict', nowMs), { code: 'key_refused' });
  const soon = text.replace('2026-01-02T00:00:00', 'soon');
  assert.notEqual(soon, text);
  for (const broken of [soon, '{', '{"formatVersion":1,"keys":[{}]}', '{"formatVersion":2,"keys":[]}']) {
    await writeFile(path, broken);
    await assert.rejects(keysOfFile(path), { code: 'key_file_unreadable' });
  }
});

test('keys that are made and revoked at the same time are all in the file', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-keys-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'keys.json');
  const make = (name: string) =>
    createKeyInFile(path, { name, endpoints: null, reason: 'new' }, 'user:ada', Date.UTC(2026, 0, 1));
  const first = await make('first');
  await Promise.all([
    ...['a', 'b', 'c', 'd'].map(make),
    revokeKeyInFile(path, first.id, 'leaked', Date.UTC(2026, 0, 2)),
  ]);
  const names = (await keysOfFile(path)).map(
    (key) => `${key.name}${key.revokedAt === null ? '' : ' revoked'}`,
  );
  assert.deepEqual(names.sort(), ['a', 'b', 'c', 'd', 'first revoked']);
});
