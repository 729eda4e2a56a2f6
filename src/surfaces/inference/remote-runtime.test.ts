import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestGrpc } from '../../../test/support/grpc.ts';
import {
  startTestServing,
  storePackage,
  tableOf,
  testRoute,
  unshippedRows,
} from '../../../test/support/serving.ts';
import { canonicalJson, type Digest } from '../../core/json.ts';
import {
  type GraphStep,
  type PackageManifest,
  packageManifestSchema,
  type RemoteRuntime,
} from '../../core/model-package.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import { describeGraph, describeRemote } from '../../platform/runtimes/index.ts';
import { grpcStatus } from './grpc/status.ts';
import { inferPath, protoCodec, RawClient } from './grpc/testing.ts';

const remote = (url: string, change: Partial<RemoteRuntime> = {}): RemoteRuntime => ({
  kind: 'remote',
  url,
  model: 'test',
  version: null,
  binary: false,
  timeoutMs: 60_000,
  ...change,
});

/** A serving whose endpoint `test` is this package. */
async function serve(t: TestContext, manifest: PackageManifest) {
  const serving = await startTestServing(t);
  const { digest } = await serving.blobs.put(canonicalJson(manifest));
  await serving.replica.applyRoutes(tableOf(testRoute(digest)));
  return serving;
}

const request = (x1: number[], x2: number[]) => ({
  inputs: [
    { name: 'x1', datatype: 'FP64', shape: [x1.length, 1], data: x1 },
    { name: 'x2', datatype: 'FP64', shape: [x2.length, 1], data: x2 },
  ],
});

test('an endpoint forwards to another server, in JSON and in raw tensors, and logs what it was told', async (t) => {
  const far = await startTestServing(t);
  const digest = await storePackage(far.blobs, logisticOnnx(2, -1, 0.5), logisticPackage());
  await far.replica.applyRoutes(tableOf(testRoute(digest)));
  const body = request([1, -3, 0], [2, 1, 0]);
  const direct = await far.post('/v2/models/test/infer', body);
  assert.equal(direct.status, 200);
  for (const binary of [false, undefined]) {
    const { binary: _, ...asked } = remote(far.url);
    const manifest = await describeRemote('faces', binary === undefined ? asked : { ...asked, binary });
    assert.ok(manifest.runtime.kind === 'remote' && manifest.runtime.binary === (binary ?? true));
    assert.deepEqual(manifest.score, { output: 'probability', index: 1 });
    const near = await serve(t, manifest);
    const { status, json } = await near.post('/v2/models/test/infer', body);
    assert.equal(status, 200, JSON.stringify(json));
    assert.deepEqual(json.outputs, direct.json.outputs);
    const rows = await unshippedRows(near.directory, 'test');
    assert.deepEqual([rows.length, rows[0]?.status, typeof rows[0]?.score], [3, 'ok', 'number']);
    await near.stop();
  }
});

test('a server that goes away makes the model not ready and the answer one clear error, until it is back', async (t) => {
  const far = await startTestServing(t);
  const digest = await storePackage(far.blobs, logisticOnnx(), logisticPackage());
  await far.replica.applyRoutes(tableOf(testRoute(digest)));
  const manifest = await describeRemote('faces', remote(far.url));
  const near = await serve(t, manifest);
  const ready = async () => (await fetch(`${near.url}/v2/models/test/ready`)).status;
  assert.equal(await ready(), 200);
  await far.stop();
  const { status, json } = await near.post('/v2/models/test/infer', request([1], [2]));
  assert.equal(status, 503);
  assert.match(String(json.error), /^the server http:\S+ cannot answer for model test: connect/);
  while ((await ready()) === 200) await sleep(50);
  const known = await near.post('/v2/models/test/infer', request([1], [2]));
  assert.match(String(known.json.error), /^the server http:\S+ cannot answer for model test: connect/);
  const rows = await unshippedRows(near.directory, 'test');
  assert.equal(rows[0]?.status, 'remote_unavailable');
});

/** A server that answers metadata, and requests as `onInfer` says. */
async function fake(
  t: TestContext,
  onInfer: (attempt: number, headers: IncomingHttpHeaders) => { status: number; body: object } | null,
  /** Answers wait for it. */
  held: Promise<void> = Promise.resolve(),
) {
  let attempts = 0;
  const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1, 1] });
  const server: Server = createServer((req, res) => {
    if (req.method === 'GET') {
      res.end(JSON.stringify({ inputs: [tensor('x')], outputs: [tensor('y')], extensions: [] }));
      return;
    }
    req.resume().on('end', () => {
      const reply = onInfer(++attempts, req.headers);
      if (reply) held.then(() => res.writeHead(reply.status).end(JSON.stringify(reply.body)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, attempts: () => attempts };
}

test('the trace of a request goes on to the other server, under the span of the request here', async (t) => {
  const seen: (string | string[] | undefined)[] = [];
  const far = await fake(t, (_, headers) => {
    seen.push(headers.traceparent, headers.tracestate);
    return { status: 200, body: { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 1], data: [7] }] } };
  });
  const near = await serve(t, await describeRemote('faces', remote(far.url)));
  const body = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] }] };
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const answer = await near.post('/v2/models/test/infer', body, { traceparent, tracestate: 'vendor=x' });
  assert.deepEqual(seen, [answer.headers.get('traceparent'), 'vendor=x']);
  assert.notEqual(seen[0], traceparent);
  await near.post('/v2/models/test/infer', body);
  assert.deepEqual(seen.slice(2), [undefined, undefined]);
});

test('only what nobody has computed is sent again; silence, errors and nonsense are told apart', async (t) => {
  const y = (...data: number[]) => ({
    outputs: [{ name: 'y', datatype: 'FP32', shape: [data.length, 1], data }],
  });
  const cases = [
    {
      reply: (n: number) => (n === 1 ? { status: 503, body: {} } : { status: 200, body: y(7) }),
      status: 200,
      attempts: 2,
    },
    {
      reply: () => null,
      status: 504,
      says: /did not answer .* within 2000 ms/,
      attempts: 1,
      timeoutMs: 2000,
    },
    {
      reply: () => ({ status: 500, body: { error: 'no memory' } }),
      status: 502,
      says: /for model test: it answers 500\. Look/,
      attempts: 1,
    },
    {
      reply: () => ({ status: 200, body: { hello: 1 } }),
      status: 502,
      says: /cannot be read: outputs/,
      attempts: 1,
    },
    {
      reply: () => ({ status: 200, body: y('7' as unknown as number) }),
      status: 502,
      says: /output "y" is FP32 and has a string/,
      attempts: 1,
    },
    { reply: () => ({ status: 200, body: y(1, 2) }), status: 502, says: /2 rows for 1/, attempts: 1 },
    ...[
      { outputs: [], says: /it has none of the outputs that its metadata tell of \(y\)/ },
      { outputs: [...y(1).outputs, ...y(2).outputs], says: /it has output "y" twice/ },
      {
        outputs: [{ name: 'y', datatype: 'BYTES', shape: [1, 1], data: ['a'] }],
        says: /output "y" is BYTES, its metadata say FP32/,
      },
      {
        outputs: [{ name: 'y', datatype: 'UINT8', shape: [1, 1], data: [300] }],
        says: /output "y" is UINT8 and has 300/,
      },
      {
        outputs: [{ name: 'y', datatype: 'INT64', shape: [1, 1], data: [null] }],
        says: /output "y" is INT64 and has a null/,
      },
    ].map(({ outputs, says }) => ({
      reply: () => ({ status: 200, body: { outputs } }),
      status: 502,
      says,
      attempts: 1,
      timeoutMs: 60_000,
    })),
  ];
  for (const { reply, status, says, attempts, timeoutMs = 60_000 } of cases) {
    const far = await fake(t, reply);
    const manifest = await describeRemote('faces', remote(far.url, { timeoutMs }));
    const near = await serve(t, manifest);
    const answer = await near.post('/v2/models/test/infer', {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] }],
    });
    assert.equal(answer.status, status, JSON.stringify(answer.json));
    if (says) assert.match(String(answer.json.error), says);
    assert.equal(far.attempts(), attempts);
    await near.stop();
  }
});

test('a graph answers with the status that its step failed with, over both protocols, and names the step', async (t) => {
  const near = await startTestGrpc(t);
  const client = new RawClient(near.grpcAddress);
  t.after(() => client.close());
  const manifestOf = async (digest: Digest) =>
    packageManifestSchema.parse(JSON.parse((await near.blobs.bytes(digest)).toString('utf8')));
  const model = (name: string, digest: Digest): GraphStep => ({ kind: 'model', name, package: digest });
  const store = async (manifest: PackageManifest) => (await near.blobs.put(canonicalJson(manifest))).digest;
  const cases = [
    { reply: () => null, timeoutMs: 1000, code: 'graph_step_timeout', says: /within 1000 ms/ },
    { reply: () => ({ status: 500, body: {} }), code: 'graph_step_remote_failed', says: /it answers 500/ },
    { reply: () => ({ status: 429, body: {} }), code: 'graph_step_unavailable', says: /it answers 429/ },
  ];
  const expected = {
    graph_step_timeout: [504, grpcStatus.deadlineExceeded],
    graph_step_remote_failed: [502, grpcStatus.internal],
    graph_step_unavailable: [503, grpcStatus.unavailable],
    graph_step_refused: [400, grpcStatus.invalidArgument],
  } as Readonly<Record<string, readonly number[]>>;
  let routeVersion = 0;
  const ask = async (step: GraphStep, code: string, says: RegExp) => {
    const digest = await store(await describeGraph('graph', step, manifestOf));
    await near.replica.applyRoutes(tableOf(testRoute(digest, { routeVersion: ++routeVersion })));
    const input = { name: 'x', datatype: 'FP32', shape: [1, 1] };
    const rest = await near.post('/v2/models/test/infer', { inputs: [{ ...input, data: [1] }] });
    const frame = protoCodec().frame('ModelInferRequest', {
      model_name: 'test',
      inputs: [{ ...input, contents: { fp32_contents: [1] } }],
    });
    const { status, message } = await client.call(inferPath, frame);
    assert.deepEqual([rest.status, status], expected[code], JSON.stringify(rest.json));
    assert.equal(rest.headers.get('x-millrace-error'), code);
    assert.equal(rest.headers.get('retry-after'), code === 'graph_step_unavailable' ? '1' : null);
    assert.match(String(rest.json.error), /step "far": /);
    for (const text of [String(rest.json.error), message]) assert.match(text, says);
  };
  for (const { reply, timeoutMs = 60_000, code, says } of cases) {
    const far = await fake(t, reply);
    const digest = await store(await describeRemote('faces', remote(far.url, { timeoutMs })));
    await ask({ kind: 'sequence', name: 'all', steps: [model('far', digest)] }, code, says);
  }
  // A graph in a graph that has no case for a value: the caller's mistake stays one.
  const far = await fake(t, () => null);
  const digest = await store(await describeRemote('faces', remote(far.url)));
  const only: GraphStep = {
    kind: 'switch',
    name: 'inner',
    field: 'x',
    cases: [{ equals: [7], step: model('a', digest) }],
    otherwise: null,
  };
  const graph = await store(await describeGraph('inner', only, manifestOf));
  await ask(model('far', graph), 'graph_step_refused', /step "inner": no case for/);
  assert.deepEqual(
    (await unshippedRows(near.directory, 'test')).map((row) => row.status),
    [...cases.map(({ code }) => code), 'graph_step_refused'].flatMap((code) => [code, code]),
  );
});

test('rows of one request that two arms answer have the latency of their own arm', async (t) => {
  const one = { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 1], data: [7] }] };
  const slow = Promise.withResolvers<void>();
  const digests: Digest[] = [];
  const near = await startTestServing(t);
  for (const held of [undefined, slow.promise]) {
    const far = await fake(t, () => ({ status: 200, body: one }), held);
    const manifest = await describeRemote('faces', remote(far.url));
    digests.push((await near.blobs.put(canonicalJson(manifest))).digest);
  }
  const arms = ['champion', 'challenger'].map((arm, i) => {
    return { arm, modelVersion: `${i + 1}`, packageDigest: digests[i]!, weight: 0.5 };
  });
  await near.replica.applyRoutes(tableOf(testRoute(digests[0]!, { arms })));
  const x = (...data: number[]) => ({ name: 'x', datatype: 'FP32', shape: [data.length, 1], data });
  // with the salt of the test, one of them is in each half
  const entity = { name: 'entity', datatype: 'BYTES', shape: [2, 1], data: ['e0', 'e1'] };
  const both = near.post('/v2/models/test/infer', { inputs: [x(1, 2), entity] });
  // the connection to the champion is asked in order: when this is answered, so are its rows of the request before
  await near.post('/v2/models/test/versions/1/infer', { inputs: [x(3)] });
  await sleep(60);
  slow.resolve();
  assert.equal((await both).status, 200);
  const rows = await unshippedRows(near.directory, 'test');
  const latencyOf = (arm: string) =>
    Number(rows.find((row) => row.entity !== null && row.arm === arm)?.latency_us);
  assert.ok(latencyOf('challenger') >= 50_000 + latencyOf('champion'), JSON.stringify(rows));
});

test('a version that fails is alone to blame, also when the request fails with it', async (t) => {
  const one = { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 1], data: [7] }] };
  const digests: Digest[] = [];
  const near = await startTestServing(t);
  for (const reply of [
    { status: 200, body: one },
    { status: 500, body: { error: 'no' } },
  ]) {
    const far = await fake(t, () => reply);
    const manifest = await describeRemote('faces', remote(far.url));
    digests.push((await near.blobs.put(canonicalJson(manifest))).digest);
  }
  const arms = ['champion', 'challenger'].map((arm, i) => {
    return { arm, modelVersion: `${i + 1}`, packageDigest: digests[i]!, weight: 0.5 };
  });
  await near.replica.applyRoutes(tableOf(testRoute(digests[0]!, { arms })));
  const x = { name: 'x', datatype: 'FP32', shape: [2, 1], data: [1, 2] };
  const entity = { name: 'entity', datatype: 'BYTES', shape: [2, 1], data: ['e0', 'e1'] };
  const answer = await near.post('/v2/models/test/infer', { inputs: [x, entity] });
  assert.ok(answer.status >= 500, JSON.stringify(answer.json));
  const rows = await unshippedRows(near.directory, 'test');
  const statusOf = (arm: string) => rows.filter((row) => row.arm === arm).map((row) => row.status);
  assert.deepEqual(statusOf('champion'), ['other_arm_failed']);
  assert.equal(statusOf('challenger').length, 1);
  assert.notEqual(statusOf('challenger')[0], 'other_arm_failed');
});

/** A server whose model gives pieces when the test says so, by one of the calls for it. */
async function streaming(t: TestContext, call: 'infer_stream' | 'generate_stream') {
  const far = {
    asked: [] as unknown[],
    give: (_: string) => {},
    end: () => {},
    left: Promise.withResolvers<void>(),
  };
  const tensor = (name: string) => ({ name, datatype: 'BYTES', shape: [-1, 1] });
  const server = createServer((req, res) => {
    if (req.method === 'GET') {
      const metadata = { inputs: [tensor('x')], outputs: [tensor('y')], extensions: [] };
      res.end(JSON.stringify({ ...metadata, model_transaction_policy: { decoupled: true } }));
      return;
    }
    if (!req.url?.endsWith(`/${call}`)) {
      req.resume().on('end', () => res.writeHead(404).end());
      return;
    }
    let body = '';
    req.on('data', (piece) => {
      body += piece;
    });
    req.on('end', () => {
      far.asked.push(JSON.parse(body));
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      far.give = (text) => {
        const output = { name: 'y', datatype: 'BYTES', shape: [1, 1], data: [text] };
        const event = call === 'infer_stream' ? { model_name: 'test', outputs: [output] } : { y: text };
        res.write(`data: ${JSON.stringify(event)}\n\n`);
      };
      far.end = () => res.end();
      if (far.asked.length === 1) far.give('once');
    });
    res.on('close', () => far.left.resolve());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { far, manifest: await describeRemote('words', remote(url, { timeoutMs: 20_000 })) };
}

for (const call of ['infer_stream', 'generate_stream'] as const) {
  test(`pieces of another server's answer go on as they come, by its ${call}`, async (t) => {
    const { far, manifest } = await streaming(t, call);
    const near = await serve(t, manifest);
    const ask = async (signal?: AbortSignal) => {
      const response = await fetch(`${near.url}/v2/models/test/generate_stream`, {
        method: 'POST',
        body: JSON.stringify({ x: 'upon', parameters: { words: 2 } }),
        signal: signal ?? null,
      });
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      return {
        status: response.status,
        next: async () => new TextDecoder().decode((await reader.read()).value),
      };
    };
    const { status, next } = await ask();
    assert.equal(status, 200);
    assert.match(await next(), /"y":"once"/, 'the first piece is here before there is a second');
    far.give(' upon');
    assert.match(await next(), /"y":" upon"/);
    far.end();
    assert.equal(await next(), '');
    const asked = far.asked[0] as { x?: string; inputs?: readonly { data: unknown }[]; parameters: unknown };
    assert.deepEqual(asked.x ?? asked.inputs?.[0]?.data, call === 'infer_stream' ? ['upon'] : 'upon');
    assert.deepEqual(asked.parameters, { words: 2 });

    const { far: other, manifest: second } = await streaming(t, call);
    await near.replica.applyRoutes(
      tableOf({ ...testRoute((await near.blobs.put(canonicalJson(second))).digest), routeVersion: 2 }),
    );
    const leave = new AbortController();
    const left = await ask(leave.signal);
    await left.next();
    leave.abort();
    await other.left.promise;
    let rows = await unshippedRows(near.directory, 'test');
    for (; rows.length < 2; rows = await unshippedRows(near.directory, 'test')) await sleep(10);
    assert.deepEqual(
      rows.map((row) => [row.status, JSON.stringify(row.outputs)]),
      [
        ['ok', JSON.stringify({ y: 'once upon' })],
        ['cancelled', JSON.stringify({ y: 'once' })],
      ],
    );
    assert.ok(
      rows.every((row) => Number(row.first_us) > 0 && Number(row.first_us) <= Number(row.latency_us)),
    );
  });
}
