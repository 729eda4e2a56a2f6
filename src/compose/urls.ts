import type { Settings } from '../platform/config/index.ts';

/** An address to connect to for one to listen on. */
export function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

/** Where the control of these settings answers on this machine, whatever `url` says. */
export function ownUrlOf(settings: Settings): string {
  return `http://${reachable(settings.host)}:${settings.port}${settings.staticPrefix}`;
}

/** Where control is: as set, else on this machine. */
export function controlUrlOf(settings: Settings): string {
  return settings.url ?? ownUrlOf(settings);
}
