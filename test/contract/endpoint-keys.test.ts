import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { openDirectoryBlobs } from '../../src/platform/blobs/index.ts';
import { ControlClient } from '../../src/platform/client/index.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startServer } from '../support/server.ts';
import { storePackage } from '../support/serving.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/main.ts');

test('a key made on the command line opens its endpoint until it is revoked', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-keys-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const server = await startServer(t);
  const client = new ControlClient(server.url);
  const any = z.unknown();
  const local = await openDirectoryBlobs(directory);
  const packageDigest = await storePackage(local, logisticOnnx(), logisticPackage());
  for await (const { digest } of local.list()) await client.putBlob(await local.bytes(digest));
  const options = { requireKey: true };
  await client.call('/api/v1/endpoints', { body: { name: 'churn', model: 'churn', options }, schema: any });
  await client.call('/api/v1/endpoints/churn/deploy?waitMs=10000', {
    body: { modelVersion: '1', packageDigest, reason: 'test' },
    schema: any,
  });
  const cli = async (...args: string[]) =>
    (
      await run(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
        env: { ...process.env, MILLRACE_URL: server.url },
      })
    ).stdout.trim();
  const ask = async (key: string) => {
    const inputs = ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [1, 1], data: [1] }));
    const headers = { authorization: `Bearer ${key}` };
    const url = `${server.serveUrl}/v2/models/churn/infer`;
    return (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ inputs }) })).status;
  };
  const until = async (key: string, status: number) => {
    while ((await ask(key)) !== status) await sleep(20);
  };

  assert.equal(await ask('nothing'), 401);
  const key = await cli(
    'keys',
    'create',
    'billing',
    '--endpoint',
    'churn',
    '--expires',
    '1h',
    '--reason',
    'x',
  );
  assert.match(key, /^mrk_[\w-]{43}$/);
  await until(key, 200);
  const other = await cli('keys', 'create', 'other', '--endpoint', 'prices', '--reason', 'x');
  await until(other, 403);

  const listed = await cli('keys', '--json');
  assert.ok(!listed.includes(key), 'a list tells no key');
  const [, billing] = (JSON.parse(listed) as { items: { id: string; name: string }[] }).items;
  assert.equal(billing?.name, 'billing');
  await cli('keys', 'revoke', billing?.id ?? '', '--reason', 'leaked');
  await until(key, 401);

  const audit = z.object({ items: z.array(z.object({ action: z.string() })) });
  const { items } = await client.call('/api/v1/audit-entries', { schema: audit });
  const actions = items.map((entry) => entry.action);
  assert.ok(
    actions.includes('endpoint-key:create') && actions.includes('endpoint-key:revoke'),
    actions.join(),
  );
});
