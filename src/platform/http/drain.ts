import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { fail } from '../../core/errors.ts';

const lookMs = 20;

/** Requests under way: a server that stops ends those that stream or wait for something. */
export class OpenRequests {
  readonly #open = new Map<FastifyReply, AbortController>();

  /** @returns a signal that aborts when the caller has gone, and with `control_stopping` when the server stops */
  add(reply: FastifyReply): AbortSignal {
    const abort = new AbortController();
    this.#open.set(reply, abort);
    reply.raw.once('close', () => {
      this.#open.delete(reply);
      abort.abort();
    });
    return abort.signal;
  }

  /** Ends what waits, and breaks off streams, whose readers connect anew. */
  end(): void {
    for (const [reply, abort] of this.#open) {
      abort.abort(fail('control_stopping', {}));
      if (reply.sent && !reply.raw.writableEnded) reply.raw.destroy();
    }
  }
}

/**
 * Has a server that stops close connections as soon as nothing is under way on them: also those that become idle later,
 * and those over which nothing has come yet, which node takes for busy (a browser opens some ahead).
 */
export function closeWhenIdle(app: FastifyInstance): void {
  const { server } = app;
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  app.addHook('preClose', async () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    const look = setInterval(() => server.closeIdleConnections(), lookMs).unref();
    server.once('close', () => clearInterval(look));
  });
}

/**
 * Stops a server without a failed request: takes nothing new, answers what is under way, uploads to their end, and
 * breaks off what is not done when the time is up.
 */
export async function drain(app: FastifyInstance, limitMs: number): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), limitMs);
  await app.close().finally(() => clearTimeout(cut));
}
