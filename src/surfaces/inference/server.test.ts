import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  startTestServing,
  storePackage,
  tableOf,
  testRoute,
  unshippedRows,
} from '../../../test/support/serving.ts';
import { defaultEndpointOptions, digestOfKey, type EndpointOptions } from '../../lifecycle/serving/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { Registry } from '../../platform/metrics/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import { type EndedSpan, SpanExporter } from '../../platform/tracing/index.ts';
import { Admission, InferenceServer, type InferenceServerOptions } from './index.ts';

const body = JSON.stringify({
  inputs: ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [1, 1], data: [1] })),
});
const inferPath = '/v2/models/test/infer';
const infer = `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

async function serving(
  t: TestContext,
  server: Partial<InferenceServerOptions> = {},
  options: Partial<EndpointOptions> = {},
) {
  const started = await startTestServing(t, { server });
  const digest = await storePackage(started.blobs, logisticOnnx(), logisticPackage());
  const route = testRoute(digest, { options: { ...defaultEndpointOptions, ...options } });
  await started.replica.applyRoutes(tableOf(route));
  return { ...started, route };
}

/** A raw connection: what was sent by the server so far, and its end. */
function dial(url: string): { socket: Socket; text: () => string; ended: Promise<string> } {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => {
    socket.once('end', () => socket.end());
    socket.once('close', () => resolve(text));
  });
  return { socket, text: () => text, ended };
}

/** Sends bytes and gives everything that came back until the server ended the connection. */
async function exchange(url: string, bytes: string, end = false): Promise<string> {
  const { socket, ended } = dial(url);
  if (end) socket.end(bytes);
  else socket.write(bytes);
  return ended;
}

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1]);

async function stillAnswers(url: string): Promise<void> {
  assert.equal((await fetch(url + inferPath, { method: 'POST', body })).status, 200);
}

test('what is no HTTP gets one clear answer, and the neighbours theirs', async (t) => {
  const { url } = await serving(t, { http: { headerBytes: 4096 } });
  const cases: readonly [string, string, string, RegExp][] = [
    ['noise', 'hello there\r\n\r\n', '400', /http_malformed/],
    [
      'a length that is no number',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: abc\r\n\r\n',
      '400',
      /http_malformed/,
    ],
    [
      'two lengths that differ',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello',
      '400',
      /http_malformed/,
    ],
    [
      'a length beside chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
      /http_malformed/,
    ],
    [
      'a chunk of a size that is no number',
      `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
      '400',
      /http_malformed/,
    ],
    [
      'large headers',
      `GET /v2 HTTP/1.1\r\nhost: x\r\nx-large: ${'a'.repeat(8000)}\r\n\r\n`,
      '431',
      /headers_too_large/,
    ],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n', '405', /method_not_allowed/],
    ['no host', 'GET /v2 HTTP/1.1\r\n\r\n', '400', /./],
    [
      'a scheme and host',
      'GET http://x/v2/health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      '200',
      /"live":true/,
    ],
    [
      'a read of what is posted',
      `GET ${inferPath} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      '405',
      /allow: POST, OPTIONS\r/i,
    ],
    [
      'a post to what is read',
      'POST /v2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
      '405',
      /allow: GET, HEAD, OPTIONS\r/i,
    ],
  ];
  for (const [name, bytes, status, code] of cases) {
    const answer = await exchange(url, bytes);
    assert.deepEqual(statuses(answer), [status], `${name}: ${answer}`);
    assert.match(answer, code, name);
    await stillAnswers(url);
  }
});

test('a caller that resets its connection after CONNECT takes nothing along', async (t) => {
  const { url } = await serving(t);
  const { hostname, port } = new URL(url);
  for (let i = 0; i < 10; i++) {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    socket.write('CONNECT /v2 HTTP/1.1\r\n\r\n');
    await once(socket, 'data');
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  await stillAnswers(url);
});

test('a body that ends too early is no answer to anybody, and one that is too long is the next request', async (t) => {
  const { url } = await serving(t);
  const early = await exchange(url, infer.slice(0, -10), true);
  assert.deepEqual(statuses(early), ['400']);
  const long = await exchange(url, `${infer}garbage after the body\r\n\r\n`);
  assert.deepEqual(statuses(long), ['200', '400']);
  await stillAnswers(url);
});

test('requests one behind the other on a connection are answered in their order', async (t) => {
  const { url } = await serving(t);
  const { socket, text, ended } = dial(url);
  const last = infer.replace('host: x', 'host: x\r\nconnection: close');
  socket.write(
    `${infer}GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\nPOST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n${last}`,
  );
  await ended;
  assert.deepEqual(statuses(text()), ['200', '200', '404', '200']);
});

test('a body that is too large is refused before it is read, whatever is said of its length', async (t) => {
  const { url } = await serving(t, { bodyLimitBytes: 1000 });
  const told = await exchange(
    url,
    `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\nconnection: close\r\n\r\n`,
  );
  assert.deepEqual(statuses(told), ['413']);
  const chunk = `400\r\n${'a'.repeat(1024)}\r\n`;
  const untold = await exchange(
    url,
    `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`,
  );
  assert.deepEqual(statuses(untold), ['413']);
  const expecting = await exchange(
    url,
    `POST ${inferPath} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\nexpect: 100-continue\r\n\r\n`,
  );
  assert.deepEqual(statuses(expecting), ['413']);
  await stillAnswers(url);
});

test('Expect: 100-continue is answered before the body comes; another expectation is refused', async (t) => {
  const { url } = await serving(t);
  const head = `POST ${inferPath} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n`;
  const { socket, text, ended } = dial(url);
  socket.write(`${head}expect: 100-continue\r\n\r\n`);
  while (!text().includes('100 Continue')) await once(socket, 'data');
  socket.write(body);
  await ended;
  assert.deepEqual(statuses(text()), ['100', '200']);
  assert.deepEqual(statuses(await exchange(url, `${head}expect: miracles\r\n\r\n${body}`)), ['417']);
});

test('HEAD, OPTIONS and methods that are not done here', async (t) => {
  const { url } = await serving(t);
  const head = await fetch(`${url}/v2`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  assert.ok(Number(head.headers.get('content-length')) > 0);
  const options = await fetch(`${url}${inferPath}`, { method: 'OPTIONS' });
  assert.deepEqual([options.status, options.headers.get('allow')], [204, 'POST, OPTIONS']);
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    const refused = await fetch(`${url}${inferPath}`, { method, body: '{}' });
    assert.equal(refused.status, 405, method);
    assert.equal(refused.headers.get('allow'), 'POST, OPTIONS');
    assert.match(((await refused.json()) as { error: string }).error, new RegExp(method));
  }
  const brewed = await exchange(url, 'BREW /v2 HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.match(brewed, /^HTTP\/1\.1 405 .*\r\nallow: GET, HEAD, POST, OPTIONS\r\n.*BREW/s);
});

test('a request that trickles in is cut off', async (t) => {
  const { url } = await serving(t, { http: { headersTimeoutMs: 300, requestTimeoutMs: 600 } });
  const slowHead = await exchange(url, 'GET /v2 HTTP/1.1\r\nhost: x\r\n');
  const slowBody = await exchange(url, infer.slice(0, -1));
  for (const answer of [slowHead, slowBody]) {
    assert.deepEqual(statuses(answer), ['408']);
    assert.match(answer, /request_too_slow/);
  }
});

test('an endpoint takes as many requests a second as it says; the others are told the limit and when to come', async (t) => {
  const { url } = await serving(t, {}, { limits: { requestsPerSecond: 0.01, concurrentRequests: null } });
  await stillAnswers(url);
  const refused = await fetch(url + inferPath, { method: 'POST', body });
  assert.equal(refused.status, 429);
  const retryAfter = Number(refused.headers.get('retry-after'));
  assert.ok(retryAfter > 50 && retryAfter <= 100, `${retryAfter} s`);
  assert.match(
    JSON.stringify(await refused.json()),
    /at most 0.01 requests a second.*limits\.requestsPerSecond/,
  );
  assert.equal((await fetch(`${url}/v2/models/test`)).status, 200, 'looking is not limited');
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(
    metrics,
    /millrace_requests_refused_total\{endpoint="test",code="limit_reached",role="serve"\} 1/,
  );
});

test('an endpoint answers as many requests at the same time as it says', async (t) => {
  const { url } = await serving(t, {}, { limits: { requestsPerSecond: null, concurrentRequests: 1 } });
  const open = dial(url);
  open.socket.write(infer.slice(0, -1));
  await fetch(`${url}/v2/health/live`);
  const refused = await fetch(url + inferPath, { method: 'POST', body });
  assert.equal(refused.status, 429);
  assert.match(JSON.stringify(await refused.json()), /at most 1 requests at the same time/);
  open.socket.write(infer.slice(-1));
  while (!open.text().includes('200')) await once(open.socket, 'data');
  open.socket.destroy();
  await stillAnswers(url);
});

test('an endpoint that asks for keys answers those that fit, in the shape of each protocol', async (t) => {
  const { url, replica, route } = await serving(t, {}, { requireKey: true });
  const key = (
    name: string,
    scope: { endpoints?: string[]; actions?: ('predict' | 'inspect')[]; expiresAtMs?: number },
  ) => ({
    digest: digestOfKey(name),
    endpoints: scope.endpoints ?? null,
    actions: scope.actions ?? ['predict' as const],
    expiresAtMs: scope.expiresAtMs ?? null,
  });
  await replica.applyRoutes({
    ...tableOf(route),
    keys: [
      key('good', {}),
      key('elsewhere', { endpoints: ['other'] }),
      key('looker', { actions: ['inspect'] }),
      key('old', { expiresAtMs: 1 }),
    ],
  });
  const post = (path: string, headers: Record<string, string>) =>
    fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  const missing = await post(inferPath, {});
  assert.equal(missing.status, 401);
  assert.match(missing.headers.get('www-authenticate') ?? '', /Bearer/);
  assert.match(((await missing.json()) as { error: string }).error, /asks for a key/);
  const scoring = await post('/invocations', {});
  assert.equal(((await scoring.json()) as { error_code: string }).error_code, 'UNAUTHENTICATED');
  for (const wrong of ['unknown', 'old']) {
    assert.equal((await post(inferPath, { authorization: `Bearer ${wrong}` })).status, 401, wrong);
  }
  for (const wrong of ['elsewhere', 'looker']) {
    assert.equal((await post(inferPath, { 'x-api-key': wrong })).status, 403, wrong);
  }
  assert.equal((await post(inferPath, { authorization: 'Bearer good' })).status, 200);
  assert.equal((await post(inferPath, { 'x-api-key': 'good' })).status, 200);
  assert.equal((await fetch(`${url}/v2/models/test`)).status, 401);
  assert.equal((await fetch(`${url}/v2/models/test`, { headers: { 'x-api-key': 'looker' } })).status, 200);
  assert.equal((await fetch(`${url}/v2/health/ready`)).status, 200, 'health asks for no key');
  // Lists tell of what the caller may see.
  const lists = async (headers: Record<string, string>) => {
    const json = async (path: string, method = 'GET') =>
      (await fetch(url + path, { method, headers })).json() as Promise<unknown>;
    const stats = (await json('/v2/models/stats')) as { model_stats: { name: string }[] };
    const page = await (await fetch(`${url}/v2/docs`, { headers })).text();
    return [
      ...[await json('/v2/models'), await json('/v1/models')],
      stats.model_stats.map((entry) => entry.name),
      ((await json('/v2/repository/index', 'POST')) as { name: string }[]).map((entry) => entry.name),
      page.includes('/v2/models/test/docs'),
    ];
  };
  const nothing = [{ models: [] }, { models: [] }, [], [], false];
  for (const wrong of ['unknown', 'old', 'elsewhere'])
    assert.deepEqual(await lists({ 'x-api-key': wrong }), nothing, wrong);
  assert.deepEqual(await lists({}), nothing);
  assert.deepEqual(await lists({ 'x-api-key': 'looker' }), [
    ...[{ models: ['test'] }, { models: ['test'] }],
    ...[['test'], ['test'], true],
  ]);
  assert.match(await (await fetch(`${url}/metrics`)).text(), /endpoint="test"/, 'scraped as it is set up');
  await replica.applyRoutes(tableOf(route));
  assert.equal(
    (await post(inferPath, { 'x-api-key': 'good' })).status,
    401,
    'a key that is gone is refused at once',
  );
});

test('metrics ask for a key that opens all endpoints where they are told to', async (t) => {
  const { replica } = await serving(t);
  replica.keyRing.set([
    { digest: digestOfKey('scraper'), endpoints: null, actions: ['inspect'], expiresAtMs: null },
    { digest: digestOfKey('caller'), endpoints: ['test'], actions: ['predict'], expiresAtMs: null },
  ]);
  const server = new InferenceServer({
    replica,
    metrics: new Registry('serve'),
    logger: createLogger('serve', 'silent'),
    version: '0',
    admission: new Admission(replica.plane, replica.keyRing, undefined, true),
    http: { drainMs: 0 },
  });
  const url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0, '--serve-port')}`;
  t.after(() => server.close());
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${url}/metrics`, { headers })).status;
  assert.equal(await status({}), 401);
  assert.equal(await status({ authorization: 'Bearer caller' }), 403);
  assert.equal(await status({ authorization: 'Bearer scraper' }), 200);
});

test('draining: what comes on open connections is answered and ends them', async (t) => {
  const { url, stop } = await serving(t, { http: { drainMs: 5000 } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = () =>
    new Promise<{ status: number | undefined; connection: string | undefined }>((resolve, reject) => {
      const sent = httpRequest(url + inferPath, { method: 'POST', agent }, (answer) => {
        answer
          .resume()
          .on('end', () => resolve({ status: answer.statusCode, connection: answer.headers.connection }));
      });
      sent.on('error', reject).end(body);
    });
  assert.deepEqual(await call(), { status: 200, connection: 'keep-alive' });
  const stopped = stop();
  assert.deepEqual(await call(), { status: 200, connection: 'close' });
  await stopped;
  await assert.rejects(fetch(url));
});

test('a connection over which nothing has come keeps no server from stopping', async (t) => {
  const { url, stop } = await serving(t);
  const { hostname, port } = new URL(url);
  const early = connect(Number(port), hostname);
  t.after(() => early.destroy());
  await once(early, 'connect');
  await stillAnswers(url);
  const ended = once(early, 'close');
  early.on('error', () => {});
  await stop();
  await ended;
});

test('a request of which the rest does not come holds up a stop for a while only; whole ones are answered', async (t) => {
  const { url, stop } = await serving(t, { http: { halfSentMs: 2000 } });
  const [half, headers, late] = [dial(url), dial(url), dial(url)];
  for (const { socket } of [half, headers, late]) await once(socket, 'connect');
  half.socket.write(infer.slice(0, -5));
  headers.socket.write(infer.slice(0, 30));
  late.socket.write(infer.slice(0, -1));
  await stillAnswers(url);
  const stopped = stop();
  while (
    await fetch(url).then(
      () => true,
      () => false,
    )
  ) {}
  late.socket.write(infer.slice(-1));
  assert.deepEqual(statuses(await late.ended), ['200'], 'its rest came in time');
  const cut = await half.ended;
  assert.match(cut, /^HTTP\/1\.1 408 .*request_too_slow/s);
  assert.equal(await headers.ended, '');
  await stopped;
});

test('the counters of other servers are there, with one series a version', async (t) => {
  const { url } = await serving(t);
  for (let i = 0; i < 3; i++) await stillAnswers(url);
  await fetch(url + inferPath, { method: 'POST', body: '{}' });
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (line: RegExp) => Number(line.exec(text)?.[1]);
  assert.equal(value(/^nv_inference_request_success\{model="test",version="1",role="serve"\} (\d+)/m), 3);
  assert.equal(value(/^nv_inference_count\{model="test",version="1",role="serve"\} (\d+)/m), 3);
  assert.equal(value(/^nv_inference_request_failure\{model="test",version="1",role="serve"\} (\d+)/m), 1);
  assert.ok(value(/^nv_inference_request_duration_us\{.*\} ([\d.]+)/m) > 0);
  assert.match(text, /^# TYPE request_predict_seconds histogram$/m);
  assert.equal(value(/^request_predict_seconds_count\{model_name="test",role="serve"\} (\d+)/m), 3);
  assert.equal(
    value(/^request_predict_seconds_bucket\{model_name="test",le="\+Inf",role="serve"\} (\d+)/m),
    3,
  );
  assert.equal(
    value(/^nv_inference_pending_request_count\{model="test",version="1",role="serve"\} (\d+)/m),
    0,
  );
});

test('the counters of the cache are there where there is one', async (t) => {
  const metricsOf = async (options: Partial<EndpointOptions>) => {
    const { url } = await serving(t, {}, options);
    for (let i = 0; i < 3; i++) await stillAnswers(url);
    return (await fetch(`${url}/metrics`)).text();
  };
  const text = await metricsOf({ cache: { maxEntries: 9, maxAgeMs: null } });
  assert.match(text, /^nv_cache_num_hits_per_model\{model="test",version="1",role="serve"\} 2$/m);
  assert.match(text, /^nv_cache_num_misses_per_model\{model="test",version="1",role="serve"\} 1$/m);
  for (const kind of ['hit', 'miss']) {
    const duration = new RegExp(`^nv_cache_${kind}_duration_per_model\\{.*\\} (?!0$)[\\d.]+$`, 'm');
    assert.match(text, duration);
  }
  assert.doesNotMatch(await metricsOf({}), /^nv_cache/m);
});

test('sums without versions do not fall when a version is no longer routed', async (t) => {
  const { url, replica, route } = await serving(t);
  await stillAnswers(url);
  const arms = route.arms.map((arm) => ({ ...arm, modelVersion: '2' }));
  await replica.applyRoutes(tableOf({ ...route, arms, routeVersion: route.routeVersion + 1 }));
  await stillAnswers(url);
  const text = await (await fetch(`${url}/metrics`)).text();
  assert.doesNotMatch(text, /^nv_inference_count\{model="test",version="1"/m);
  assert.match(text, /^request_predict_seconds_count\{model_name="test",role="serve"\} 2$/m);
  const buckets = /^request_predict_seconds_bucket\{model_name="test",le="([^"]+)",role="serve"\} (\d+)$/gm;
  const counts = [...text.matchAll(buckets)].map(([, , count]) => Number(count));
  assert.equal(counts.length, 18);
  assert.deepEqual(
    counts,
    [...counts].sort((x, y) => x - y),
  );
  assert.equal(counts.at(-1), 2);
});

test('a request of a trace is answered under a span of its own, logged with the trace, and told to the collector', async (t) => {
  const spans = new SpanExporter({
    url: 'http://127.0.0.1:1',
    headers: {},
    serviceName: 'x',
    onProblem: () => undefined,
  });
  const ended: EndedSpan[] = [];
  spans.add = (span) => ended.push(span);
  t.after(() => spans.close());
  const { url, directory } = await serving(t, { spans });
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const ask = async (traceparent: string, text = body) => {
    const answer = await fetch(url + inferPath, { method: 'POST', body: text, headers: { traceparent } });
    await answer.text();
    return answer.headers.get('traceparent');
  };
  const told = await ask(`00-${trace}-b7ad6b7169203331-01`);
  assert.match(told ?? '', new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  assert.notEqual(told?.slice(36, 52), 'b7ad6b7169203331');
  assert.match((await ask(`00-${trace}-b7ad6b7169203331-00`, '{')) ?? '', /-00$/);
  assert.equal(await ask('nonsense'), null);
  const rows = await unshippedRows(directory, 'test');
  assert.deepEqual(
    rows.map((row) => row.trace_id ?? null),
    [trace, trace, null],
  );
  while (ended.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ended.length, 1, 'a trace that the caller does not record is not recorded');
  assert.equal(ended[0]?.context.spanId, told?.slice(36, 52));
  assert.equal(ended[0]?.parentSpanId, 'b7ad6b7169203331');
  assert.equal(ended[0]?.attributes['http.response.status_code'], 200);
});
