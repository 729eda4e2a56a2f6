import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Webhook, WebhookDelivery } from '../../src/lifecycle/registry/webhooks/contract.ts';
import { freePorts } from '../support/ports.ts';
import { type Cleanup, startServer } from '../support/server.ts';

const script = fileURLToPath(new URL('webhooks', import.meta.url));
const python =
  process.env.MILLRACE_PYTHON ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const run = promisify(execFile);

/** Variables of MLflow's server, which count here too. */
const allowing = { MLFLOW_WEBHOOK_ALLOWED_SCHEMES: 'https,http', MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true' };

test("webhooks are made, answered and told as MLflow's own server does it", async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'millrace-webhooks-'));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const server = await startServer(t, { role: 'control', env: allowing });
  const strict = await startServer(t, { role: 'control' });
  const env = { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true' };
  const { stdout } = await run(python, ['-W', 'ignore', script, server.url, scratch, strict.url], {
    env,
  }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  assert.match(stdout, /^\d{3} compared, 0 differences/m);
  const database = readFileSync(join(server.dataDirectory, 'millrace.db'));
  assert.ok(!database.includes('quiet ☂'));
  assert.equal(statSync(join(server.dataDirectory, 'secrets.key')).mode & 0o777, 0o600);
  // Nothing was signed there.
  assert.ok(!existsSync(join(strict.dataDirectory, 'secrets.key')));
});

async function send<T>(url: string, method: string, body: object): Promise<T> {
  const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url, init);
  assert.ok(response.ok, `${url}: ${response.status} ${await response.clone().text()}`);
  return (await response.json()) as T;
}

/** A receiver that keeps the ids of what it is sent; `answers` false: and lets the sender wait. */
async function receiver(t: Cleanup, port: number, got: string[], answers: boolean): Promise<Server> {
  const server = createServer((request, response) => {
    got.push(String(request.headers['x-mlflow-delivery-id']));
    request.resume();
    if (answers) response.end();
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return server;
}

test('what was changed before a kill -9 is told of after it, under the same id', async (t) => {
  const unanswered: string[] = [];
  const [port = 0] = await freePorts(1);
  const first = await receiver(t, port, unanswered, false);
  const server = await startServer(t, { role: 'control', env: allowing });
  const url = `http://127.0.0.1:${port}/hook`;
  const about = { name: 'late', url, events: ['registered_model.created', 'model_version.created'] };
  const webhook = await send<Webhook>(`${server.url}/api/v1/webhooks`, 'POST', about);
  const mlflow = `${server.url}/api/2.0/mlflow`;
  const names = Array.from({ length: 20 }, (_, i) => `model-${i}`);
  for (const name of names) await send(`${mlflow}/registered-models/create`, 'POST', { name });
  await send(`${mlflow}/model-versions/create`, 'POST', { name: 'model-0', source: 's3://b/m' });
  // Some are under way, and wait for an answer; the others wait for their turn.
  while (unanswered.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await server.kill();
  first.close();
  first.closeAllConnections();
  await once(first, 'close');

  const got: string[] = [];
  await receiver(t, port, got, true);
  await server.start();
  const deliveries = async () => {
    const response = await fetch(`${server.url}/api/v1/webhook-deliveries?limit=100&webhook=${webhook.id}`);
    return ((await response.json()) as { items: WebhookDelivery[] }).items;
  };
  const deadlineMs = Date.now() + 300_000;
  for (;;) {
    const pending = (await deliveries()).filter(({ status }) => status === 'pending');
    if (pending.length === 0) break;
    assert.ok(Date.now() < deadlineMs, JSON.stringify(pending));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const all = await deliveries();
  assert.equal(all.length, names.length + 1);
  assert.deepEqual(new Set(all.map(({ status }) => status)), new Set(['delivered']));
  assert.deepEqual([...new Set(got)].sort(), all.map(({ id }) => id).sort());
  assert.deepEqual(
    unanswered.filter((id) => !got.includes(id)),
    [],
  );
});
