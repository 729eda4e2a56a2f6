import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { type SelfMade, selfMadeCertificate } from '../../../../test/support/certificate.ts';
import { startTestServing } from '../../../../test/support/serving.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { Registry } from '../../../platform/metrics/index.ts';
import { frame, frameType, preface } from '../http2/frames.ts';
import { createGrpcServer } from '../index.ts';
import { problemOfTimes, TlsFiles } from './tls-files.ts';

async function files(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-tls-'));
  const paths = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  const made = selfMadeCertificate('first');
  await writeFile(paths.cert, made.cert);
  await writeFile(paths.key, made.key);
  const tls = new TlsFiles(paths, createLogger('serve', 'silent'));
  t.after(async () => {
    tls.close();
    await rm(directory, { recursive: true });
  });
  return { tls, paths, ca: made.cert };
}

/** A connection that trusts nobody but this certificate. */
async function dial(port: number, ca: string): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  return socket;
}

async function ask(socket: TLSSocket): Promise<string> {
  socket.write('GET /v2/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString('latin1');
}

test('serve speaks TLS; a new certificate is shown to new connections, and open ones go on', async (t) => {
  const { tls, paths, ca } = await files(t);
  const { url } = await startTestServing(t, { server: { tls } });
  const port = Number(new URL(url).port);
  const before = await dial(port, ca);
  t.after(() => before.destroy());
  assert.equal(before.alpnProtocol, 'http/1.1');
  assert.match(await ask(before), /^HTTP\/1.1 200/);

  const next = selfMadeCertificate('second');
  await writeFile(paths.cert, next.cert);
  tls.reload();
  assert.match(await ask(before), /^HTTP\/1.1 200/, 'half of a change is not taken');
  (await dial(port, ca)).destroy();

  await writeFile(paths.key, next.key);
  tls.reload();
  const after = await dial(port, next.cert);
  assert.equal(after.getPeerCertificate().subject.CN, 'second');
  assert.match(await ask(after), /^HTTP\/1.1 200/);
  after.destroy();
  assert.match(await ask(before), /^HTTP\/1.1 200/, 'the connection from before goes on');
  await assert.rejects(dial(port, ca), 'the certificate from before is not shown any more');
});

test('with a certificate authority for callers nobody else is answered, over REST and gRPC', async (t) => {
  const { tls: open, paths, ca } = await files(t);
  open.close();
  const [known, next, stranger] = ['known', 'next', 'stranger'].map((name) => selfMadeCertificate(name)) as [
    SelfMade,
    SelfMade,
    SelfMade,
  ];
  const clientCa = join(dirname(paths.cert), 'callers.pem');
  await writeFile(clientCa, '');
  const make = () => new TlsFiles({ ...paths, clientCa }, createLogger('serve', 'silent'));
  assert.throws(make, { code: 'tls_client_ca_unreadable', message: /callers\.pem/ });
  await writeFile(clientCa, known.cert);
  const tls = make();
  t.after(() => tls.close());
  const serving = await startTestServing(t, { server: { tls } });
  const port = Number(new URL(serving.url).port);
  const grpc = await createGrpcServer({
    replica: serving.replica,
    logger: createLogger('serve', 'silent'),
    metrics: new Registry('grpc'),
    version: '0',
    tls,
  });
  const grpcPort = await grpc.listen('127.0.0.1', 0, '--grpc-port');
  t.after(() => grpc.close());
  const live = Buffer.from('GET /v2/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const greeting = Buffer.concat([preface, frame(frameType.settings, 0, 0, Buffer.alloc(0))]);
  const speak = (to: number, protocol: string, bytes: Buffer, caller: Partial<SelfMade>) =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: to, ca, ALPNProtocols: [protocol], ...caller });
      t.after(() => socket.destroy());
      socket.on('data', () => resolve(true)).on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
      socket.write(bytes);
    });
  /** Whether a caller gets an answer: in TLS 1.3 its handshake ends before the server has judged it. */
  const isAnswered = async (caller: Partial<SelfMade>) => {
    const rest = await speak(port, 'http/1.1', live, caller);
    assert.equal(await speak(grpcPort, 'h2', greeting, caller), rest);
    return rest;
  };
  assert.deepEqual(
    [await isAnswered({}), await isAnswered(stranger), await isAnswered(known)],
    [false, false, true],
  );
  await writeFile(clientCa, next.cert);
  tls.reload();
  assert.deepEqual([await isAnswered(known), await isAnswered(next)], [false, true]);
});

test('who speaks HTTP without TLS is told so; that and bytes that are neither disturb nobody', async (t) => {
  const { tls, ca } = await files(t);
  const { url } = await startTestServing(t, { server: { tls } });
  const answer = await fetch(url.replace('https', 'http'));
  assert.equal(answer.status, 400);
  assert.equal(answer.headers.get('x-millrace-error'), 'tls_needed');
  assert.match(await answer.text(), /https:/);
  const noise = connectPlain(Number(new URL(url).port), '127.0.0.1');
  noise.end('neither of them\r\n\r\n');
  noise.resume();
  await once(noise, 'close');
  const socket = await dial(Number(new URL(url).port), ca);
  assert.match(await ask(socket), /^HTTP\/1.1 200/);
  socket.destroy();
});

test('gRPC speaks TLS with the same certificate', async (t) => {
  const { tls, ca } = await files(t);
  const { replica } = await startTestServing(t);
  const logger = createLogger('serve', 'silent');
  const server = await createGrpcServer({
    replica,
    logger,
    metrics: new Registry('grpc'),
    version: '0',
    tls,
  });
  const port = await server.listen('127.0.0.1', 0, '--grpc-port');
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca });
  t.after(async () => {
    session.close();
    await server.close();
  });
  const stream = session.request({
    ':method': 'POST',
    ':path': '/inference.GRPCInferenceService/ServerLive',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  assert.equal(session.alpnProtocol, 'h2');
  assert.deepEqual([...Buffer.concat(chunks)], [0, 0, 0, 0, 2, 8, 1], 'live: true');
});

test('files that are no certificate are refused at the start', () => {
  const logger = createLogger('serve', 'silent');
  assert.throws(() => new TlsFiles({ cert: '/nowhere.pem', key: '/nowhere.key' }, logger), {
    code: 'tls_files_unreadable',
    message: /nowhere/,
  });
});

test('a certificate out of its time, or near its end, is told of', () => {
  const { cert } = selfMadeCertificate('day');
  const dayMs = 86_400_000;
  const problem = (inMs: number) => problemOfTimes(cert, Date.now() + inMs) ?? '';
  assert.match(problem(-dayMs), /good from .*: callers refuse it until then/);
  assert.match(problem(0), /ends at .*: have a new one/);
  assert.match(problem(2 * dayMs), /ended at .*: callers refuse it/);
  const chain = selfMadeCertificate('site', 90).cert + selfMadeCertificate('middle', 60).cert + cert;
  assert.match(problemOfTimes(chain, Date.now() + 2 * dayMs) ?? '', /^CN=day of its chain ended at/);
});

test('a file that holds none of what it should is named', async (t) => {
  const { paths, tls } = await files(t);
  tls.close();
  const message = async (cert: string, key: string) => {
    const at = { cert: `${paths.cert}.wrong`, key: `${paths.key}.wrong` };
    await Promise.all([writeFile(at.cert, cert), writeFile(at.key, key)]);
    try {
      new TlsFiles(at, createLogger('serve', 'silent')).close();
      return '';
    } catch (error) {
      return (error as Error).message.slice((error as Error).message.lastIndexOf('used: '));
    }
  };
  const [one, two] = [selfMadeCertificate('one'), selfMadeCertificate('two')];
  assert.equal(await message(one.cert, one.key), '');
  assert.match(await message('hello', one.key), /used: \S+cert\S* holds no certificate/);
  assert.match(await message(one.cert, one.cert), /used: \S+key\S* holds no private key/);
  assert.match(await message(one.cert, two.key), /mismatch/);
});
