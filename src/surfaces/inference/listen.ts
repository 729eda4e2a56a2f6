import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenError } from '../../platform/http/index.ts';

/**
 * Listens and returns the port in use. Throws `port_taken`, `address_unusable`.
 *
 * @param setting how the user names another port, for the message
 */
export function listen(server: Server, host: string, port: number, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(listenError(error, { host, port, setting })),
    );
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** Callers of whom none has come for so long wait for answers: the port is closed then. */
const quietMs = 20;
const lookMs = 2;
/**
 * Processes that share a port find it quiet at the same moment: callers who are answered by one connect anew when the
 * others have closed it too, not while they do.
 */
const apartMs = 50;

/**
 * Takes the connections that wait, until no more come or a while is over: closing the port cuts off those that wait.
 * The event loop takes one in each of its turns, so callers who all connect anew wait in a queue, and one who is
 * answered joins it again; therefore those that are taken here are answered afterwards.
 *
 * @returns has them answered; to be called once the port is closed, in the same turn
 */
export async function takeWaiting(server: Server, limitMs: number): Promise<() => Promise<void>> {
  const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
  const taken: Socket[] = [];
  const isGone = () => undefined;
  const beganMs = performance.now();
  let lastMs = beganMs;
  const onConnection = (socket: Socket) => {
    lastMs = performance.now();
    taken.push(socket.on('error', isGone));
  };
  server.removeAllListeners('connection').on('connection', onConnection);
  for (
    let nowMs = beganMs;
    nowMs < Math.min(lastMs + quietMs, beganMs + limitMs);
    nowMs = performance.now()
  ) {
    await sleep(lookMs);
  }
  // Where they come without end, the port is closed when none waits.
  for (let before = -1; before < taken.length && performance.now() < beganMs + 2 * limitMs; ) {
    before = taken.length;
    // Comes behind the look for connections.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return async () => {
    server.off('connection', onConnection);
    await sleep(apartMs);
    for (const listener of listeners) server.on('connection', listener);
    for (const socket of taken) {
      if (!socket.destroyed) server.emit('connection', socket);
      socket.off('error', isGone);
    }
  };
}
