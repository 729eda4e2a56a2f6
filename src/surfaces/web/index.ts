import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic, { type FastifyStaticOptions } from '@fastify/static';
import { fail } from '../../core/errors.ts';
import type { FastifyInstance, FastifyReply } from '../../platform/http/index.ts';

export interface WebOptions {
  /** In front of every path; empty for none. */
  readonly pathPrefix: string;
  /** Who may show our pages in a frame: our own pages, nobody, everybody. */
  readonly frames: 'SAMEORIGIN' | 'DENY' | 'NONE';
}

const frameAncestors = { SAMEORIGIN: ["frame-ancestors 'self'"], DENY: ["frame-ancestors 'none'"], NONE: [] };

/**
 * Nothing but our own files: no script or style in the page, no other host.
 * Charts set styles through the DOM, which a style-src of 'self' allows.
 */
function contentSecurityPolicy(frames: WebOptions['frames']): string {
  return [
    "default-src 'self'",
    "img-src 'self' data: blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    ...frameAncestors[frames],
  ].join('; ');
}

const notBuilt =
  'The web app is not built. Run "make web", then reload this page. The API works without it.\n';

/** Serves the built web app with history fallback, and answers unknown API addresses with a problem body. */
export function addWeb(app: FastifyInstance, directory: string, options: WebOptions): void {
  const index = join(directory, 'index.html');
  const built = existsSync(index);
  const policy = contentSecurityPolicy(options.frames);
  // Read anew each time: a build that replaces the files while the server runs names other scripts.
  const page =
    built && options.pathPrefix
      ? async () => prefixed(await readFile(index, 'utf8'), options.pathPrefix)
      : null;
  if (built) {
    const served: Omit<FastifyStaticOptions, 'root'> = {
      cacheControl: false,
      setHeaders(reply, path) {
        const immutable = path.includes('/assets/');
        reply.header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
        reply.header('content-security-policy', policy);
        reply.header('x-content-type-options', 'nosniff');
        reply.header('referrer-policy', 'same-origin');
      },
    };
    // What is there now: a route for every address would take those of unknown routes from their surfaces.
    const globIgnore = ['assets/**', ...(page === null ? [] : ['index.html'])];
    const index = page === null ? {} : { index: false as const };
    void app.register(fastifyStatic, { ...served, ...index, root: directory, wildcard: false, globIgnore });
    // What is there when it is asked for: each build has other names.
    const assets = join(directory, 'assets');
    if (existsSync(assets))
      void app.register(fastifyStatic, { ...served, root: assets, prefix: '/assets/', decorateReply: false });
  }
  const sendPage = (reply: FastifyReply, text: string): FastifyReply =>
    reply
      .headers({ 'content-security-policy': policy, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(text);
  if (page !== null) app.get('/', async (_request, reply) => sendPage(reply, await page()));
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?')[0] ?? '/';
    const wantsPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (!wantsPage || path.startsWith('/api/') || path.startsWith('/assets/')) {
      throw fail('route_not_found', { method: request.method, path });
    }
    if (!built) return reply.code(503).type('text/plain; charset=utf-8').send(notBuilt);
    return page === null ? reply.sendFile('index.html') : sendPage(reply, await page());
  });
}

/** The page with its own addresses behind the prefix, which it also names for the app to find. */
function prefixed(page: string, prefix: string): string {
  const escaped = prefix.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return page
    .replace(/(<(?:script|link|img)\b[^>]*? (?:src|href)=")\.?\//g, `$1${escaped}/`)
    .replace('<head>', `<head>\n    <meta name="millrace-prefix" content="${escaped}" />`);
}
