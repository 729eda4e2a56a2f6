import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { createLogger } from '../log/index.ts';
import { Registry } from '../metrics/index.ts';
import {
  addRoutes,
  createHttpServer,
  decodePageToken,
  defineRoute,
  type FastifyInstance,
  type FastifyReply,
  listen,
  openSse,
  pageQuery,
  toPage,
} from './index.ts';

const newServer = (): FastifyInstance =>
  createHttpServer({
    log: createLogger('test', 'silent'),
    metrics: new Registry('test'),
    bodyLimitBytes: 1000,
    resolveActor: async () => ({ kind: 'user', id: 'ann' }),
  });

const common = { summary: 'for the test', permission: 'read', response: z.unknown() } as const;
const app = newServer();
addRoutes(app, [
  defineRoute({
    ...common,
    method: 'POST',
    path: '/api/v1/things/:id',
    params: z.object({ id: z.string() }),
    body: z.strictObject({ ratio: z.number().max(1) }),
    handle: async ({ params, body }, { actor }) => ({ id: params.id, ratio: body.ratio, actor: actor.id }),
  }),
  defineRoute({
    ...common,
    method: 'GET',
    path: '/api/v1/things',
    query: pageQuery,
    handle: async ({ query }) => {
      const after = query.after === undefined ? 0 : decodePageToken(query.after, z.number());
      const items = [1, 2, 3, 4, 5].filter((n) => n > after).slice(0, query.limit + 1);
      return toPage(items, query.limit, (n) => n);
    },
  }),
  defineRoute({
    ...common,
    method: 'GET',
    path: '/api/v1/empties',
    query: z.strictObject({ least: z.coerce.number().optional(), text: z.string().optional() }),
    emptyQuery: ['text'],
    handle: async ({ query }) => query,
  }),
  defineRoute({
    ...common,
    method: 'PUT',
    path: '/api/v1/raw',
    bodyKind: 'raw',
    handle: async (_, { request }) => ({ got: await text(request.raw) }),
  }),
  defineRoute({
    ...common,
    method: 'GET',
    path: '/api/v1/stream',
    handle: async () => Readable.from(['a', 'b']),
  }),
  defineRoute({
    ...common,
    method: 'GET',
    path: '/api/v1/broken',
    handle: async () => {
      throw new Error('secret detail');
    },
  }),
  defineRoute({
    ...common,
    method: 'GET',
    path: '/api/v1/unwritable',
    handle: async () => {
      throw Object.assign(new Error("EROFS: read-only file system, open '/data/x'"), { code: 'EROFS' });
    },
  }),
  defineRoute({
    ...common,
    method: 'GET',
    path: '/api/v1/gone',
    handle: async () => {
      throw fail('not_found', { kind: 'thing', id: 'x', list: '/api/v1/things' });
    },
  }),
  defineRoute({
    ...common,
    method: 'GET',
    path: '/api/v1/live',
    handle: async (_, { reply }) => {
      openSse(reply).send({ id: '7', data: { n: 1 } });
      return undefined;
    },
  }),
]);

let url = '';
before(async () => {
  url = `http://127.0.0.1:${await listen(app, '127.0.0.1', 0, '--port')}`;
});
after(() => app.close());

const send = (path: string, method: string, body: unknown) =>
  fetch(url + path, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

test('a disk that cannot be written is told as such', async () => {
  const response = await fetch(`${url}/api/v1/unwritable`);
  const { code, detail } = (await response.json()) as { code: string; detail: string };
  assert.deepEqual([response.status, code], [507, 'disk_unusable']);
  assert.match(detail, /^the data directory cannot be read or written: EROFS: read-only file system$/);
});

test('input is parsed, the actor handed on', async () => {
  const response = await send('/api/v1/things/a%2Fb', 'POST', { ratio: 0.5 });
  assert.deepEqual(await response.json(), { id: 'a/b', ratio: 0.5, actor: 'ann' });
});

test('bad input is a problem that names every wrong field and the next step', async () => {
  const response = await send('/api/v1/things/a', 'POST', { ratio: 2, extra: true });
  assert.equal(response.status, 400);
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
  const problem = (await response.json()) as { code: string; next: string; issues: { field: string }[] };
  assert.equal(problem.code, 'invalid_input');
  assert.ok(problem.next);
  assert.deepEqual(
    problem.issues.map((issue) => issue.field),
    ['body.ratio', 'body'],
  );
});

test('unreadable JSON, a body too large, an error of ours and one foreseen', async () => {
  const broken = await fetch(`${url}/api/v1/things/a`, {
    method: 'POST',
    body: '{',
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(((await broken.json()) as { code: string }).code, 'invalid_input');
  const headers = { 'content-type': 'application/json' };
  const empty = await fetch(`${url}/api/v1/things/a`, { method: 'POST', headers });
  assert.deepEqual(
    ((await empty.json()) as { issues: { field: string }[] }).issues.map(({ field }) => field),
    ['body.ratio'],
  );
  assert.equal((await send('/api/v1/things/a', 'POST', { ratio: 'x'.repeat(2000) })).status, 413);
  const internal = await (await fetch(`${url}/api/v1/broken`)).text();
  assert.match(internal, /reference [0-9a-f]{12}/);
  assert.doesNotMatch(internal, /secret/);
  const gone = (await (await fetch(`${url}/api/v1/gone`)).json()) as { detail: string; next: string };
  assert.equal(gone.detail, 'thing "x" does not exist');
  assert.match(gone.next, /GET \/api\/v1\/things/);
});

test('pages go through a list once, and a wrong token is refused', async () => {
  const seen: number[] = [];
  let after: string | null = null;
  do {
    const response = await fetch(`${url}/api/v1/things?limit=2${after ? `&after=${after}` : ''}`);
    const page = (await response.json()) as { items: number[]; next: string | null };
    seen.push(...page.items);
    after = page.next;
  } while (after);
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  assert.equal((await fetch(`${url}/api/v1/things?after=zzz`)).status, 400);
});

test('raw bodies of any type and streams go through', async () => {
  const put = await fetch(`${url}/api/v1/raw`, { method: 'PUT', body: new Uint8Array([104, 105]) });
  assert.deepEqual(await put.json(), { got: 'hi' });
  assert.equal(await (await fetch(`${url}/api/v1/stream`)).text(), 'ab');
});

test('server-sent events arrive while the response is open', async () => {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/v1/live`, { signal: abort.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let received = '';
  while (!received.includes('data:')) received += (await reader?.read())?.value ?? '';
  abort.abort();
  assert.match(received, /id: 7\ndata: \{"n":1\}\n\n/);
});

test('an event for a reader who has no room yet waits until there is some, or the reader is gone', async () => {
  const raw = Object.assign(new PassThrough({ highWaterMark: 64 }), { writeHead: () => raw });
  const { send, closed } = openSse({ hijack() {}, raw } as unknown as FastifyReply);
  const isWaiting = (sent: Promise<void>) => Promise.race([sent.then(() => false), turn(true)]);
  const first = send({ data: 'x'.repeat(1000) });
  assert.ok(await isWaiting(first));
  raw.resume();
  await first;
  raw.pause();
  const second = send({ data: 'x'.repeat(1000) });
  assert.ok(await isWaiting(second));
  raw.destroy();
  await Promise.all([second, closed, send({ data: 'for nobody' })]);
});

test('a taken port, or an address of another machine, names the setting to change', async () => {
  const port = Number(new URL(url).port);
  const second = newServer();
  await assert.rejects(listen(second, '127.0.0.1', port, '--port or MILLRACE_PORT'), {
    code: 'port_taken',
    next: /--port or MILLRACE_PORT/,
  });
  // An address of documentation (RFC 5737) is of no machine.
  await assert.rejects(listen(newServer(), '192.0.2.1', 0, '--port'), {
    code: 'address_unusable',
    next: /--host/,
  });
  await second.close();
  assert.ok(app.server.listening);
});

test('a change made of what was read is made only while it is so; the present state comes with a refusal', async () => {
  const server = newServer();
  const thing = { size: 1, seen: 0 };
  const at = '/api/v1/boxes/a';
  const params = z.object({ id: z.string() });
  const body = z.object({ size: z.number() });
  addRoutes(server, [
    defineRoute({
      ...common,
      method: 'GET',
      path: '/api/v1/boxes/:id',
      params,
      stateOf: ({ size }) => size,
      response: z.object({ size: z.number(), seen: z.number() }),
      handle: async () => ({ ...thing, seen: ++thing.seen }),
    }),
    ...(['PUT', 'POST'] as const).map((method) =>
      defineRoute({
        ...common,
        method,
        params,
        body,
        path: `/api/v1/boxes/:id${method === 'POST' ? '/grow' : ''}`,
        handle: async ({ body: { size } }) => {
          await new Promise((resolve) => setImmediate(resolve));
          thing.size = size;
          return thing;
        },
      }),
    ),
  ]);
  const put = (size: number, etag?: string, url = at) =>
    server.inject({
      method: url === at ? 'PUT' : 'POST',
      url,
      payload: { size },
      headers: etag === undefined ? {} : { 'if-match': etag },
    });
  const first = String((await server.inject({ url: at })).headers.etag);
  assert.equal((await server.inject({ url: at })).headers.etag, first, 'counts are no change');
  const known = await server.inject({ url: at, headers: { 'if-none-match': first } });
  assert.deepEqual([known.statusCode, known.body], [304, '']);

  const both = await Promise.all([put(2, first), put(3, first)]);
  assert.deepEqual(
    both.map((answer) => answer.statusCode),
    [200, 412],
  );
  const second = String(both[0]?.headers.etag);
  assert.equal(both[1]?.json().code, 'precondition_failed');
  assert.ok(String(both[1]?.json().detail).includes(second), 'the refusal tells the present state');
  assert.equal((await put(4, `W/"x", ${second}`, `${at}/grow`)).statusCode, 200);
  assert.equal((await put(5, second, `${at}/grow`)).statusCode, 412);
  assert.deepEqual([(await put(6)).statusCode, (await put(7, '*')).statusCode, thing.size], [200, 200, 7]);
  await server.close();
});

test('who lacks the permission of a route is refused before its body is looked at', async () => {
  const jobs = createHttpServer({
    log: createLogger('test', 'silent'),
    metrics: new Registry('test'),
    bodyLimitBytes: 1000,
    resolveActor: async () => ({ kind: 'job', id: 'j1' }),
  });
  const shared = { summary: 'for the test', response: z.unknown(), body: z.strictObject({ of: z.string() }) };
  const handle = async () => ({ done: true });
  addRoutes(jobs, [
    defineRoute({ ...shared, method: 'POST', path: '/promote', permission: 'registry:promote', handle }),
    defineRoute({
      ...shared,
      method: 'POST',
      path: '/upload',
      permission: 'loop:write',
      bodyKind: 'raw',
      handle,
    }),
    defineRoute({ ...shared, method: 'POST', path: '/track', permission: 'experiments:write', handle }),
  ]);
  for (const url of ['/promote', '/upload']) {
    const refused = await jobs.inject({
      method: 'POST',
      url,
      payload: 'no JSON',
      headers: { 'content-type': 'application/json' },
    });
    assert.deepEqual([refused.statusCode, refused.json().code], [403, 'forbidden'], url);
  }
  const tracked = await jobs.inject({ method: 'POST', url: '/track', payload: { of: 'it' } });
  assert.equal(tracked.statusCode, 200);
});

test('only what begins with the path prefix, as whole parts of a path, is answered', async () => {
  const prefixed = createHttpServer({
    log: createLogger('test', 'silent'),
    metrics: new Registry('test'),
    bodyLimitBytes: 1000,
    resolveActor: async () => ({ kind: 'user', id: 'ann' }),
    pathPrefix: '/ml',
  });
  addRoutes(prefixed, [
    defineRoute({ ...common, method: 'GET', path: '/api/v1/here', handle: async () => ({ here: true }) }),
  ]);
  const statusOf = async (url: string) => (await prefixed.inject({ url })).statusCode;
  assert.equal(await statusOf('/ml/api/v1/here'), 200);
  assert.equal(await statusOf('/api/v1/here'), 404);
  assert.equal(await statusOf('/mlx/api/v1/here'), 404);
  assert.equal((await prefixed.inject({ url: '/mlapi/v1/here' })).json().code, 'outside_prefix');
  assert.equal((await prefixed.inject({ url: '/' })).headers.location, '/ml/');
});

test('an empty parameter of a query is no zero: it is refused, but where nothing is a value', async () => {
  const asked = async (query: string) => {
    const answer = await app.inject({ method: 'GET', url: `/api/v1/empties?${query}` });
    return [answer.statusCode, answer.json()];
  };
  for (const query of ['least=', 'least', 'least=3&least=']) {
    const [status, problem] = await asked(query);
    assert.equal(status, 400);
    assert.match(problem.detail, /query\.least.* is empty; give it a value, or leave it out/);
  }
  assert.deepEqual(await asked('text=&least=0'), [200, { text: '', least: 0 }]);
});
