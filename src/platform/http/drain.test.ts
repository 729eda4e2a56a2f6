import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { z } from 'zod';
import { createLogger } from '../log/index.ts';
import { Registry } from '../metrics/index.ts';
import { addRoutes, createHttpServer, defineRoute, drain, listen, openSse } from './index.ts';

const anyone = { kind: 'user', id: 'tester', permissions: 'all' } as const;
const longMs = 60_000;

async function serving() {
  const app = createHttpServer({
    log: createLogger('test', 'silent'),
    metrics: new Registry('test'),
    bodyLimitBytes: 1000,
    resolveActor: async () => anyone,
  });
  const begun = Promise.withResolvers<void>();
  const common = { summary: 'test', permission: 'read', response: z.unknown() } as const;
  addRoutes(app, [
    defineRoute({
      ...common,
      method: 'PUT',
      path: '/upload',
      bodyKind: 'raw',
      handle: async (_, { request }) => {
        begun.resolve();
        return { got: (await text(request.raw)).length };
      },
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: '/wait',
      handle: async (_, { signal }) => {
        await once(signal, 'abort');
        throw signal.reason;
      },
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: '/events',
      handle: async (_, { reply }) => void openSse(reply),
    }),
  ]);
  const port = await listen(app, '127.0.0.1', 0, '--port');
  return { app, url: `http://127.0.0.1:${port}`, begun: begun.promise };
}

test('a server that drains answers what is under way, ends what waits, and takes nothing new', async () => {
  const { app, url, begun } = await serving();
  const upload = request(`${url}/upload`, { method: 'PUT', agent: false });
  upload.write('first ');
  const waiting = fetch(`${url}/wait`);
  const events = await fetch(`${url}/events`);
  // A browser opens connections ahead, and one stays open after its answer.
  const { port } = app.server.address() as AddressInfo;
  const unused = connect(port, '127.0.0.1');
  await Promise.all([begun, once(unused, 'connect'), fetch(`${url}/none`).then((r) => r.text())]);
  const unusedClosed = once(unused.resume(), 'close');

  const drained = drain(app, longMs);
  const waited = await waiting;
  assert.equal(waited.status, 503);
  assert.equal(((await waited.json()) as { code: string }).code, 'control_stopping');
  await assert.rejects(events.text());
  await unusedClosed;
  await assert.rejects(fetch(`${url}/none`));
  upload.end('last');
  const [response] = await once(upload, 'response');
  assert.deepEqual(JSON.parse(await text(response)), { got: 10 });
  await drained;
});

test('what is not done when the time is up is broken off', async () => {
  const { app, url, begun } = await serving();
  const upload = request(`${url}/upload`, { method: 'PUT' });
  const failed = once(upload, 'error');
  upload.write('first ');
  await begun;
  await drain(app, 10);
  await failed;
});
