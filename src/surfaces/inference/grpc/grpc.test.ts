import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { startTestGrpc } from '../../../../test/support/grpc.ts';
import { storePackage, tableOf, testRoute, unshippedRows } from '../../../../test/support/serving.ts';
import { defaultEndpointOptions, digestOfKey } from '../../../lifecycle/serving/index.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';
import { type EndedSpan, SpanExporter } from '../../../platform/tracing/index.ts';
import { frameOf } from './framing.ts';
import type { Methods, StreamCall, StreamMethod } from './methods.ts';
import { GrpcServer } from './server.ts';
import { grpcStatus } from './status.ts';
import { collect, inferPath, protoCodec, RawClient, streamPath } from './testing.ts';

const codec = protoCodec();
const emptyCodec = { decode: () => ({}), encode: () => new Uint8Array(0) };
const emptyCodecs = { request: emptyCodec, response: emptyCodec };

async function logistic(t: TestContext, options: Parameters<typeof startTestGrpc>[1] = {}) {
  const serving = await startTestGrpc(t, options);
  const digest = await storePackage(serving.blobs, logisticOnnx(), logisticPackage());
  await serving.replica.applyRoutes(tableOf(testRoute(digest)));
  const client = new RawClient(serving.grpcAddress);
  t.after(() => client.close());
  return { ...serving, client };
}

const doubles = (...values: number[]) => Buffer.from(Float64Array.from(values).buffer);
const input = (name: string, rows = 1) => ({ name, datatype: 'FP64', shape: [rows, 1] });
const request = (extra: object = {}) => ({
  model_name: 'test',
  id: 'a-1',
  inputs: [input('x1'), input('x2')],
  raw_input_contents: [doubles(0.5), doubles(0.25)],
  ...extra,
});
const infer = (extra: object = {}) => codec.frame('ModelInferRequest', request(extra));

test('a call is answered with raw outputs, its id, arm and version, and logged with entity and event time', async (t) => {
  const { client, directory } = await logistic(t);
  const parameters = { entity: { string_param: 'UA1' }, event_time: { int64_param: 981_000_000_000 } };
  const { status, headers, messages } = await client.call(inferPath, infer({ parameters }));
  assert.equal(status, grpcStatus.ok);
  assert.equal(headers['content-type'], 'application/grpc');
  const answer = codec.decode('ModelInferResponse', messages[0]!.bytes) as Record<string, never>;
  assert.equal(answer.id, 'a-1');
  assert.equal(answer.model_version, '1');
  assert.deepEqual(answer.parameters, {
    arm: { string_param: 'champion' },
    route_version: { int64_param: 1 },
  });
  const [label, probability] = answer.raw_output_contents as unknown as Buffer[];
  assert.equal(label!.readBigInt64LE(), 1n);
  assert.ok(Math.abs(probability!.readFloatLE(4) - 1 / (1 + Math.exp(-0.25))) < 1e-6);

  await client.call(inferPath, infer({ id: 'a-2' }), { 'x-millrace-entity': 'UA2' });
  const rows = await unshippedRows(directory, 'test');
  assert.deepEqual(
    rows.map((row) => [row.prediction_id, row.entity, row.status]),
    [
      ['a-1', 'UA1', 'ok'],
      ['a-2', 'UA2', 'ok'],
    ],
  );
  assert.equal(rows[0]!.event_time_ms, 981_000_000_000);
});

test('a call of a trace is a span below its caller, with its status, and is logged with the trace', async (t) => {
  const spans = new SpanExporter({
    url: 'http://127.0.0.1:1',
    headers: {},
    serviceName: 'x',
    onProblem: () => undefined,
  });
  const ended: EndedSpan[] = [];
  spans.add = (span) => ended.push(span);
  t.after(() => spans.close());
  const { client, directory } = await logistic(t, { spans });
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;
  await client.call(inferPath, infer(), { traceparent });
  await client.call(streamPath, Buffer.concat([infer({ id: 's-1' }), infer({ inputs: [] })]), {
    traceparent,
  });
  await client.call(inferPath, infer(), { traceparent: traceparent.replace(/01$/, '00') });
  await client.call(inferPath, infer(), { traceparent: 'nonsense' });
  const byStatus = ended.toSorted(
    (a, b) => Number(a.attributes['rpc.grpc.status_code']) - Number(b.attributes['rpc.grpc.status_code']),
  );
  assert.deepEqual(
    byStatus.map(({ name, parentSpanId, context, attributes, error }) => [
      name.split('/')[1],
      parentSpanId,
      context.traceId,
      attributes['rpc.grpc.status_code'],
      attributes['error.type'],
      error,
    ]),
    [
      ['ModelInfer', 'b7ad6b7169203331', trace, 0, undefined, null],
      ['ModelStreamInfer', 'b7ad6b7169203331', trace, 0, undefined, null],
      ['ModelStreamInfer', 'b7ad6b7169203331', trace, 3, 'request_malformed', null],
    ],
  );
  assert.equal(new Set(ended.map(({ context }) => context.spanId)).size, 3);
  const rows = await unshippedRows(directory, 'test');
  assert.deepEqual(
    rows.map((row) => row.trace_id ?? null),
    [trace, trace, trace, trace, null],
  );
});

test('wrong requests get one status that says it, and are in the log', async (t) => {
  const { client, directory } = await logistic(t);
  const { invalidArgument, notFound } = grpcStatus;
  const cases: [object, number, RegExp][] = [
    [{ model_name: 'other' }, notFound, /^Request for unknown model: 'other' is not found/],
    [{ model_version: '9' }, notFound, /version 9 is not found/],
    [{ inputs: [], raw_input_contents: [] }, invalidArgument, /has no inputs/],
    [{ raw_input_contents: [doubles(1)] }, invalidArgument, /2 inputs and 1 raw_input_contents/],
    [{ raw_input_contents: [doubles(1), doubles(1, 2)] }, invalidArgument, /Expected 8, got 16/],
    [{ inputs: [input('x1'), input('x2', 2)] }, invalidArgument, /Expected 16, got 8/],
    [{ inputs: [input('x1'), input('x1')] }, invalidArgument, /input 'x1' already exists in request/],
    [{ outputs: [{ name: 'label' }, { name: 'label' }] }, invalidArgument, /output 'label' already exists/],
    [
      { inputs: [input('x1'), { ...input('x2'), shape: [-1, 1] }] },
      invalidArgument,
      /shape \[-1, 1\] must be sizes/,
    ],
    [
      { inputs: [input('x1'), { ...input('x2'), datatype: 'FP99' }] },
      invalidArgument,
      /"FP99" is not a datatype/,
    ],
    [
      { inputs: [{ ...input('x1'), contents: { fp64_contents: [1] } }, input('x2')] },
      invalidArgument,
      /has contents, and the request has raw_input_contents/,
    ],
    [{ outputs: [{ name: 'logit' }] }, invalidArgument, /output "logit" does not exist/],
    [{ parameters: { event_time: { string_param: 'x' } } }, invalidArgument, /event_time/],
    [
      { parameters: { triton_final_response: { bool_param: true } } },
      invalidArgument,
      /reserved for Triton usage .* allowed: triton_enable_empty_final_response/,
    ],
  ];
  for (const [extra, status, message] of cases) {
    const answer = await client.call(inferPath, infer(extra));
    assert.deepEqual([answer.status, answer.messages.length], [status, 0], answer.message);
    assert.match(answer.message, message);
    assert.equal(typeof answer.headers['x-millrace-error'], 'string');
  }
  const rows = await unshippedRows(directory, 'test');
  assert.equal(rows.length, cases.length - 1, 'an unknown endpoint has no log');
  assert.ok(rows.every((row) => row.status !== 'ok'));
});

test('every datatype is read from typed contents, or from raw ones where it has none', async (t) => {
  const { client } = await logistic(t);
  const typed = (datatype: string, contents: object) => ({ name: 'x1', datatype, shape: [1, 1], contents });
  const x2 = { name: 'x2', datatype: 'FP64', shape: [1, 1], contents: { fp64_contents: [0] } };
  for (const [datatype, contents] of [
    ['FP32', { fp32_contents: [1] }],
    ['FP64', { fp64_contents: [1] }],
    ['INT8', { int_contents: [1] }],
    ['INT64', { int64_contents: [1] }],
    ['UINT32', { uint_contents: [1] }],
    ['UINT64', { uint64_contents: [1] }],
  ] as const) {
    const { status, message } = await client.call(
      inferPath,
      infer({ inputs: [typed(datatype, contents), x2], raw_input_contents: [] }),
    );
    assert.equal(status, grpcStatus.ok, `${datatype}: ${message}`);
  }
  for (const [datatype, contents, message] of [
    ['FP16', {}, /read from raw_input_contents only/],
    ['BOOL', { bool_contents: [true] }, /x1/],
    ['BYTES', { bytes_contents: [Buffer.from([0xff, 0xfe])] }, /is not UTF-8 text/],
    ['BYTES', { bytes_contents: [Buffer.from('1')] }, /input "x1" has datatype BYTES; model "test" expects/],
    ['FP64', { fp64_contents: [1, 2] }, /is 1 values, fp64_contents has 2/],
    ['FP64', { fp32_contents: [1] }, /is 1 values, fp64_contents has 0/],
  ] as const) {
    const answer = await client.call(
      inferPath,
      infer({ inputs: [typed(datatype, contents), x2], raw_input_contents: [] }),
    );
    assert.equal(answer.status, grpcStatus.invalidArgument);
    assert.match(answer.message, message);
  }
});

test('lists tell of the models that the caller may see', async (t) => {
  const { client, replica, blobs } = await logistic(t);
  const digest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  const options = { ...defaultEndpointOptions, requireKey: true };
  await replica.applyRoutes({
    ...tableOf(testRoute(digest), testRoute(digest, { endpoint: 'closed', options })),
    keys: [{ digest: digestOfKey('mine'), endpoints: ['closed'], actions: ['predict'], expiresAtMs: null }],
  });
  const names = async (headers: Record<string, string>) => {
    const call = async (method: string, type: string) => {
      const path = `/inference.GRPCInferenceService/${method}`;
      const { messages } = await client.call(path, codec.frame(`${type}Request`, {}), headers);
      return codec.decode(`${type}Response`, messages[0]?.bytes ?? new Uint8Array());
    };
    const index = await call('RepositoryIndex', 'RepositoryIndex');
    const stats = await call('ModelStatistics', 'ModelStatistics');
    const named = (list: unknown) => (list as { name: string }[]).map((entry) => entry.name).sort();
    return [named(index.models), named(stats.model_stats)];
  };
  assert.deepEqual(await names({}), [['test'], ['test']]);
  assert.deepEqual(await names({ authorization: 'Bearer mine', 'content-encoding': 'gzip' }), [
    ['closed', 'test'],
    ['closed', 'test'],
  ]);
});

test('messages come and go compressed; bombs and unknown encodings are refused', async (t) => {
  const { client } = await logistic(t, { bodyLimitBytes: 100_000 });
  const rows = 1000;
  const inputs = [input('x1', rows), input('x2', rows)];
  const raw = doubles(...new Array<number>(rows).fill(0.5));
  const message = codec.encode('ModelInferRequest', request({ inputs, raw_input_contents: [raw, raw] }));
  const gzip = { 'grpc-encoding': 'gzip', 'grpc-accept-encoding': 'identity,gzip' };
  const zipped = await client.call(inferPath, frameOf(gzipSync(message), true), gzip);
  assert.equal(zipped.status, grpcStatus.ok, zipped.message);
  assert.equal(zipped.headers['grpc-encoding'], 'gzip');
  assert.equal(zipped.messages[0]!.compressed, true);
  const answer = codec.decode('ModelInferResponse', gunzipSync(zipped.messages[0]!.bytes));
  assert.equal((answer.raw_output_contents as Buffer[])[0]!.length, rows * 8);
  const plain = await client.call(inferPath, frameOf(deflateSync(message), true), {
    'grpc-encoding': 'deflate',
  });
  assert.deepEqual([plain.status, plain.messages[0]!.compressed], [grpcStatus.ok, false]);

  const bomb = frameOf(gzipSync(Buffer.alloc(10_000_000)), true);
  const refused = await client.call(inferPath, bomb, gzip);
  assert.equal(refused.status, grpcStatus.resourceExhausted);
  assert.match(refused.message, /expands to more than the 100000 bytes/);
  const broken = await client.call(inferPath, frameOf(message, true), gzip);
  assert.equal(broken.status, grpcStatus.invalidArgument);
  const unnamed = await client.call(inferPath, frameOf(gzipSync(message), true));
  assert.equal(unnamed.status, grpcStatus.internal);
  const unknown = await client.call(inferPath, frameOf(message, true), { 'grpc-encoding': 'snappy' });
  assert.equal(unknown.status, grpcStatus.unimplemented);
  assert.match(String(unknown.headers['grpc-accept-encoding']), /gzip/);
});

test('broken calls: lying lengths, too large, too many or no messages, no gRPC at all', async (t) => {
  const { client } = await logistic(t, { bodyLimitBytes: 100_000 });
  const { invalidArgument, resourceExhausted, unimplemented, internal } = grpcStatus;
  const lying = infer();
  lying.writeUInt32BE(99_999, 1);
  const huge = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
  const cases: [Uint8Array, number, RegExp][] = [
    [new Uint8Array(0), invalidArgument, /0 whole messages/],
    [lying, invalidArgument, /0 whole messages and part of another/],
    [infer().subarray(0, 3), invalidArgument, /part of another/],
    [huge, resourceExhausted, /4294967295 bytes is larger than the 100000/],
    [frameOf(Buffer.alloc(200_000)), resourceExhausted, /200000 bytes/],
    [Buffer.concat([infer(), infer()]), invalidArgument, /2 whole messages/],
    [Buffer.from([7, 0, 0, 0, 0]), internal, /flag 7/],
    [frameOf(Buffer.from([0x0a, 0xff, 0x01])), invalidArgument, /not what the method takes/],
  ];
  for (const [bytes, status, message] of cases) {
    const answer = await client.call(inferPath, bytes);
    assert.equal(answer.status, status, answer.message);
    assert.match(answer.message, message);
  }
  const method = await client.call('/inference.GRPCInferenceService/Nothing', infer());
  assert.equal(method.status, unimplemented);
  const type = await client.call(inferPath, infer(), { 'content-type': 'application/json' });
  assert.equal(type.headers[':status'], 415);
  const timeout = await client.call(inferPath, infer(), { 'grpc-timeout': '5 days' });
  assert.equal(timeout.status, invalidArgument);
  assert.equal((await client.call(inferPath, infer())).status, grpcStatus.ok, 'neighbours are not disturbed');
});

test('a deadline that has passed is told, whatever the method does', async (t) => {
  const { client } = await logistic(t);
  const late = await client.call(inferPath, infer(), { 'grpc-timeout': '1n' });
  assert.equal(late.status, grpcStatus.deadlineExceeded);
  const stream = client.session.request({
    ':method': 'POST',
    ':path': streamPath,
    'content-type': 'application/grpc',
    'grpc-timeout': '50m',
  });
  stream.write(infer());
  const answer = await collect(stream);
  assert.equal(answer.status, grpcStatus.deadlineExceeded);
  assert.equal((await client.call(inferPath, infer(), { 'grpc-timeout': '10S' })).status, grpcStatus.ok);
});

test('a stream answers in order, tells errors inside, and ends with its caller', async (t) => {
  const { client } = await logistic(t);
  const frames = Array.from({ length: 200 }, (_, i) =>
    infer({ id: `s${i}`, ...(i % 50 === 7 ? { model_name: 'nowhere' } : {}) }),
  );
  const { status, messages } = await client.call(streamPath, Buffer.concat(frames));
  assert.equal(status, grpcStatus.ok);
  const answers = messages.map(
    ({ bytes }) =>
      codec.decode('ModelStreamInferResponse', bytes) as {
        error_message: string;
        infer_response: { id: string };
      },
  );
  assert.deepEqual(
    answers.map((a) => a.infer_response.id),
    frames.map((_, i) => `s${i}`),
  );
  assert.deepEqual(
    answers.flatMap((a, i) => (a.error_message === '' ? [] : [i])),
    [7, 57, 107, 157],
  );
});

test('a call that is cancelled costs nobody anything', async (t) => {
  const { client } = await logistic(t);
  for (let i = 0; i < 20; i++) {
    const stream = client.session.request({
      ':method': 'POST',
      ':path': i % 2 ? inferPath : streamPath,
      'content-type': 'application/grpc',
    });
    stream.on('error', () => undefined);
    stream.write(infer());
    if (i % 2) stream.end();
    await new Promise((resolve) => setImmediate(resolve));
    stream.close(8);
  }
  assert.equal((await client.call(inferPath, infer())).status, grpcStatus.ok);
});

test('closing answers what is under way, ends streams, and tells the callers', async (t) => {
  const { client, grpc } = await logistic(t);
  const open = client.session.request({
    ':method': 'POST',
    ':path': streamPath,
    'content-type': 'application/grpc',
  });
  open.write(infer({ id: 'open' }));
  const ended = collect(open);
  await once(open, 'response');
  const answers = Array.from({ length: 50 }, () => client.call(inferPath, infer()));
  await setTimeout(0);
  let closed = false;
  const closing = grpc.close().then(() => {
    closed = true;
  });
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)], [grpcStatus.ok]);
  const { status, messages } = await ended;
  assert.equal(status, grpcStatus.unavailable);
  assert.equal(messages.length, 1);
  await closing;
  assert.ok(closed);
  assert.notEqual(client.lastGoaway, null);
});

test('who connects anew while the server closes is answered, also where he had not spoken yet', async (t) => {
  const { promise: enough, resolve: release } = Promise.withResolvers<void>();
  const answer = { kind: 'unary', answer: () => ({}), ...emptyCodecs } as const;
  const slow = { ...answer, answer: () => enough.then(() => ({})) };
  const methods: Methods = new Map([
    ['/test/Echo', answer],
    ['/test/Slow', slow],
  ]);
  const logger = createLogger('serve', 'silent');
  const server = new GrpcServer({ methods, logger, takingMs: 60_000 });
  const port = await server.listen('127.0.0.1', 0, '--grpc-port');
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const client = new RawClient(`127.0.0.1:${port}`);
  const answered = client.call('/test/Slow', frameOf(Buffer.alloc(0)));
  await once(client.session, 'connect');
  const told = once(client.session, 'goaway');
  const closed = server.close();
  await told;
  for (const own of [undefined, socket]) {
    const another = new RawClient(`127.0.0.1:${port}`, own);
    const { status } = await another.call('/test/Echo', frameOf(Buffer.alloc(0)));
    assert.equal(status, grpcStatus.ok);
    another.close();
  }
  release();
  assert.equal((await answered).status, grpcStatus.ok);
  client.close();
  await closed;
  t.after(() => socket.destroy());
});

test('a caller that does not end its call holds up a close for a while only', async (t) => {
  const answer = { kind: 'unary', answer: () => ({}), ...emptyCodecs } as const;
  const logger = createLogger('serve', 'silent');
  const server = new GrpcServer({ methods: new Map([['/test/Echo', answer]]), logger, drainMs: 50 });
  const client = new RawClient(`127.0.0.1:${await server.listen('127.0.0.1', 0, '--grpc-port')}`);
  t.after(() => client.close());
  assert.equal((await client.call('/test/Echo', frameOf(Buffer.alloc(0)))).status, grpcStatus.ok);
  const stream = client.session.request({
    ':method': 'POST',
    ':path': '/test/Echo',
    'content-type': 'application/grpc',
  });
  stream.on('error', () => undefined);
  stream.write(Buffer.from([0]));
  await setTimeout(20);
  await server.close();
});

test('a close waits for an answer that takes longer than callers have to end what they began', async (t) => {
  const { promise: computed, resolve: compute } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const slow = async () => {
    begun.resolve();
    await computed;
    return {};
  };
  const answer = { kind: 'unary', answer: slow, ...emptyCodecs } as const;
  const logger = createLogger('serve', 'silent');
  const server = new GrpcServer({ methods: new Map([['/test/Slow', answer]]), logger, drainMs: 10 });
  const address = `127.0.0.1:${await server.listen('127.0.0.1', 0, '--grpc-port')}`;
  const [client, idle] = [new RawClient(address), new RawClient(address)];
  t.after(() => Promise.all([client.close(), idle.close()]));
  const half = idle.session.request({
    ':method': 'POST',
    ':path': '/test/Slow',
    'content-type': 'application/grpc',
  });
  half.on('error', () => undefined);
  const isCut = new Promise((resolve) => half.once('close', resolve));
  half.write(Buffer.from([0]));
  const answered = client.call('/test/Slow', frameOf(Buffer.alloc(0)));
  await begun.promise;
  const closed = server.close();
  await isCut;
  compute();
  assert.equal((await answered).status, grpcStatus.ok);
  await closed;
});

test('a close waits for the answer to a message of a stream, and not for a caller who does not read', async (t) => {
  const { promise: computed, resolve: compute } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const run = async (call: StreamCall) => {
    for await (const _ of call.messages) {
      begun.resolve();
      await computed;
      await call.send({});
    }
  };
  const endless = async (call: StreamCall) => {
    while (!call.signal.aborted) await call.send({});
    await call.send({});
  };
  const large = { encode: () => Buffer.alloc(65_536), decode: () => ({}) };
  const streamed = { kind: 'stream', run, ...emptyCodecs } as const;
  const unread = { kind: 'stream', run: endless, request: emptyCodecs.request, response: large } as const;
  const methods: Methods = new Map<string, StreamMethod>([
    ['/test/Slow', streamed],
    ['/test/Unread', unread],
  ]);
  const server = new GrpcServer({ methods, logger: createLogger('serve', 'silent'), drainMs: 10 });
  const address = `127.0.0.1:${await server.listen('127.0.0.1', 0, '--grpc-port')}`;
  const [client, deaf] = [new RawClient(address), new RawClient(address)];
  t.after(() => Promise.all([client.close(), deaf.close()]));
  const headers = { ':method': 'POST', 'content-type': 'application/grpc' };
  const unreadStream = deaf.session.request({ ':path': '/test/Unread', ...headers });
  unreadStream.on('error', () => undefined);
  const isCut = once(unreadStream, 'close');
  await once(unreadStream, 'response');
  const open = client.session.request({ ':path': '/test/Slow', ...headers });
  open.write(frameOf(Buffer.alloc(0)));
  const ended = collect(open);
  await begun.promise;
  const closed = server.close();
  await isCut;
  compute();
  const { status, messages } = await ended;
  assert.equal(messages.length, 1);
  assert.equal(status, grpcStatus.unavailable);
  await closed;
});
