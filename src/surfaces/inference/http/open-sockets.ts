import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The connections of a server. Node counts one that has never sent anything as busy, and looks at no time limits any
 * more once its server closes: a client that opens connections ahead of its requests would keep it from ending.
 */
export class OpenSockets {
  readonly #open = new Set<Socket>();

  constructor(server: Server) {
    const add = (socket: Socket) => {
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
    };
    server.on('connection', add);
    server.on('secureConnection', add);
  }

  /** Closes the connections over which nothing has come. */
  closeUnused(): void {
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy();
  }
}
