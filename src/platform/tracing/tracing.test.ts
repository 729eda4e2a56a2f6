import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { childOf, exporterOf, formatTraceparent, parseTraceparent } from './index.ts';

const header = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('trace contexts are read as W3C has them, and others are as good as none', () => {
  assert.deepEqual(parseTraceparent(header), {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    sampled: true,
  });
  assert.equal(formatTraceparent(parseTraceparent(header) ?? assert.fail()), header);
  assert.equal(parseTraceparent(header.replace(/01$/, '00'))?.sampled, false);
  assert.equal(
    parseTraceparent(`${header.replace(/^00/, '01')}-more`)?.sampled,
    true,
    'later versions have more',
  );
  const wrong = [
    undefined,
    '',
    'nonsense',
    header.toUpperCase(),
    `${header}-more`,
    header.replace(/^00/, 'ff'),
    header.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)),
    header.replace('b7ad6b7169203331', '0'.repeat(16)),
  ];
  for (const text of wrong) assert.equal(parseTraceparent(text), null, text);
  const parent = parseTraceparent(header) ?? assert.fail();
  const child = childOf(parent);
  assert.equal(child.traceId, parent.traceId);
  assert.notEqual(child.spanId, parent.spanId);
});

test('spans go to the collector in OTLP; one that is away costs spans and nothing else', async (t) => {
  const got: { url: string | undefined; key: unknown; body: unknown }[] = [];
  const collector = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      got.push({ url: request.url, key: request.headers['x-key'], body: JSON.parse(text) });
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  t.after(() => collector.close());
  const address = collector.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const problems: unknown[] = [];
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b',
  };
  const exporter = exporterOf(env, 'serve', (error) => problems.push(error)) ?? assert.fail();
  const parent = parseTraceparent(header) ?? assert.fail();
  const span = {
    context: childOf(parent),
    parentSpanId: parent.spanId,
    name: 'POST /infer',
    startMs: 1_700_000_000_000.25,
    endMs: 1_700_000_000_001.5,
    attributes: { 'http.response.status_code': 200 },
    error: null,
  };
  exporter.add(span);
  await exporter.close();
  assert.equal(got[0]?.url, '/v1/traces');
  assert.equal(got[0]?.key, 'a b');
  const body = got[0]?.body as { resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[] };
  const sent = body.resourceSpans[0]?.scopeSpans[0]?.spans[0];
  assert.equal(sent?.traceId, parent.traceId);
  assert.equal(sent?.parentSpanId, parent.spanId);
  assert.equal(sent?.startTimeUnixNano, '1700000000000250000');
  assert.equal(sent?.endTimeUnixNano, '1700000000001500000');

  const away = exporterOf(
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1/v1/traces' },
    'serve',
    (error) => problems.push(error),
  );
  for (let i = 0; i < 5000; i++) away?.add(span);
  await away?.close();
  assert.equal(away?.dropped, 5000);
  assert.ok(problems.length > 0);
  assert.equal(
    exporterOf({}, 'serve', () => undefined),
    null,
  );
});
