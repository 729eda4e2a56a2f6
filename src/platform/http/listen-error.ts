import { fail } from '../../core/errors.ts';

/** Where a server was to listen. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** How the user names another port. */
  readonly setting: string;
}

const unusable: ReadonlySet<string | undefined> = new Set([
  'EADDRNOTAVAIL',
  'EACCES',
  'EAFNOSUPPORT',
  'ENOTFOUND',
]);

/** Why a server does not listen: `port_taken`, `address_unusable`, or the error itself where nobody foresaw it. */
export function listenError(error: NodeJS.ErrnoException, { host, port, setting }: ListenAddress): Error {
  if (error.code === 'EADDRINUSE') return fail('port_taken', { port, host, setting }, error);
  if (!unusable.has(error.code)) return error;
  return fail('address_unusable', { port, host, setting, problem: error.message }, error);
}
