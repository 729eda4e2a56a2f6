import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { addBrowserGuard, type BrowserGuardOptions } from './browser-guard.ts';
import { anyPattern } from './patterns.ts';

const standard: BrowserGuardOptions = {
  allowedHosts: undefined,
  ownHosts: [],
  allowedOrigins: [],
  frameOptions: 'SAMEORIGIN',
  probes: new Set(['/health']),
};

function server(options: Partial<BrowserGuardOptions> = {}) {
  const app = Fastify({ routerOptions: { ignoreDuplicateSlashes: true } });
  addBrowserGuard(app as never, { ...standard, ...options });
  for (const url of ['/health', '/test', '/api/2.0/mlflow/experiments/list']) app.all(url, async () => 'OK');
  return app;
}

async function statusOf(
  options: Partial<BrowserGuardOptions>,
  headers: Readonly<Record<string, string>>,
  url = '/test',
  method: 'GET' | 'POST' | 'OPTIONS' = 'GET',
) {
  return server(options).inject({ url, method, headers });
}

test('by itself, this machine and private addresses are answered', async () => {
  const good = [
    'localhost',
    'LOCALHOST:7600',
    '127.0.0.1:1',
    '[::1]',
    '[::1]:8080',
    '0.0.0.0:7600',
    '192.168.1.1:8080',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.1:80',
    '[fd00:1::2]:80',
  ];
  for (const host of good) assert.equal((await statusOf({}, { host })).statusCode, 200, host);
  for (const host of ['evil.com', 'localhost.evil.com', '172.32.0.1', 'evil.com:7600', '10.evil.com']) {
    assert.equal((await statusOf({}, { host })).statusCode, 403, host);
  }
});

test('a foreign host is told which setting lets it in; probes answer anybody', async () => {
  const refused = await statusOf({}, { host: 'ml.example.com:7600' });
  assert.match(refused.body, /^Invalid Host header - possible DNS rebinding attack detected/);
  assert.match(refused.body, /"ml\.example\.com:7600".*MILLRACE_ALLOWED_HOSTS.*ml\.example\.com\*/s);
  assert.equal((await statusOf({}, { host: 'evil.com' }, '/health')).statusCode, 200);
});

test('hosts that are named are answered, by pattern or letter by letter', async () => {
  const allowedHosts = ['ml.example.com', '*.corp'];
  for (const host of ['ml.example.com', 'a.b.corp']) {
    assert.equal((await statusOf({ allowedHosts }, { host })).statusCode, 200, host);
  }
  for (const host of ['localhost', 'ml.example.com:80', 'corp']) {
    assert.equal((await statusOf({ allowedHosts }, { host })).statusCode, 403, host);
  }
  assert.equal((await statusOf({ allowedHosts: ['*'] }, { host: 'evil.com' })).statusCode, 200);
  const own = { allowedHosts, ownHosts: ['control'] };
  assert.equal((await statusOf(own, { host: 'control:7600' })).statusCode, 200);
});

test('writes from foreign pages are refused, reads and writes of our own pages are not', async () => {
  const api = '/api/2.0/mlflow/experiments/list';
  const post = (origin: string, options = {}, host = 'localhost') =>
    statusOf(options, { host, origin }, api, 'POST');
  const evil = await post('http://evil.com');
  assert.equal(evil.statusCode, 403);
  assert.match(evil.body, /^Cross-origin request blocked\n.*MILLRACE_CORS_ALLOWED_ORIGINS/);
  assert.equal(evil.headers['access-control-allow-origin'], undefined);
  assert.equal((await statusOf({}, { host: 'localhost', origin: 'http://evil.com' }, api)).statusCode, 200);
  assert.equal(
    (await post('http://localhost:3000')).headers['access-control-allow-origin'],
    'http://localhost:3000',
  );
  assert.equal((await post('http://10.0.0.5:7600', {}, '10.0.0.5:7600')).statusCode, 200);
  assert.equal((await post('http://localhost.evil.com')).statusCode, 403);
  assert.equal((await post('null')).statusCode, 403);
  const some = { allowedOrigins: ['http://*.example.com'] };
  assert.equal((await post('http://a.b.example.com', some)).statusCode, 200);
  assert.equal((await post('http://evil.com', some)).statusCode, 403);
  const all = await post('http://evil.com', { allowedOrigins: ['*'] });
  assert.equal(all.statusCode, 200);
  assert.equal(all.headers['access-control-allow-origin'], '*');
  assert.equal(all.headers['access-control-allow-credentials'], undefined);
});

test('a path written another way is no way round the refusal', async () => {
  for (const url of ['//api/2.0/mlflow/experiments/list', '/%61pi/2.0/mlflow/experiments/list', '/test']) {
    const post = (origin: string) => statusOf({}, { host: 'localhost', origin }, url, 'POST');
    assert.equal((await post('http://localhost')).statusCode, 200, url);
    assert.equal((await post('http://evil.com')).statusCode, 403, url);
  }
});

test('browsers that ask before crossing origins get an answer', async () => {
  const ask = (origin: string) =>
    statusOf(
      {},
      { host: 'localhost', origin, 'access-control-request-headers': 'content-type' },
      '/api/2.0/mlflow/experiments/list',
      'OPTIONS',
    );
  const yes = await ask('http://localhost:3000');
  assert.equal(yes.statusCode, 204);
  assert.equal(yes.headers['access-control-allow-headers'], 'content-type');
  const no = await ask('http://evil.com');
  assert.equal(no.statusCode, 204);
  assert.equal(no.headers['access-control-allow-origin'], undefined);
});

test('who may frame pages is settable', async () => {
  const frames = async (frameOptions: BrowserGuardOptions['frameOptions']) =>
    (await statusOf({ frameOptions }, { host: 'localhost' })).headers['x-frame-options'];
  assert.equal(await frames('SAMEORIGIN'), 'SAMEORIGIN');
  assert.equal(await frames('DENY'), 'DENY');
  assert.equal(await frames('NONE'), undefined);
});

test('patterns are those of fnmatch', () => {
  const matches = (pattern: string, text: string) => anyPattern([pattern])(text);
  assert.ok(matches('[[]::1]:*', '[::1]:80'));
  assert.ok(matches('app-?.*', 'app-1.x'));
  assert.ok(matches('app-[!0]*', 'app-1') && !matches('app-[!0]*', 'app-0'));
  assert.ok(!matches('a.b*', 'axb'));
  assert.ok(!matches('a?c', 'abc'));
});
