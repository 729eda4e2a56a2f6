import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { listen, takeWaiting } from './listen.ts';

test('all connections that wait are taken before the port is closed, and answered then', async (t) => {
  const answered: Socket[] = [];
  const server = createServer((socket) => answered.push(socket));
  const port = await listen(server, '127.0.0.1', 0, '--serve-port');
  const callers = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'));
  t.after(() => {
    for (const socket of [...callers, ...answered]) socket.destroy();
  });
  // They connect, and nobody has taken them: the event loop has not turned.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  const answerTaken = await takeWaiting(server, 60_000);
  assert.equal(answered.length, 0, 'who is answered connects anew, and waits again');
  server.close();
  await answerTaken();
  assert.equal(answered.length, callers.length);
});
