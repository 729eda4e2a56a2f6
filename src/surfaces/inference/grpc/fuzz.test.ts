import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestGrpc } from '../../../../test/support/grpc.ts';
import { storePackage, tableOf, testRoute } from '../../../../test/support/serving.ts';
import { createRng, type Rng } from '../../../core/rng.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';
import { FrameReader, frameOf } from './framing.ts';
import { GrpcError, grpcStatus } from './status.ts';
import { inferPath, protoCodec, RawClient, streamPath } from './testing.ts';

const codec = protoCodec();
const limitBytes = 10_000;

const bytesOf = (random: Rng, length: number) => Buffer.from(Array.from({ length }, () => random.int(256)));

/** Some bytes changed, cut out, put in or doubled. */
function mutated(random: Rng, bytes: Buffer): Buffer {
  let made = Buffer.from(bytes);
  for (let changes = 1 + random.int(4); changes > 0; changes--) {
    const at = random.int(made.length + 1);
    switch (random.int(4)) {
      case 0:
        if (at < made.length) made[at] = random.int(256);
        break;
      case 1:
        made = Buffer.concat([made.subarray(0, at), made.subarray(at + random.int(8))]);
        break;
      case 2:
        made = Buffer.concat([made.subarray(0, at), bytesOf(random, random.int(8)), made.subarray(at)]);
        break;
      default:
        made = Buffer.concat([made.subarray(0, at), made]);
    }
  }
  return made;
}

test('frames come out as they went in, however the bytes are cut', () => {
  const random = createRng(1);
  for (let round = 0; round < 300; round++) {
    const messages = Array.from({ length: random.int(6) }, () => bytesOf(random, random.int(200)));
    const bytes = Buffer.concat(messages.map((message) => frameOf(message, random.next() < 0.5)));
    const reader = new FrameReader(limitBytes);
    const got: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random.int(50);
      got.push(...reader.push(bytes.subarray(at, end)).map((frame) => frame.bytes));
      at = end;
    }
    assert.deepEqual(got, messages);
    assert.ok(reader.empty);
  }
});

test('bytes that are no frames end in an error or in nothing, and hold no more than what came', () => {
  const random = createRng(2);
  for (let round = 0; round < 2000; round++) {
    const reader = new FrameReader(limitBytes);
    let left = 300;
    try {
      while (left > 0) {
        const part = bytesOf(random, 1 + random.int(40));
        left -= part.length;
        for (const frame of reader.push(part)) assert.ok(frame.bytes.length <= limitBytes);
      }
    } catch (error) {
      assert.ok(error instanceof GrpcError, String(error));
    }
  }
});

test('broken messages get a status of the caller’s fault, and the server goes on', async (t) => {
  const { blobs, replica, grpcAddress } = await startTestGrpc(t, { bodyLimitBytes: limitBytes });
  const digest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  await replica.applyRoutes(tableOf(testRoute(digest)));
  const client = new RawClient(grpcAddress);
  t.after(() => client.close());
  const raw = Buffer.from(Float64Array.from([0.5]).buffer);
  const tensor = (name: string) => ({ name, datatype: 'FP64', shape: [1, 1] });
  const typed = { ...tensor('x1'), contents: { fp64_contents: [0.5] } };
  const parameters = {
    entity: { string_param: 'UA1' },
    __proto__: { int64_param: 1 },
    timeout: { uint64_param: 60_000_000 },
  };
  const seeds = [
    { model_name: 'test', inputs: [tensor('x1'), tensor('x2')], raw_input_contents: [raw, raw], parameters },
    { model_name: 'test', model_version: '1', inputs: [typed, { ...typed, name: 'x2' }], parameters },
  ].map((message) => codec.encode('ModelInferRequest', message));
  const valid = frameOf(seeds[0]!);
  const random = createRng(3);
  const fair = new Set<number>([
    grpcStatus.ok,
    grpcStatus.invalidArgument,
    grpcStatus.notFound,
    grpcStatus.resourceExhausted,
    // A timeout parameter that came out short.
    grpcStatus.deadlineExceeded,
  ]);
  for (let round = 0; round < 20; round++) {
    const broken = Array.from({ length: 40 }, (_, i) => mutated(random, seeds[i % 2]!));
    const answers = await Promise.all(broken.map((bytes) => client.call(inferPath, frameOf(bytes))));
    for (const [i, { status, message }] of answers.entries()) {
      assert.ok(fair.has(status), `${status} ${message}: ${broken[i]!.toString('hex')}`);
    }
  }
  // Broken framing may be told as an internal error, as gRPC has it; nothing else may happen.
  for (let round = 0; round < 10; round++) {
    const broken = Array.from({ length: 20 }, () => mutated(random, valid));
    const paths = [inferPath, streamPath];
    const answers = await Promise.all(broken.map((bytes, i) => client.call(paths[i % 2]!, bytes)));
    for (const { status, message } of answers) {
      assert.ok(fair.has(status) || status === grpcStatus.internal, `${status} ${message}`);
    }
  }
  assert.equal((await client.call(inferPath, valid)).status, grpcStatus.ok);
});
