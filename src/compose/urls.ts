import type { Settings } from '../platform/config/index.ts';

/** The host of a URL that reaches what listens on an address; those of IPv6 stand in brackets there. */
export function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** Where the control of these settings answers on this machine, whatever `url` says. */
export function ownUrlOf(settings: Settings): string {
  return `http://${reachable(settings.host)}:${settings.port}${settings.staticPrefix}`;
}

/** Where control is: as set, else on this machine. */
export function controlUrlOf(settings: Settings): string {
  return settings.url ?? ownUrlOf(settings);
}
