import type { FastifyReply } from 'fastify';

const keepAliveMs = 15_000;

export interface SseStream {
  /** Resolves when the reader has room for more, or is gone: who waits for it keeps little for one that reads slowly. */
  send(event: { readonly id?: string; readonly event?: string; readonly data: unknown }): Promise<void>;
  /** Resolves when the reader has gone away. */
  readonly closed: Promise<void>;
}

/** Turns a reply into a stream of server-sent events (WHATWG HTML, section 9.2). */
export function openSse(reply: FastifyReply): SseStream {
  reply.hijack();
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  reply.raw.write(': open\n\n');
  const timer = setInterval(() => reply.raw.write(': keep-alive\n\n'), keepAliveMs);
  const closed = new Promise<void>((resolve) => {
    reply.raw.once('close', () => {
      clearInterval(timer);
      resolve();
    });
  });
  return {
    closed,
    async send({ id, event, data }) {
      const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
      if (!reply.raw.write(`${head}data: ${JSON.stringify(data)}\n\n`)) await drained(reply.raw);
    },
  };
}

function drained(response: FastifyReply['raw']): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.once('drain', done).once('close', done);
  });
}
