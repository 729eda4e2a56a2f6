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
