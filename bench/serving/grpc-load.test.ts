import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createLogger } from '../../src/platform/log/index.ts';
import { GrpcServer } from '../../src/surfaces/inference/grpc/server.ts';
import { GrpcError, grpcStatus } from '../../src/surfaces/inference/grpc/status.ts';
import { runGrpcLoad } from './grpc-load.ts';

const bytes = {
  decode: (message: Uint8Array) => message,
  encode: (message: object) => message as Uint8Array,
};

async function echo(t: TestContext): Promise<{ url: string; calls: () => number }> {
  let calls = 0;
  const answer = (message: object) => {
    calls += 1;
    if ((message as Uint8Array)[0] === 1) throw new GrpcError(grpcStatus.invalidArgument, 'one');
    return message;
  };
  const methods = new Map([
    ['/test/Echo', { kind: 'unary', request: bytes, response: bytes, answer } as const],
  ]);
  const server = new GrpcServer({ methods, logger: createLogger('serve', 'silent') });
  const port = await server.listen('127.0.0.1', 0, '--grpc-port');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${port}`, calls: () => calls };
}

test('calls are sent on every stream of every connection, and those that fail are counted', async (t) => {
  const { url, calls } = await echo(t);
  const messages = [0, 1, 2, 3].map((first) => Buffer.from([first, 0, 0]).toString('base64'));
  const plan = {
    url,
    path: '/test/Echo',
    messages,
    connections: 3,
    streams: 2,
    warmUpMs: 500,
    durationMs: 1000,
  };
  const result = await runGrpcLoad(plan);
  assert.ok(result.requests >= 8, `${result.requests} requests`);
  assert.ok(result.requests <= calls(), 'each was answered by the server');
  const failed = result.failures.error ?? 0;
  assert.ok(failed > 0 && failed <= result.requests / 2, `${failed} of ${result.requests} failed`);
  assert.equal(result.failures.broken, undefined);
  assert.ok(result.latencyMs.p50 > 0 && result.latencyMs.p50 <= result.latencyMs.max);
});

test('calls that nobody knows are errors, and an address that nobody answers at ends the load', async (t) => {
  const { url } = await echo(t);
  const plan = { url, path: '/test/Other', messages: ['AA=='], connections: 1, durationMs: 1000 };
  const result = await runGrpcLoad(plan);
  assert.equal(result.failures.error, result.requests);
  await assert.rejects(runGrpcLoad({ ...plan, url: 'http://127.0.0.1:1' }), /exit code 1/);
});
