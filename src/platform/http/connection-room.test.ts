import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createLogger } from '../log/index.ts';
import { Registry } from '../metrics/index.ts';
import { ConnectionRoom, type OpenFiles } from './connection-room.ts';

/** Two servers that share the room of a process. */
async function guarded(t: TestContext, connections: number, openFiles: OpenFiles) {
  const metrics = new Registry('serve');
  const logger = createLogger('serve', 'silent');
  const told: string[] = [];
  logger.warn = (_facts: object, text?: string) => void told.push(text ?? '');
  const bound = { connections, setting: '--serve-max-connections' };
  const room = await ConnectionRoom.open({ bound, logger, metrics, openFiles });
  const dials: (() => Promise<Socket | null>)[] = [];
  for (let i = 0; i < 2; i++) {
    const server = createServer((socket) => socket.write('hello'));
    room.guard(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const open = new Set<Socket>();
    t.after(() => {
      for (const socket of open) socket.destroy();
      server.close();
    });
    dials.push(async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      open.add(socket);
      const isTaken = await Promise.race([
        once(socket, 'data').then(() => true),
        once(socket, 'close').then(() => false),
      ]);
      return isTaken ? socket : null;
    });
  }
  t.after(() => room.close());
  const refused = async () =>
    Number(/^millrace_connections_refused_total(?:\{.*\})? (\d+)$/m.exec(await metrics.metrics())?.[1]);
  const [first, second] = dials as [(typeof dials)[0], (typeof dials)[0]];
  return { first, second, refused, told };
}

test('connections beyond the setting are closed at once, over all servers, counted and told once', async (t) => {
  const { first, second, refused, told } = await guarded(t, 2, async () => null);
  const kept = await first();
  assert.ok(kept && (await second()), 'two are taken');
  for (const dial of [first, second, first]) assert.equal(await dial(), null, 'a third is not');
  assert.equal(await refused(), 3);
  assert.deepEqual(told, ['new connections are closed at once: --serve-max-connections is 2']);
  kept.destroy();
  // The server hears of it a turn later.
  while (!(await second())) assert.ok((await refused()) < 1000);
});

test('connections leave files of the process to what else it does', async (t) => {
  // A quarter of forty is kept back, and 28 are open already.
  const { first, refused, told } = await guarded(t, 0, async () => ({ open: 28, most: 40 }));
  assert.ok((await first()) && (await first()));
  assert.equal(await first(), null);
  assert.equal(await refused(), 1);
  assert.match(told[0] ?? '', /may have 40 files open; raise that limit \(ulimit -n/);
});
