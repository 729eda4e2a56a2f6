import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../../platform/log/index.ts';
import { frameOf } from './framing.ts';
import type { Methods } from './methods.ts';
import { GrpcServer } from './server.ts';
import { grpcStatus } from './status.ts';
import { RawClient } from './testing.ts';

const answerBytes = 40 * 1024 * 1024;
const windowBytes = 2 ** 30;
const pieceBytes = 512 * 1024;

test('who reads its answer slowly gets all of it from a server that closes', async (t) => {
  const bytes = Buffer.alloc(answerBytes);
  const request = { decode: () => ({}), encode: () => new Uint8Array(0) };
  const response = { decode: () => ({}), encode: () => bytes };
  const methods: Methods = new Map([
    ['/test/Large', { kind: 'unary', answer: () => ({}), request, response } as const],
  ]);
  const server = new GrpcServer({ methods, logger: createLogger('serve', 'silent'), drainMs: 50 });
  const port = await server.listen('127.0.0.1', 0, '--grpc-port');
  // A slow line: HTTP/2 gives room for all of it, TCP does not.
  const line = createServer({ pauseOnConnect: true }, async (near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far);
    for await (const piece of far) {
      near.write(piece);
      await sleep((20 * piece.length) / pieceBytes);
    }
    near.end();
  });
  t.after(() => line.close());
  line.listen(0, '127.0.0.1');
  await once(line, 'listening');
  const client = new RawClient(`127.0.0.1:${(line.address() as AddressInfo).port}`);
  client.session.settings({ initialWindowSize: windowBytes });
  await once(client.session, 'localSettings');
  client.session.setLocalWindowSize(windowBytes);
  const headers = { ':method': 'POST', ':path': '/test/Large', 'content-type': 'application/grpc' };
  const call = client.session.request(headers);
  call.end(frameOf(Buffer.alloc(0)));
  await once(call, 'response');
  const closed = server.close();
  let status: unknown;
  call.on('trailers', (trailers) => {
    status = trailers['grpc-status'];
  });
  let received = 0;
  call.on('data', (piece: Buffer) => {
    received += piece.length;
  });
  await once(call, 'close').catch(() => undefined);
  assert.deepEqual([received, status], [answerBytes + 5, String(grpcStatus.ok)]);
  client.close();
  await closed;
});
