import type { FastifyReply } from 'fastify';

const keepAliveMs = 15_000;

export interface SseStream {
  send(event: { readonly id?: string; readonly event?: string; readonly data: unknown }): void;
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
    send({ id, event, data }) {
      const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
      reply.raw.write(`${head}data: ${JSON.stringify(data)}\n\n`);
    },
  };
}
