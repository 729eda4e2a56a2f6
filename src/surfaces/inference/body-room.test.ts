import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startTestServing, storePackage, tableOf, testRoute } from '../../../test/support/serving.ts';
import { MillraceError } from '../../core/errors.ts';
import { createLogger } from '../../platform/log/index.ts';
import { Registry } from '../../platform/metrics/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import { BodyRoom } from './body-room.ts';
import { inferPath as grpcInferPath, RawClient } from './grpc/testing.ts';
import { createGrpcServer } from './index.ts';

const megabyte = 1024 * 1024;
const setting = '--serve-bodies-limit';
const inferPath = '/v2/models/test/infer';
const small = JSON.stringify({
  inputs: ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [1, 1], data: [1] })),
});
const large = small.padEnd(megabyte);

async function serving(t: TestContext, bodyRoom: BodyRoom) {
  const { blobs, replica, url } = await startTestServing(t, { server: { bodyRoom } });
  const digest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  await replica.applyRoutes(tableOf(testRoute(digest)));
  return { url, replica };
}

/** Says that a body of a megabyte comes, sends its first half, and waits until the server has asked for it. */
async function sendHalf(url: string) {
  const sent = request(url + inferPath, {
    method: 'POST',
    headers: { 'content-length': large.length, expect: '100-continue' },
  });
  sent.flushHeaders();
  sent.on('error', () => undefined);
  await new Promise((resolve) => sent.once('continue', resolve));
  sent.write(large.slice(0, large.length / 2));
  const status = new Promise<number | undefined>((resolve) =>
    sent.once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    }),
  );
  return { sent, status };
}

async function freed(room: BodyRoom): Promise<void> {
  while (room.usedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
}

test('a room for bodies is full for the next, but not for one that is alone or small', () => {
  const room = new BodyRoom(2 * megabyte, setting);
  const [first, second, third] = [room.share(), room.share(), room.share()];
  first.hold(1.5 * megabyte);
  second.hold(0.5 * megabyte);
  third.hold(200_000);
  assert.equal(room.usedBytes, 2 * megabyte);
  assert.throws(
    () => second.hold(megabyte),
    (error: MillraceError) =>
      error instanceof MillraceError &&
      error.status === 503 &&
      /1\.0 MB.*1\.5 MB of the 2\.0 MB.*--serve-bodies-limit/.test(error.message),
  );
  first.leave();
  assert.equal(room.usedBytes, 0.5 * megabyte, 'what was refused holds what it held');
  second.hold(10 * megabyte);
  second.leave();
  assert.equal(room.usedBytes, 0);
});

test('large bodies that come slowly take the room until they are answered or gone; small ones need none', async (t) => {
  const room = new BodyRoom(2 * megabyte, setting);
  const { url } = await serving(t, room);
  const halves = [await sendHalf(url), await sendHalf(url)];
  const refused = await fetch(url + inferPath, { method: 'POST', body: large });
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
  assert.equal(refused.headers.get('x-millrace-error'), 'bodies_full');
  assert.match(((await refused.json()) as { error: string }).error, /--serve-bodies-limit/);
  const unsaid = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(large));
      controller.close();
    },
  });
  const chunked = await fetch(url + inferPath, { method: 'POST', body: unsaid, duplex: 'half' });
  assert.equal(chunked.status, 503, 'a body whose length is not said counts as it comes');
  const bomb = { method: 'POST', body: gzipSync(large), headers: { 'content-encoding': 'gzip' } };
  assert.equal((await fetch(url + inferPath, bomb)).status, 503, 'a packed body counts unpacked');
  assert.equal((await fetch(url + inferPath, { method: 'POST', body: small })).status, 200);

  halves[0]?.sent.end(large.slice(large.length / 2));
  assert.equal(await halves[0]?.status, 200);
  halves[1]?.sent.destroy();
  await freed(room);
  assert.equal((await fetch(url + inferPath, bomb)).status, 200);
  await freed(room);
});

test('messages of gRPC share the room, expanded ones by what they come to, and more than one ends a unary call', async (t) => {
  const room = new BodyRoom(megabyte, setting);
  const { url, replica } = await serving(t, room);
  const metrics = new Registry('serve');
  const logger = createLogger('serve', 'silent');
  const server = await createGrpcServer({ replica, metrics, logger, version: '0', bodyRoom: room });
  const client = new RawClient(`127.0.0.1:${await server.listen('127.0.0.1', 0, '--grpc-port')}`);
  t.after(async () => {
    client.session.destroy();
    await server.close();
  });
  const half = await sendHalf(url);
  const prefixed = (bytes: Buffer, flag: number) => {
    const prefix = Buffer.from([flag, 0, 0, 0, 0]);
    prefix.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([prefix, bytes]);
  };
  const unknownField = Buffer.concat([Buffer.from([0x82, 0x7d, 0x80, 0x80, 0x40]), Buffer.alloc(megabyte)]);
  for (const [message, metadata] of [
    [prefixed(unknownField, 0), {}],
    [prefixed(gzipSync(unknownField), 1), { 'grpc-encoding': 'gzip' }],
  ] as const) {
    const answer = await client.call(grpcInferPath, message, metadata);
    assert.equal(answer.status, 14, answer.message);
    assert.match(answer.message, /--serve-bodies-limit/);
  }
  half.sent.destroy();
  await freed(room);
  const alone = await client.call(grpcInferPath, prefixed(unknownField, 0), {});
  assert.doesNotMatch(alone.message, /--serve-bodies-limit/);

  const stream = client.session.request({
    ':method': 'POST',
    ':path': grpcInferPath,
    'content-type': 'application/grpc',
  });
  stream.on('error', () => undefined);
  const headers = new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
  stream.write(Buffer.concat([prefixed(Buffer.alloc(0), 0), prefixed(Buffer.alloc(0), 0)]));
  assert.equal((await headers)['grpc-status'], '3', 'told before the caller ends what it sends');
  await freed(room);
});
