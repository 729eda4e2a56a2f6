import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createRng } from '../../../core/rng.ts';
import { Http2Connection } from './connection.ts';
import { errorCode, flag, frame, frameType, preface, settingsPayload, words } from './frames.ts';
import { headerBlock } from './header-block.ts';
import type { Http2Stream } from './stream.ts';

const head = headerBlock({ ':status': '200' });
const trailers = headerBlock({ 'x-end': 'yes' });
const post = headerBlock({ ':method': 'POST', ':scheme': 'http', ':path': '/echo', ':authority': 'a' });

/** A server that gives every body back, piece by piece as it comes. */
async function startEcho(t: TestContext) {
  const sockets = new Set<Socket>();
  const streams = new Set<Http2Stream>();
  const server = createServer((socket) => {
    sockets.add(socket);
    new Http2Connection(socket, {
      mostStreams: 100,
      onStream: (stream) => {
        streams.add(stream);
        stream.respond(head);
        stream.reader = {
          onData: (bytes) => {
            if (stream.write(Buffer.from(bytes))) return;
            stream.pause();
            void stream.room().then(() => stream.resume());
          },
          onEnd: () => stream.end(trailers),
          onLook: () => undefined,
          onClose: () => streams.delete(stream),
        };
      },
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, sockets, streams };
}

function openSession(t: TestContext, port: number, settings = {}): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`, { settings });
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

async function echo(session: ClientHttp2Session, body: Buffer): Promise<{ body: Buffer; end: unknown }> {
  const stream = session.request({ ':method': 'POST', ':path': '/echo' });
  const parts: Buffer[] = [];
  let end: unknown;
  stream.on('data', (part: Buffer) => parts.push(part));
  stream.on('trailers', (headers) => {
    end = headers['x-end'];
  });
  stream.end(body);
  await once(stream, 'close');
  return { body: Buffer.concat(parts), end };
}

const randomBytes = (seed: number, length: number) => {
  const random = createRng(seed);
  return Buffer.from(Array.from({ length }, () => random.int(256)));
};

/** Frames as they come back: type, flags, stream and payload. */
interface Answer {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** A client that sends whatever bytes a test wants. */
async function openRaw(t: TestContext, port: number) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  let bytes = Buffer.alloc(0);
  socket.on('data', (part) => {
    bytes = Buffer.concat([bytes, part]);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const answers = (): Answer[] => {
    const found: Answer[] = [];
    for (let at = 0; at + 9 <= bytes.length; ) {
      const end = at + 9 + bytes.readUIntBE(at, 3);
      found.push({
        type: bytes[at + 3] as number,
        flags: bytes[at + 4] as number,
        streamId: bytes.readUInt32BE(at + 5),
        payload: bytes.subarray(at + 9, end),
      });
      at = end;
    }
    return found;
  };
  const greet = () =>
    socket.write(Buffer.concat([preface, frame(frameType.settings, 0, 0, Buffer.alloc(0))]));
  /** Resolves when the server has read all that was sent. */
  const read = async () => {
    const mark = Buffer.from('00000000deadbeef', 'hex');
    socket.write(frame(frameType.ping, 0, 0, mark));
    const isMark = (a: Answer) => a.type === frameType.ping && a.payload.equals(mark);
    while (!answers().some(isMark) && !socket.closed) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  return { socket, closed, answers, greet, read };
}

const request = (streamId: number, flags: number = flag.endHeaders | flag.endStream) =>
  frame(frameType.headers, flags, streamId, post);

test('bodies come and go whole through the smallest windows, many at a time', async (t) => {
  const { port, streams } = await startEcho(t);
  const session = openSession(t, port, { initialWindowSize: 1000 });
  const bodies = Array.from({ length: 40 }, (_, i) => randomBytes(i, i * 1500));
  const answers = await Promise.all(bodies.map((body) => echo(session, body)));
  for (const [i, { body, end }] of answers.entries()) {
    assert.equal(end, 'yes');
    assert.ok(body.equals(bodies[i] as Buffer), `body ${i}`);
  }
  const large = randomBytes(99, 9_000_000);
  assert.ok((await echo(openSession(t, port), large)).body.equals(large));
  assert.equal(streams.size, 0);
});

test('frames are read however they are cut', async (t) => {
  const { port } = await startEcho(t);
  const raw = await openRaw(t, port);
  const body = Buffer.from('one and two');
  const all = Buffer.concat([
    preface,
    frame(frameType.settings, 0, 0, settingsPayload([[1, 4096]])),
    // Headers in three frames, a priority in front and padding behind; a body in padded frames; trailers.
    frame(
      frameType.headers,
      flag.padded | flag.priority,
      1,
      Buffer.concat([Buffer.of(2, 0, 0, 0, 0, 16), post.subarray(0, 5), Buffer.alloc(2)]),
    ),
    frame(frameType.continuation, 0, 1, post.subarray(5, 9)),
    frame(frameType.continuation, flag.endHeaders, 1, post.subarray(9)),
    frame(0xbb, 0xff, 1, Buffer.from('a type that nobody knows')),
    frame(
      frameType.data,
      flag.padded,
      1,
      Buffer.concat([Buffer.of(3), body.subarray(0, 4), Buffer.alloc(3)]),
    ),
    frame(frameType.data, 0, 1, body.subarray(4)),
    frame(frameType.headers, flag.endHeaders | flag.endStream, 1, headerBlock({ 'x-trailer': '1' })),
  ]);
  for (let at = 0; at < all.length; at += 3) {
    raw.socket.write(all.subarray(at, at + 3));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await raw.read();
  const data = raw.answers().filter((a) => a.type === frameType.data && a.streamId === 1);
  assert.equal(Buffer.concat(data.map((a) => a.payload)).toString(), 'one and two');
  assert.ok(raw.answers().some((a) => a.type === frameType.headers && a.flags & flag.endStream));
});

test('who breaks the protocol loses the stream or the connection, with the standard’s reason', async (t) => {
  const { port } = await startEcho(t);
  const open = request(1, flag.endHeaders);
  const cases: Record<string, readonly [bytes: Buffer, code: number, streamId: number]> = {
    'DATA on a stream that is not open': [frame(frameType.data, 0, 1, post), errorCode.protocol, 0],
    'a stream of the server': [request(2), errorCode.protocol, 0],
    'a smaller stream': [Buffer.concat([request(5), request(3)]), errorCode.streamClosed, 0],
    'a frame within a block': [Buffer.concat([request(1, 0), request(3)]), errorCode.protocol, 0],
    'padding longer than the frame': [
      frame(frameType.headers, flag.endHeaders | flag.padded, 1, Buffer.of(9, 1)),
      errorCode.protocol,
      0,
    ],
    'headers that cannot be read': [
      frame(frameType.headers, flag.endHeaders, 1, Buffer.of(0x80)),
      errorCode.compression,
      0,
    ],
    'a frame that is too large': [Buffer.of(0, 0x40, 1, 0, 0, 0, 0, 0, 1), errorCode.frameSize, 0],
    'a window of nothing': [frame(frameType.windowUpdate, 0, 0, words(0)), errorCode.protocol, 0],
    'a window beyond all bounds': [
      frame(frameType.windowUpdate, 0, 0, words(2 ** 31 - 1)),
      errorCode.flowControl,
      0,
    ],
    'settings cut off': [frame(frameType.settings, 0, 0, Buffer.alloc(5)), errorCode.frameSize, 0],
    'a push': [frame(frameType.pushPromise, 0, 1, Buffer.alloc(4)), errorCode.protocol, 0],
    'headers without end': [
      Buffer.concat([
        request(1, 0),
        ...Array.from({ length: 66 }, () => frame(frameType.continuation, 0, 1, Buffer.alloc(16_000))),
      ]),
      errorCode.enhanceYourCalm,
      0,
    ],
    'headers of 200 kB': [
      Buffer.concat([
        request(1, 0),
        ...Array.from({ length: 20 }, () =>
          frame(frameType.continuation, 0, 1, headerBlock({ a: 'b'.repeat(10_000) })),
        ),
        frame(frameType.continuation, flag.endHeaders, 1, Buffer.alloc(0)),
      ]),
      errorCode.enhanceYourCalm,
      1,
    ],
    'DATA behind the end': [
      Buffer.concat([
        open,
        frame(frameType.data, flag.endStream, 1, post),
        frame(frameType.data, 0, 1, post),
      ]),
      errorCode.streamClosed,
      1,
    ],
    'no :path': [
      frame(
        frameType.headers,
        flag.endHeaders | flag.endStream,
        1,
        headerBlock({ ':method': 'POST', ':scheme': 'http' }),
      ),
      errorCode.protocol,
      1,
    ],
    'capital letters': [
      frame(frameType.headers, flag.endHeaders, 1, Buffer.concat([post, headerBlock({ 'X-Big': '1' })])),
      errorCode.protocol,
      1,
    ],
    'a line break in a value': [
      frame(frameType.headers, flag.endHeaders, 1, Buffer.concat([post, headerBlock({ a: 'b\r\nc: d' })])),
      errorCode.protocol,
      1,
    ],
    'more body than content-length': [
      Buffer.concat([
        frame(
          frameType.headers,
          flag.endHeaders,
          1,
          Buffer.concat([post, headerBlock({ 'content-length': '1' })]),
        ),
        frame(frameType.data, 0, 1, post),
      ]),
      errorCode.protocol,
      1,
    ],
  };
  for (const [name, [bytes, code, streamId]] of Object.entries(cases)) {
    const raw = await openRaw(t, port);
    raw.greet();
    raw.socket.write(bytes);
    if (streamId === 0) await raw.closed;
    else await raw.read();
    const ends = raw
      .answers()
      .filter((a) => a.type === (streamId === 0 ? frameType.goaway : frameType.rstStream));
    const codes = ends.map((a) => a.payload.readUInt32BE(streamId === 0 ? 4 : 0));
    assert.deepEqual(codes, [code], name);
    assert.equal(ends[0]?.streamId, streamId, name);
    raw.socket.destroy();
  }
});

test('a flood ends the connection that it comes from, and no other', async (t) => {
  const { port, streams } = await startEcho(t);
  const quiet = openSession(t, port);
  const many = (count: number, make: (i: number) => Buffer) =>
    Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));
  const floods = {
    'streams opened and reset': many(3000, (i) =>
      Buffer.concat([
        request(2 * i + 1, flag.endHeaders),
        frame(frameType.rstStream, 0, 2 * i + 1, words(errorCode.cancel)),
      ]),
    ),
    'empty bodies': Buffer.concat([
      request(1, flag.endHeaders),
      many(3000, () => frame(frameType.data, 0, 1, Buffer.alloc(0))),
    ]),
    settings: many(3000, () => frame(frameType.settings, 0, 0, settingsPayload([[4, 70_000]]))),
    priorities: many(3000, () => frame(frameType.priority, 0, 1, Buffer.of(0, 0, 0, 3, 1))),
    'requests that are none': many(3000, (i) =>
      frame(frameType.headers, flag.endHeaders | flag.endStream, 2 * i + 1, head),
    ),
  };
  for (const [name, bytes] of Object.entries(floods)) {
    const raw = await openRaw(t, port);
    raw.greet();
    raw.socket.write(bytes);
    await raw.closed;
    const goaway = raw.answers().find((a) => a.type === frameType.goaway);
    assert.equal(goaway?.payload.readUInt32BE(4), errorCode.enhanceYourCalm, name);
    assert.equal((await echo(quiet, Buffer.from('still here'))).body.toString(), 'still here', name);
  }
  assert.equal(streams.size, 0);
});

test('more streams than allowed are refused, those there are answered', async (t) => {
  const { port } = await startEcho(t);
  const raw = await openRaw(t, port);
  raw.greet();
  for (let i = 0; i < 101; i++) raw.socket.write(request(2 * i + 1, flag.endHeaders));
  raw.socket.write(frame(frameType.data, flag.endStream, 1, Buffer.from('first')));
  await raw.read();
  const refused = raw.answers().filter((a) => a.type === frameType.rstStream);
  assert.deepEqual(
    refused.map((a) => [a.streamId, a.payload.readUInt32BE(0)]),
    [[201, errorCode.refusedStream]],
  );
  assert.ok(raw.answers().some((a) => a.type === frameType.data && a.payload.toString() === 'first'));
});

test('a client that begins thousands of calls before it hears the limit loses none of those that fit', async (t) => {
  const { port } = await startEcho(t);
  const raw = await openRaw(t, port);
  raw.greet();
  const ids = Array.from({ length: 3000 }, (_, i) => 2 * i + 1);
  raw.socket.write(Buffer.concat(ids.map((id) => request(id, flag.endHeaders))));
  const body = Buffer.from('x');
  raw.socket.write(Buffer.concat(ids.map((id) => frame(frameType.data, flag.endStream, id, body))));
  await raw.read();
  const count = (is: (a: Answer) => boolean) => raw.answers().filter(is).length;
  assert.equal(
    count((a) => a.type === frameType.goaway),
    0,
  );
  assert.equal(
    count((a) => a.type === frameType.data),
    100,
  );
  const refused = (a: Answer) =>
    a.type === frameType.rstStream && a.payload.readUInt32BE(0) === errorCode.refusedStream;
  assert.equal(count(refused), 2900);
});

test('who asks and never reads is not read any more either', async (t) => {
  const { port, sockets } = await startEcho(t);
  const raw = await openRaw(t, port);
  raw.greet();
  await raw.read();
  raw.socket.pause();
  const [server] = sockets as unknown as Iterable<Socket>;
  const pings = Buffer.concat(
    Array.from({ length: 10_000 }, () => frame(frameType.ping, 0, 0, Buffer.alloc(8))),
  );
  let sent = 0;
  while (!raw.socket.writableNeedDrain || sent < 40) {
    raw.socket.write(pings);
    sent++;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok((server?.writableLength ?? 0) < 2_000_000, `${server?.writableLength} bytes wait at the server`);
  raw.socket.resume();
  await raw.read();
});

test('mutated bytes of a client end in an error or an answer, and harm nobody else', async (t) => {
  const { port, streams } = await startEcho(t);
  const quiet = openSession(t, port);
  const random = createRng(7541);
  const good = Buffer.concat([
    frame(frameType.settings, 0, 0, settingsPayload([[4, 1000]])),
    request(1, flag.endHeaders),
    frame(frameType.data, flag.endStream, 1, Buffer.from('some bytes')),
    frame(frameType.ping, 0, 0, Buffer.alloc(8)),
    request(3, flag.endHeaders),
    frame(frameType.windowUpdate, 0, 3, words(500)),
    frame(frameType.data, flag.endStream, 3, Buffer.alloc(3000)),
  ]);
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(good);
    for (let i = random.int(6); i >= 0; i--) bytes[random.int(bytes.length)] = random.int(256);
    const raw = await openRaw(t, port);
    raw.socket.end(Buffer.concat([preface, bytes]));
    await raw.closed;
    if (round % 50 === 0) assert.equal((await echo(quiet, Buffer.from('ok'))).body.toString(), 'ok');
  }
  assert.equal(streams.size, 0);
});

test('somebody who speaks HTTP/1.1 is told where', async (t) => {
  const { port } = await startEcho(t);
  const answer = await fetch(`http://127.0.0.1:${port}/v2`);
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /HTTP\/2/);
});
