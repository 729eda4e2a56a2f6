import { lookup } from 'node:dns/promises';

/** Finds all addresses of a host; throws when it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const timeoutMs = 5_000;

/** Asks the operating system, as every other program on the machine does, for at most 5 s. */
export const systemResolve: Resolve = async (host) => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `timed out resolving ${host} after ${timeoutMs / 1000} seconds`;
    timer = setTimeout(() => reject(new Error(message)), timeoutMs);
  });
  try {
    const found = await Promise.race([lookup(host, { all: true, verbatim: true }), late]);
    return found.map(({ address }) => address);
  } finally {
    clearTimeout(timer);
  }
};
