import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { anyPattern } from './patterns.ts';

/** What browsers may do with the server, with the meanings and standards of MLflow's server. */
export interface BrowserGuardOptions {
  /** Host headers that are answered; `*` wildcards. Undefined: this machine and private addresses. */
  readonly allowedHosts: readonly string[] | undefined;
  /** Hosts that are answered on top of those: the names that the server itself was given. */
  readonly ownHosts: readonly string[];
  /** Origins that may write, beside those of this machine and the page's own; `*` wildcards. */
  readonly allowedOrigins: readonly string[];
  readonly frameOptions: 'SAMEORIGIN' | 'DENY' | 'NONE';
  /** The paths that answer to any Host. */
  readonly probes: ReadonlySet<string>;
}

/**
 * Hosts answered where none are named: this machine, and the addresses of private networks. MLflow's list has
 * patterns such as `10.*`, which a name like 10.evil.com fits too.
 */
const localOrPrivate =
  /^(localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0|10(\.\d{1,3}){3}|192\.168(\.\d{1,3}){2}|172\.(1[6-9]|2\d|3[01])(\.\d{1,3}){2}|\[f[cd][0-9a-f:]+\])(:\d+)?$/i;
const localOrigin = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;
/** What pages of other origins may read, where they are let in. */
const apiPath = /^\/(ajax-)?api\/|^\/v1\//;
const writes = new Set(['POST', 'PUT', 'DELETE', 'PATCH']);

const wrongHost = (host: string) =>
  `Invalid Host header - possible DNS rebinding attack detected\nIf "${host}" is this server, name it in MILLRACE_ALLOWED_HOSTS (--allowed-hosts), for instance ${host.replace(/:\d+$/, '')}*.\n`;
const wrongOrigin = (origin: string) =>
  `Cross-origin request blocked\nIf pages of "${origin}" may write here, name it in MILLRACE_CORS_ALLOWED_ORIGINS (--cors-allowed-origins).\n`;

/**
 * Refuses requests that a page of somebody else makes in a user's browser: a Host header that is not ours (DNS
 * rebinding), and writes from foreign origins; answers what browsers ask before they cross origins, and says who
 * may frame our pages.
 */
export function addBrowserGuard(app: FastifyInstance, options: BrowserGuardOptions): void {
  const { allowedHosts, ownHosts, allowedOrigins, probes } = options;
  const isNamed = anyPattern([...(allowedHosts ?? []), ...withPorts(ownHosts)]);
  const isHost = (host: string) => isNamed(host) || (allowedHosts === undefined && localOrPrivate.test(host));
  const isOrigin = anyPattern(allowedOrigins);
  const anyOrigin = allowedOrigins.includes('*');

  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-content-type-options', 'nosniff');
    if (options.frameOptions !== 'NONE') void reply.header('x-frame-options', options.frameOptions);
    const path = request.url.split('?', 1)[0] ?? '';
    const { host = '', origin } = request.headers;
    if (!probes.has(path) && !isHost(host)) return refuse(reply, wrongHost(host));
    if (origin === undefined) return;
    const isOwn = origin.slice(origin.indexOf('//') + 2) === host;
    const isAllowed = isOwn || localOrigin.test(origin) || isOrigin(origin);
    // Whatever the path: //api/v1 and /%61pi/v1 lead to the same routes as /api/v1.
    if (writes.has(request.method) && !isAllowed) return refuse(reply, wrongOrigin(origin));
    if (!apiPath.test(path)) return;
    if (isAllowed) allow(reply, origin, anyOrigin);
    if (request.method === 'OPTIONS') return preflight(request, reply, isAllowed);
  });
}

function allow(reply: FastifyReply, origin: string, anyOrigin: boolean): void {
  // The letter of the rules: cookies never go along where every origin is let in.
  void reply.headers(
    anyOrigin
      ? { 'access-control-allow-origin': '*' }
      : { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'origin' },
  );
  void reply.header('access-control-expose-headers', '*');
}

function preflight(request: FastifyRequest, reply: FastifyReply, isAllowed: boolean): FastifyReply {
  if (isAllowed) {
    const wanted = request.headers['access-control-request-headers'];
    void reply.headers({
      'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS, PATCH',
      'access-control-max-age': '600',
      ...(wanted === undefined ? {} : { 'access-control-allow-headers': wanted }),
    });
  }
  return reply.code(204).send();
}

function refuse(reply: FastifyReply, text: string): FastifyReply {
  return reply.code(403).type('text/plain; charset=utf-8').send(text);
}

function withPorts(hosts: readonly string[]): readonly string[] {
  return hosts.flatMap((host) => [host, `${host.replace('[', '[[]')}:*`]);
}
