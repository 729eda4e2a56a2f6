import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRng, type Rng } from '../../../core/rng.ts';
import type { HttpAnswer } from './answer.ts';
import { answerClientError } from './client-errors.ts';
import { PlainConnections, type PlainConnectionsOptions } from './plain-connections.ts';

/** Tells of a request with its body. */
async function tellWhole(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  response.end(`<node ${request.method} ${request.url} ${body.toString('latin1')}>`);
}

/** A server that tells of each request who read it and what it was. */
async function start(t: TestContext, options: Partial<PlainConnectionsOptions> = {}, byNode = tellWhole) {
  const server = createServer((request, response) => void byNode(request, response).catch(() => undefined));
  const plain = new PlainConnections(server, false, {
    headerBytes: 2000,
    bodyBytes: 10_000_000,
    headersTimeoutMs: 10_000,
    keepAliveMs: 60_000,
    takes: ({ path }) => path.startsWith('/plain'),
    waits: () => true,
    answer: async ({ method, path }, body): Promise<HttpAnswer> => ({
      status: 200,
      body: `<plain ${method} ${path} ${body.toString('latin1')}>`,
      contentType: 'text/plain',
    }),
    draining: () => false,
    ...options,
  });
  server.on('clientError', (error, socket) => answerClientError(error, socket, 2000));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const dial = async (): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { plain, dial };
}

/** What the server sends until `count` requests are told of, or the connection ends. */
async function answers(socket: Socket, count: number): Promise<readonly string[]> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (told(text).length >= count) break;
  }
  return told(text);
}

const told = (text: string): readonly string[] => [...text.matchAll(/<(.*?)>/gs)].map((m) => m[1] ?? '');
const post = (path: string, body: string, header = '') =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\n${header}content-length: ${body.length}\r\n\r\n${body}`;
const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
const chunked =
  'POST /plain/chunks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';

const requests: readonly (readonly [string, string])[] = [
  [post('/plain/1', 'one'), 'POST /plain/1 one'],
  [get('/plain/2'), 'GET /plain/2 '],
  [post('/plain/3', ''), 'POST /plain/3 '],
  [
    post('/plain/4', 'x\r\n\r\nGET /plain/no HTTP/1.1\r\n\r\n'),
    'POST /plain/4 x\r\n\r\nGET /plain/no HTTP/1.1\r\n\r\n',
  ],
  [post('/other', 'other'), 'POST /other other'],
  [chunked, 'POST /plain/chunks abc'],
  [get('/plain/5?query'), 'GET /plain/5?query '],
  [post('/plain/6', 'six', 'x-more: \u00e9\r\n'), 'POST /plain/6 six'],
];
const withoutReader = (answer: string) => answer.replace(/^(node|plain) /, '');

test('requests are answered in their order, however they are mixed and cut into pieces', async (t) => {
  const { dial } = await start(t);
  const rng = createRng(1);
  for (let round = 0; round < 60; round++) {
    const chosen = Array.from({ length: 1 + Math.floor(rng.next() * 5) }, () => {
      return requests[Math.floor(rng.next() * requests.length)]!;
    });
    const bytes = Buffer.from(chosen.map(([text]) => text).join(''), 'latin1');
    const socket = await dial();
    const received = answers(socket, chosen.length);
    for (let at = 0; at < bytes.length; ) {
      const end = rng.next() < 0.3 ? bytes.length : at + 1 + Math.floor(rng.next() * 60);
      socket.write(bytes.subarray(at, end));
      at = end;
      if (rng.next() < 0.5) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(
      (await received).map(withoutReader),
      chosen.map(([, answer]) => answer),
      `round ${round}`,
    );
    socket.destroy();
  }
});

/** So often in a row there must be nothing new, so long apart, before no more is waited for. */
const silentLooks = 14;
const lookMs = 50;

/** Bytes with a few of them changed, doubled, gone or from elsewhere, as a broken or a wicked sender would have them. */
function mutated(text: string, rng: Rng): string {
  const pieces = [
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    ' ',
    '\t',
    ':',
    ',',
    '0',
    '1',
    '\0',
    'content-length: 3\r\n',
  ];
  pieces.push('transfer-encoding: chunked\r\n', 'HTTP/1.0', 'x: y\r\n', '\u00ff', 'connection: close\r\n');
  let result = text;
  for (let n = 1 + rng.int(2); n > 0; n--) {
    const lines = [...result.matchAll(/\r\n/g)].map((m) => (m.index ?? 0) + 2);
    const at = rng.next() < 0.5 ? rng.int(result.length) : (lines[rng.int(lines.length)] ?? 0);
    const gone = rng.next() < 0.5 ? rng.int(4) : 0;
    const piece = rng.next() < 0.8 ? (pieces[rng.int(pieces.length)] ?? '') : '';
    result = result.slice(0, at) + piece + result.slice(at + gone);
  }
  return result;
}

/** The requests that a server reads out of bytes, whether or not it still answers them, with the lengths of bodies. */
async function readOf(t: TestContext, bytes: string, takes?: () => boolean): Promise<readonly string[]> {
  const read: string[] = [];
  let looks = 0;
  const note = (method: string | undefined, path: string | undefined, headers: IncomingHttpHeaders) => {
    read.push(`${method} ${path} ${headers['content-length']}`);
    looks = 0;
  };
  const { dial } = await start(
    t,
    {
      ...(takes ? { takes } : {}),
      waits: () => false,
      answer: async ({ method, path, headers }) => {
        note(method, path, headers);
        return { status: 200, body: '', contentType: 'text/plain' };
      },
    },
    async (request, response) => {
      note(request.method, request.url, request.headers);
      request.resume();
      response.end();
    },
  );
  const socket = await dial();
  socket.on('error', () => undefined).on('end', () => socket.end());
  socket.on('data', () => {
    looks = 0;
  });
  socket.write(bytes, 'latin1');
  // In looks, not in time: where this process stands still, so do the servers in it.
  for (; looks < silentLooks && !socket.closed; looks++) await sleep(lookMs);
  socket.destroy();
  return read;
}

test('of bytes that are not as they should be the same requests are read as node:http alone reads', async (t) => {
  const rng = createRng(2);
  const rounds = Array.from({ length: 300 }, async (_, round) => {
    const text = Array.from({ length: 1 + rng.int(3) }, () => requests[rng.int(requests.length)]?.[0]).join(
      '',
    );
    const bytes = mutated(text, rng);
    const [own, expected] = await Promise.all([readOf(t, bytes), readOf(t, bytes, () => false)]);
    assert.deepEqual(own, expected, `round ${round}: ${JSON.stringify(bytes)}`);
    return own.length;
  });
  const read = await Promise.all(rounds);
  assert.ok(
    read.some((count) => count === 0) && read.some((count) => count > 2),
    'some break all, some nothing',
  );
});

test('plain requests are read here until another one comes, and by node:http from then on', async (t) => {
  const { dial } = await start(t);
  const socket = await dial();
  const ask = (request: string) => {
    socket.write(request);
    return answers(socket, 1);
  };
  assert.deepEqual(await ask(post('/plain', 'a')), ['plain POST /plain a']);
  assert.deepEqual(await ask(get('/plain')), ['plain GET /plain ']);
  assert.deepEqual(await ask(get('/plain?b')), ['node GET /plain?b ']);
  assert.deepEqual(await ask(post('/plain', 'c')), ['node POST /plain c']);
});

test('a body in pieces is waited for; where nobody waits, or not so long, node:http has it', async (t) => {
  const { dial } = await start(t, { waits: ({ path }) => path !== '/plain/limited' });
  const large = 'x'.repeat(3_000_000);
  const socket = await dial();
  socket.write(post('/plain', large));
  assert.deepEqual(await answers(socket, 1), [`plain POST /plain ${large}`]);

  /** Sends a request but for its last byte behind another, so that it is there when that is answered. */
  const begin = async (request: string) => {
    const connection = await dial();
    connection.write(get('/plain') + request.slice(0, -1));
    assert.deepEqual(await answers(connection, 1), ['plain GET /plain ']);
    return connection;
  };
  const limited = await begin(post('/plain/limited', 'ab'));
  await sleep(50);
  limited.write('b');
  assert.deepEqual(await answers(limited, 1), ['node POST /plain/limited ab']);

  const slow = await begin(post('/plain/slow', 'ab'));
  await sleep(1200);
  slow.write('b');
  assert.deepEqual(await answers(slow, 1), ['node POST /plain/slow ab']);
});

test('a caller that ends its side gets the answers that it asked for', async (t) => {
  const { dial } = await start(t);
  const socket = await dial();
  socket.end(post('/plain', 'a') + post('/plain', 'b') + get('/plain'));
  assert.deepEqual(await answers(socket, 4), [
    'plain POST /plain a',
    'plain POST /plain b',
    'plain GET /plain ',
  ]);
});

test('a caller that takes no answers is sent no more than fits on the way', async (t) => {
  const body = 'y'.repeat(1_000_000);
  let answered = 0;
  const { dial } = await start(t, {
    answer: async () => {
      answered++;
      return { status: 200, body: Buffer.from(`<${body}>`), contentType: 'text/plain' };
    },
  });
  const socket = await dial();
  const count = 100;
  socket.write(post('/plain', 'a').repeat(count));
  for (let before = -1; answered === 0 || answered > before; ) {
    before = answered;
    await sleep(100);
  }
  assert.ok(answered < count / 2, `${answered} answers are under way`);
  socket.end();
  let bytes = 0;
  for await (const chunk of socket) bytes += (chunk as Buffer).length;
  assert.ok(bytes > count * body.length, 'and the others when it takes them');
  assert.equal(answered, count);
});

test('a request that ends its connection is the last one answered', async (t) => {
  const { dial } = await start(t);
  const socket = await dial();
  socket.write(get('/plain/1') + post('/plain/2', 'two', 'connection: close\r\n'));
  const heads = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
  assert.deepEqual(told(heads), ['plain GET /plain/1 ', 'plain POST /plain/2 two']);
  assert.match(heads, /keep-alive[^<]*<[^<]*connection: close/s);

  const hasty = await dial();
  hasty.write(post('/plain/1', 'one', 'connection: close\r\n') + get('/plain/2'));
  const [first, ...others] = await answers(hasty, 2);
  assert.deepEqual([first, others], ['node POST /plain/1 one', []]);
});

test('connections that nobody uses end, those of a server that drains with their answer', async (t) => {
  const idle = await start(t, { keepAliveMs: 100 });
  const socket = await idle.dial();
  socket.write(get('/plain'));
  await answers(socket, 1);
  await once(socket.resume(), 'end');

  const silent = await start(t, { headersTimeoutMs: 100 });
  const quiet = await silent.dial();
  const [told408] = (await once(quiet, 'data')) as [Buffer];
  assert.match(told408.toString(), /^HTTP\/1.1 408/);

  let draining = false;
  const { dial, plain } = await start(t, { draining: () => draining });
  const [busy, waiting] = [await dial(), await dial()];
  waiting.write(get('/plain'));
  await answers(waiting, 1);
  draining = true;
  busy.write(get('/plain'));
  const [last] = (await once(busy, 'data')) as [Buffer];
  assert.match(last.toString(), /connection: close/);
  await once(busy.resume(), 'end');
  plain.closeIdle();
  await once(waiting.resume(), 'end');
});
