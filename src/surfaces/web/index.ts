import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { fail } from '../../core/errors.ts';
import type { FastifyInstance } from '../../platform/http/index.ts';

/**
 * Nothing but our own files: no script or style in the page, no other host, not to be framed.
 * Charts set styles through the DOM, which a style-src of 'self' allows.
 */
const contentSecurityPolicy = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const notBuilt =
  'The web app is not built. Run "make web", then reload this page. The API works without it.\n';

/** Serves the built web app with history fallback, and answers unknown API addresses with a problem body. */
export function addWeb(app: FastifyInstance, directory: string): void {
  const built = existsSync(join(directory, 'index.html'));
  if (built) {
    void app.register(fastifyStatic, {
      root: directory,
      wildcard: false,
      cacheControl: false,
      setHeaders(reply, path) {
        const immutable = path.includes('/assets/');
        reply.header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
        reply.header('content-security-policy', contentSecurityPolicy);
        reply.header('x-content-type-options', 'nosniff');
        reply.header('referrer-policy', 'same-origin');
      },
    });
  }
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '/';
    const wantsPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (!wantsPage || path.startsWith('/api/') || path.startsWith('/assets/')) {
      throw fail('route_not_found', { method: request.method, path });
    }
    if (!built) return reply.code(503).type('text/plain; charset=utf-8').send(notBuilt);
    return reply.sendFile('index.html');
  });
}
