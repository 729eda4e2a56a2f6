import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { createLogger } from '../../../platform/log/index.ts';
import { ControlLink } from './control-link.ts';
import { Patience } from './patience.ts';

test('a silent request is given up, the next one of its name later; an answer starts anew', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const patience = new Patience('http://control', { first: 30, longest: 100 });
  const stop = new AbortController().signal;
  const given: { signal: AbortSignal; answer: () => void }[] = [];
  const ask = (): Promise<void> =>
    patience.wait('a', stop, (signal) => {
      const asked = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => asked.reject(signal.reason));
      given.push({ signal, answer: asked.resolve });
      return asked.promise;
    });
  for (const spanMs of [30, 60, 100, 100]) {
    const refused = assert.rejects(ask(), { code: 'control_unreachable' });
    t.mock.timers.tick(spanMs - 1);
    assert.equal(given.at(-1)?.signal.aborted, false);
    t.mock.timers.tick(1);
    await refused;
  }
  const answered = ask();
  t.mock.timers.tick(99);
  given.at(-1)?.answer();
  await answered;
  const refused = assert.rejects(ask(), { code: 'control_unreachable' });
  t.mock.timers.tick(30);
  await refused;
});

test('a segment whose upload was swallowed is sent again', async (t) => {
  const uploads: Buffer[] = [];
  let swallowed = 0;
  const server = createServer(async (request, response) => {
    if (swallowed === 0) {
      swallowed += 1;
      request.pause();
      return;
    }
    const body = await buffer(request).catch(() => null);
    if (body) uploads.push(body);
    response.end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  const link = new ControlLink({
    controlUrl: `http://127.0.0.1:${address.port}`,
    replicaId: 'r',
    logger: createLogger('test', 'silent'),
    uploadSilenceMs: { first: 50, longest: 60_000 },
  });
  t.after(() => {
    link.close();
    server.closeAllConnections();
    server.close();
  });
  const path = join(await mkdtemp(join(tmpdir(), 'millrace-link-')), 'a.parquet');
  const content = Buffer.alloc(20 * 1024 * 1024, 'rows of a segment ');
  await writeFile(path, content);
  const segment = { id: 's', stream: 'churn', path, rows: 1, minTimeMs: 1, maxTimeMs: 1 };
  await assert.rejects(link.shipSegment(segment), { code: 'control_unreachable' });
  for (;;) {
    // A busy machine may take longer than the first spans.
    const error = await link.shipSegment(segment).catch((thrown: unknown) => thrown);
    if (!error) break;
  }
  assert.ok(uploads.some((body) => body.equals(content)));
  assert.equal(JSON.parse(String(uploads.at(-1))).id, 's');
});
