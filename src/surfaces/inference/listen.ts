import type { Server } from 'node:net';
import { fail } from '../../core/errors.ts';

/**
 * Listens and returns the port in use. Throws `port_taken`.
 *
 * @param setting how the user names another port, for the message
 */
export function listen(server: Server, host: string, port: number, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? fail('port_taken', { port, host, setting }, error) : error),
    );
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
