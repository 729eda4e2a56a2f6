import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { fail } from '../../core/errors.ts';

/** What an address has behind the prefix, from its `/` on; null for one that does not begin with it. */
function behind(prefix: string, url: string): string | null {
  const rest = url.slice(prefix.length);
  if (!url.startsWith(prefix) || (rest !== '' && rest[0] !== '/' && rest[0] !== '?')) return null;
  return rest[0] === '/' ? rest : `/${rest}`;
}

/** Takes what stands in front of every path away before routes are looked for. */
export function withoutPrefix(prefix: string): (request: IncomingMessage) => string {
  return (request) => {
    const url = request.url ?? '/';
    return behind(prefix, url) ?? url;
  };
}

/** Refuses what comes without the prefix; a browser that asks for the bare address is shown the way. */
export function addPathPrefix(app: FastifyInstance, prefix: string): void {
  app.addHook('onRequest', async (request, reply) => {
    if (behind(prefix, request.originalUrl) !== null) return;
    if (request.method === 'GET' && request.url === '/') return reply.redirect(`${prefix}/`);
    const path = request.url.split('?', 1)[0];
    throw fail('outside_prefix', { method: request.method, path, prefix });
  });
}
