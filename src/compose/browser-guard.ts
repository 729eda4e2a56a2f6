import type { Settings } from '../platform/config/index.ts';
import type { BrowserGuardOptions } from '../platform/http/index.ts';

/** Asked by machines that know the server by any name: probes read nothing and change nothing. */
const probes: ReadonlySet<string> = new Set(['/health', '/version', '/healthz', '/readyz']);
const everyAddress = new Set(['0.0.0.0', '::']);

/** What the settings say about browsers; undefined when they say to let everything through. */
export function browserGuardOf(settings: Settings): BrowserGuardOptions | undefined {
  if (settings.disableSecurityMiddleware) return undefined;
  const named = settings.url === undefined ? [] : [new URL(settings.url).hostname];
  const bound = everyAddress.has(settings.host) ? [] : [settings.host];
  return {
    allowedHosts: settings.allowedHosts,
    ownHosts: [...named, ...bound].map((host) =>
      host.includes(':') && !host.startsWith('[') ? `[${host}]` : host,
    ),
    allowedOrigins: settings.corsAllowedOrigins ?? [],
    frameOptions: settings.xFrameOptions,
    probes,
  };
}
