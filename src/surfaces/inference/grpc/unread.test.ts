import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createLogger } from '../../../platform/log/index.ts';
import { frameOf } from './framing.ts';
import type { Methods, StreamMethod, UnaryMethod } from './methods.ts';
import { GrpcServer } from './server.ts';
import { grpcStatus } from './status.ts';
import { RawClient } from './testing.ts';

const request = { decode: () => ({}), encode: () => new Uint8Array(0) };
const smallBytes = 1000;
const largeBytes = 100 * 1024 * 1024;

test('answers that nobody reads leave no room for others on their connection, and cost none of those there', async (t) => {
  const large = Buffer.alloc(largeBytes);
  const answerOf = (bytes: Buffer) => ({ decode: () => ({}), encode: () => bytes });
  const answer = () => ({});
  const stream = async (call: Parameters<StreamMethod['run']>[0]) => {
    for await (const message of call.messages) await call.send(message);
  };
  const methods: Methods = new Map<string, UnaryMethod | StreamMethod>([
    ['/test/Large', { kind: 'unary', answer, request, response: answerOf(large) }],
    ['/test/Small', { kind: 'unary', answer, request, response: answerOf(Buffer.alloc(smallBytes)) }],
    ['/test/Stream', { kind: 'stream', run: stream, request, response: answerOf(large) }],
  ]);
  const server = new GrpcServer({ methods, logger: createLogger('serve', 'silent'), drainMs: 10 });
  const client = new RawClient(`127.0.0.1:${await server.listen('127.0.0.1', 0, '--grpc-port')}`);
  t.after(async () => {
    client.close();
    await server.close();
  });
  const headers = { ':method': 'POST', 'content-type': 'application/grpc' };
  const body = frameOf(Buffer.alloc(0));
  const open = async (path: string) => {
    const call = client.session.request({ ':path': path, ...headers });
    call.end(body);
    await once(call, 'response');
    return call;
  };
  // Nothing of an answer is read before somebody listens to it.
  const first = await open('/test/Large');
  const second = await open('/test/Large');
  for (const path of ['/test/Large', '/test/Stream']) {
    const refused = await client.call(path, body);
    assert.deepEqual([refused.status, refused.messages.length], [grpcStatus.resourceExhausted, 0], path);
    assert.match(refused.message, /read them and call again/);
  }
  const small = await client.call('/test/Small', body);
  assert.deepEqual([small.status, small.messages[0]?.bytes.length], [grpcStatus.ok, smallBytes]);
  // Those that wait are still there, and what they took is free when they are gone.
  const [part] = await once(first, 'data');
  assert.ok(part.length > 0);
  for (const call of [first, second]) call.close();
  await open('/test/Large');
});
