import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { allMigrations } from '../../src/compose/control-services.ts';
import { migrate, openSqlite } from '../../src/platform/db/index.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startServer } from '../support/server.ts';
import { startTestServing, storePackage, tableOf, testRoute } from '../support/serving.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/main.ts');
const password = 'hunter2-of-the-far-server';
const token = 'T0AAAA/B0BBBB/cccccccccccc9fXq';

/** A proxy that lets through who knows the password. */
async function guarded(t: TestContext, url: string): Promise<string> {
  const proxy = createServer((request, response) => {
    if (request.headers.authorization !== `Basic ${btoa(`ada:${password}`)}`)
      return response.writeHead(401).end();
    const { method, headers } = request;
    const passed = send(url + request.url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    // What asks whether the server is ready goes on when that has been stopped, at the test's end.
    passed.on('error', () => response.destroy());
    return request.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close().closeAllConnections());
  return `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

/** Paths below a folder of the files in which this is found. */
async function filesWith(secret: RegExp, root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // A draft may have its name by now, and a segment of the log be sent: then it is found there, or was before.
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return Buffer.alloc(0);
    });
    if (secret.test(bytes.toString('latin1'))) found.push(relative(root, path));
  }
  return found;
}

/** An address for webhooks, and the paths that it was called at. */
async function listener(t: TestContext) {
  const called: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    called.push(request.url);
    request.resume().on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, called };
}

test('passwords of other servers and tokens of webhooks are in no file and no answer but where they are needed', async (t) => {
  const far = await startTestServing(t);
  const digest = await storePackage(far.blobs, logisticOnnx(2, -1, 0.5), logisticPackage());
  await far.replica.applyRoutes(tableOf(testRoute(digest)));
  const place = await guarded(t, far.url);
  const hook = await listener(t);
  const server = await startServer(t, {
    env: { MILLRACE_WEBHOOK_ALLOWED_SCHEMES: 'http', MILLRACE_WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true' },
  });
  const folder = await mkdtemp(join(tmpdir(), 'millrace-secrets-'));
  t.after(() => rm(folder, { recursive: true }));
  const cli = (...args: string[]) =>
    run(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
      env: { ...process.env, MILLRACE_URL: server.url },
    });
  const api = async (method: string, path: string, body?: object) => {
    const init = body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {};
    const answer = await fetch(`${server.url}/api/v1/${path}`, { method, ...init });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text;
  };
  const infer = async () => {
    const tensor = (name: string, value: number) => ({
      name,
      datatype: 'FP64',
      shape: [1, 1],
      data: [value],
    });
    const body = JSON.stringify({ inputs: [tensor('x1', 1), tensor('x2', 2)] });
    const answer = await fetch(`${server.serveUrl}/v2/models/far/infer`, { method: 'POST', body });
    assert.equal(answer.status, 200, await answer.clone().text());
  };

  const url = `http://ada:${password}@${place}`;
  const packaged = await cli('package', 'far', '--remote', url, '--remote-model', 'test');
  await cli('deploy', 'far', '1', '--reason', 'on the other server');
  await infer();
  await writeFile(join(folder, 'rows.csv'), 'x1,x2\n1,2\n3,4\n');
  await cli('predict', 'far', join(folder, 'rows.csv'), '--out', join(folder, 'scores.csv'));
  assert.equal((await readFile(join(folder, 'scores.csv'), 'utf8')).trim().split('\n').length, 3);

  const events = ['registered_model.created'];
  const webhook = JSON.parse(
    await api('POST', 'webhooks', { name: 'chat', url: `${hook.url}/a/${token}`, events }),
  );
  await api('POST', `webhooks/${webhook.id}/test`, {});
  const alerts = [{ webhook: `${hook.url}/b/${token}`, secret: password }];
  await api('PUT', 'monitors/far', { alerts });
  assert.deepEqual(hook.called, [`/a/${token}`]);

  const secret = new RegExp(`${password}|cccccccccccc`);
  const placesWith = async () => {
    const found = await filesWith(secret, server.dataDirectory);
    return new Set(found.map((path) => path.split(sep).slice(0, 2).join('/')));
  };
  // Also beside the database, where what was written last is while it is open.
  assert.deepEqual(await placesWith(), new Set(['serve/blobs', 'work/blobs']));
  await server.stop();
  await server.start();
  await infer();
  const endpoint = JSON.parse(await api('GET', 'endpoints/far'));
  const answers = [packaged.stdout];
  for (const path of [
    `blobs/${endpoint.arms[0].packageDigest}`,
    'registered-models/far/versions',
    'endpoints/far',
    'replicas',
    'webhooks',
    'webhook-deliveries',
    'monitors',
    'alerts',
    'audit-entries',
    'step-runs',
    'jobs',
  ])
    answers.push(await api('GET', path));
  for (const args of [['audit'], ['card', 'far', '1']]) answers.push((await cli(...args)).stdout);
  for (const text of [...answers, server.log]) assert.doesNotMatch(text, secret);
  assert.match(answers[1] ?? '', new RegExp(`http://ada:\\*\\*\\*@${place}`));
  assert.deepEqual(await placesWith(), new Set(['serve/blobs', 'work/blobs']));
});

test('what an earlier state kept in the open is in no file once control has started', async (t) => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-before-'));
  t.after(() => rm(dataDirectory, { recursive: true }));
  const hook = await listener(t);
  const db = openSqlite(join(dataDirectory, 'millrace.db'));
  await migrate(
    db,
    allMigrations.filter(({ id }) => id !== 'registry-013'),
  );
  await db.write((tx) =>
    sql`INSERT INTO webhooks (id, name, description, url, status, created_at_ms, updated_at_ms)
      VALUES ('w', 'old', '', ${`${hook.url}/a/${token}`}, 'ACTIVE', 1, 1)`.execute(tx),
  );
  await db.close();
  assert.deepEqual(await filesWith(/cccccccccccc/, dataDirectory), ['millrace.db']);
  const env = { MILLRACE_WEBHOOK_ALLOWED_SCHEMES: 'http', MILLRACE_WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true' };
  const server = await startServer(t, { dataDirectory, role: 'control', env });
  assert.deepEqual(await filesWith(/cccccccccccc/, dataDirectory), []);
  const tested = await fetch(`${server.url}/api/v1/webhooks/w/test`, { method: 'POST' });
  assert.equal(((await tested.json()) as { readonly success: boolean }).success, true);
  assert.deepEqual(hook.called, [`/a/${token}`]);
});
