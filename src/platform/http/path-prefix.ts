import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { fail } from '../../core/errors.ts';

const outside = Symbol('outside the path prefix');

/** Takes what stands in front of every path away before routes are looked for. */
export function withoutPrefix(prefix: string): (request: IncomingMessage) => string {
  return (request) => {
    const url = request.url ?? '/';
    const rest = url.slice(prefix.length);
    if (url.startsWith(prefix) && (rest === '' || rest[0] === '/' || rest[0] === '?')) {
      return rest[0] === '/' ? rest : `/${rest}`;
    }
    (request as unknown as Record<symbol, boolean>)[outside] = true;
    return url;
  };
}

/** Refuses what comes without the prefix; a browser that asks for the bare address is shown the way. */
export function addPathPrefix(app: FastifyInstance, prefix: string): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!(request.raw as unknown as Record<symbol, boolean>)[outside]) return;
    if (request.method === 'GET' && request.url === '/') return reply.redirect(`${prefix}/`);
    const path = request.url.split('?', 1)[0];
    throw fail('outside_prefix', { method: request.method, path, prefix });
  });
}
