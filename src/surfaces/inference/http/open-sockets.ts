import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { endUnlessAnswering } from './client-errors.ts';

/** The same for a connection and the one inside of it. */
const farEnd = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;

/**
 * The connections of a server. Node counts one that has never sent anything as busy, and looks at no time limits any
 * more once its server closes: a client that opens connections ahead of its requests would keep it from ending.
 */
export class OpenSockets {
  readonly #open = new Set<Socket>();
  /** Those that speak HTTP: with TLS, the ones inside of others. */
  readonly #speaking = new Set<Socket>();

  constructor(server: Server, { secure }: { readonly secure: boolean }) {
    const add = (socket: Socket, isSecured: boolean) => {
      const sets = isSecured === secure ? [this.#open, this.#speaking] : [this.#open];
      for (const set of sets) set.add(socket);
      socket.once('close', () => {
        for (const set of sets) set.delete(socket);
      });
    };
    server.on('connection', (socket: Socket) => add(socket, false));
    server.on('secureConnection', (socket: Socket) => add(socket, true));
  }

  /** Closes the connections over which nothing has come. */
  closeUnused(): void {
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy();
  }

  /**
   * Closes all connections but those on which a whole request is being answered.
   *
   * @param isAnswering tells it of connections that node:http does not read
   */
  closeUnfinished(isAnswering: (socket: Socket) => boolean): void {
    const secured = new Set([...this.#speaking].map(farEnd));
    for (const socket of this.#speaking) if (!isAnswering(socket)) endUnlessAnswering(socket);
    // What has not come to speak TLS yet carries no request.
    for (const socket of this.#open) if (!secured.has(farEnd(socket))) socket.destroy();
  }
}
