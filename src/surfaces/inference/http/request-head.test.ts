import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestHeads } from './request-head.ts';

const plain = ['POST /v2/models/a/infer HTTP/1.1', 'Host: x', 'Content-Length: 12', 'X-Entity:  u 1\t'];

test('a plain head is read: names in lower case, values without the space around them', () => {
  const heads = new RequestHeads();
  const head = heads.read(plain.join('\r\n'));
  assert.deepEqual(head, {
    method: 'POST',
    path: '/v2/models/a/infer',
    headers: { host: 'x', 'content-length': '12', 'x-entity': 'u 1' },
    bodyBytes: 12,
    closes: false,
  });
  assert.equal(heads.read(plain.join('\r\n')), head, 'looked up the second time');
  assert.equal(heads.read('GET /v2 HTTP/1.1\r\nhost: x\r\nConnection: Keep-Alive')?.bodyBytes, 0);
  assert.equal(heads.read('GET /v2 HTTP/1.1\r\nhost: x\r\nConnection: close')?.closes, true);
});

test('whatever two parsers could read in two ways is left to the complete one', () => {
  const heads = new RequestHeads();
  const withLine = (line: string) => [...plain, line].join('\r\n');
  const instead = (line: string) => [line, ...plain.slice(1)].join('\r\n');
  const without = (name: string) => plain.filter((line) => !line.startsWith(name)).join('\r\n');
  const strange: Readonly<Record<string, string>> = {
    'a second length': withLine('content-length: 13'),
    'the same length twice': withLine('Content-Length: 12'),
    'a list of lengths': plain.join('\r\n').replace('12', '12, 12'),
    'a signed length': plain.join('\r\n').replace('12', '+12'),
    'a length in hexadecimal': plain.join('\r\n').replace('12', '0x12'),
    'no length': without('Content-Length'),
    chunks: withLine('Transfer-Encoding: chunked'),
    'chunks in disguise': withLine('transfer-encoding:\tchunked'),
    'a space before the colon': withLine('transfer-encoding : chunked'),
    'a folded line': withLine(' folded'),
    'a bare line feed': withLine('a: b\nc: d'),
    'a bare carriage return': withLine('a: b\rc: d'),
    'a zero byte': withLine('a: b\0'),
    'no colon': withLine('transfer-encoding chunked'),
    'an empty name': withLine(': b'),
    'two hosts': withLine('host: y'),
    'no host': without('Host'),
    'a connection that is named': withLine('Connection: keep-alive, x-entity'),
    'an upgrade': withLine('Upgrade: h2c'),
    'an expectation': withLine('Expect: 100-continue'),
    'a trace': withLine('traceparent: 00-0-0-01'),
    'letters beyond ASCII': withLine('a: \u00e9'),
    'HTTP/1.0': instead('POST /v2/models/a/infer HTTP/1.0'),
    'a query': instead('POST /v2/models/a/infer?x=1 HTTP/1.1'),
    'a fragment': instead('POST /v2/models/a/infer#x HTTP/1.1'),
    'an absolute target': instead('POST http://x/v2/models/a/infer HTTP/1.1'),
    'two spaces': instead('POST  /v2/models/a/infer HTTP/1.1'),
    'another method': instead('PUT /v2/models/a/infer HTTP/1.1'),
    'a method in lower case': instead('post /v2/models/a/infer HTTP/1.1'),
    'a GET with a body': instead('GET /v2 HTTP/1.1'),
    nothing: '',
  };
  for (const [name, text] of Object.entries(strange)) assert.equal(heads.read(text), null, name);
});
