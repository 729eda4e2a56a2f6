import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../../platform/log/index.ts';
import { BodyRoom } from '../body-room.ts';
import { frameOf } from './framing.ts';
import type { Methods, StreamCall, StreamMethod, UnaryMethod } from './methods.ts';
import { GrpcServer } from './server.ts';
import { grpcStatus } from './status.ts';
import { collect, RawClient } from './testing.ts';

const codec = { decode: () => ({}), encode: () => new Uint8Array(0) };
const codecs = { request: codec, response: codec };
const bodyBytes = 1024 * 1024;
const whole = frameOf(Buffer.alloc(0));
const half = frameOf(Buffer.alloc(bodyBytes)).subarray(0, bodyBytes / 2);

test('a call whose message is not whole in time ends, and what it held is free; others go on', async (t) => {
  const late = Promise.withResolvers<void>();
  const echo = async (call: StreamCall) => {
    for await (const message of call.messages) await call.send(message);
  };
  const slow = async () => {
    await late.promise;
    return {};
  };
  const methods: Methods = new Map<string, UnaryMethod | StreamMethod>([
    ['/test/Unary', { kind: 'unary', answer: slow, ...codecs }],
    ['/test/Stream', { kind: 'stream', run: echo, ...codecs }],
  ]);
  const bodyRoom = new BodyRoom(3 * bodyBytes, '--serve-bodies-limit');
  const logger = createLogger('serve', 'silent');
  const server = new GrpcServer({ methods, logger, bodyRoom, requestTimeoutMs: 100, drainMs: 10 });
  const client = new RawClient(`127.0.0.1:${await server.listen('127.0.0.1', 0, '--grpc-port')}`);
  t.after(async () => {
    client.close();
    await server.close();
  });
  const open = (path: string) =>
    client.session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });

  const computed = client.call('/test/Unary', whole);
  const idle = open('/test/Stream');
  const [unary, stream] = [open('/test/Unary'), open('/test/Stream')];
  unary.write(half);
  stream.write(Buffer.concat([whole, half]));
  const [ofUnary, ofStream] = await Promise.all([collect(unary), collect(stream)]);

  for (const { status, message, headers, trailers } of [ofUnary, ofStream]) {
    assert.equal(status, grpcStatus.deadlineExceeded);
    assert.match(message, /not complete in time.*--serve-request-timeout/);
    assert.equal({ ...headers, ...trailers }['x-millrace-error'], 'request_too_slow');
  }
  assert.equal(ofStream.messages.length, 1, 'the message before is answered');
  assert.equal(bodyRoom.usedBytes, 0);

  late.resolve();
  assert.equal((await computed).status, grpcStatus.ok, 'what is computed has its own time');
  idle.end(whole);
  assert.equal((await collect(idle)).status, grpcStatus.ok, 'a stream may be silent between messages');
});
