import type { Server } from 'node:net';
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

/**
 * Resolves when no connection waits to be taken, or after a while: closing the port cuts off those that wait. The event
 * loop takes one connection in each of its turns, so callers who all connect anew wait in a queue.
 */
export async function waitingTaken(server: Server, limitMs: number): Promise<void> {
  const untilMs = performance.now() + limitMs;
  let isTaken = true;
  const onTaken = () => {
    isTaken = true;
  };
  server.on('connection', onTaken);
  while (isTaken && performance.now() < untilMs) {
    isTaken = false;
    // Comes behind the look for connections.
    await new Promise((resolve) => setImmediate(resolve));
  }
  server.off('connection', onTaken);
}
