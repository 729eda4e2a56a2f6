import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { listen, waitingTaken } from './listen.ts';

test('all connections that wait are taken before the port may be closed', async (t) => {
  const taken: Socket[] = [];
  const server = createServer((socket) => taken.push(socket));
  const port = await listen(server, '127.0.0.1', 0, '--serve-port');
  const callers = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'));
  t.after(() => {
    for (const socket of [...callers, ...taken]) socket.destroy();
    server.close();
  });
  // They connect, and nobody has taken them: the event loop has not turned.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  await waitingTaken(server, 60_000);
  assert.equal(taken.length, callers.length);
});
