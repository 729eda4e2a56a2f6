import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Server, TlsOptions } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { fail } from '../../../core/errors.ts';
import { formatTime } from '../../../core/time.ts';
import type { Logger } from '../../../platform/log/index.ts';

const lookEveryMs = 2000;
const dayMs = 86_400_000;
/** A certificate that ends sooner is told of at the start and each day. */
const endsSoonMs = 14 * dayMs;

const oneCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Where a certificate (with its chain) and its private key are, in PEM. */
interface TlsPaths {
  readonly cert: string;
  readonly key: string;
  /** Certificates of who signs those of callers: with it a caller without one of theirs is turned away. */
  readonly clientCa?: string;
}

/**
 * A certificate out of files. When they change, new connections get the new one and open ones go on; files that do not
 * fit together, as they are between two writes, leave the one before in force.
 */
export class TlsFiles {
  readonly #paths: TlsPaths;
  readonly #logger: Logger;
  readonly #servers = new Set<Pick<Server, 'setSecureContext'>>();
  readonly #onChange = () => this.reload();
  readonly #daily: NodeJS.Timeout;
  #current: Files;

  /** Throws `tls_files_unreadable`, `tls_client_ca_unreadable`. */
  constructor(paths: TlsPaths, logger: Logger) {
    this.#paths = paths;
    this.#logger = logger;
    this.#current = read(paths);
    for (const path of watched(paths)) {
      watchFile(path, { interval: lookEveryMs, persistent: false }, this.#onChange);
    }
    this.#warnOfTimes();
    this.#daily = setInterval(() => this.#warnOfTimes(), dayMs).unref();
  }

  /** What a server is made with. */
  get options(): TlsOptions {
    return this.#current;
  }

  /** Has a server get every later certificate. */
  attach(server: Pick<Server, 'setSecureContext'>): void {
    this.#servers.add(server);
  }

  /** Reads the files now, instead of when the change of them is seen. */
  reload(): void {
    try {
      const next = read(this.#paths);
      const { cert, key, ca } = this.#current;
      if (next.cert === cert && next.key === key && next.ca === ca) return;
      this.#current = next;
      for (const server of this.#servers) server.setSecureContext(next);
      this.#logger.info({ cert: this.#paths.cert }, 'the certificate is a new one now');
      this.#warnOfTimes();
    } catch (error) {
      this.#logger.warn({ err: error }, 'the certificate changed and cannot be used: the one before stays');
    }
  }

  close(): void {
    for (const path of watched(this.#paths)) unwatchFile(path, this.#onChange);
    clearInterval(this.#daily);
    this.#servers.clear();
  }

  /** Callers refuse a certificate out of its time, and nothing of that is seen here. */
  #warnOfTimes(): void {
    const problem = problemOfTimes(this.#current.cert, Date.now());
    if (problem !== null) this.#logger.warn({ cert: this.#paths.cert }, problem);
  }
}

interface Files extends TlsOptions {
  readonly cert: string;
}

function watched({ cert, key, clientCa }: TlsPaths): readonly string[] {
  return clientCa === undefined ? [cert, key] : [cert, key, clientCa];
}

/** What is wrong with the times that the certificates of a file are good for, of the first that has something; null: nothing. */
export function problemOfTimes(pem: string, nowMs: number): string | null {
  const problems = (pem.match(oneCertificate) ?? []).map((text, place) => {
    const certificate = new X509Certificate(text);
    const subject = certificate.subject.replaceAll('\n', ', ');
    return problemOf(certificate, place === 0 ? 'the certificate' : `${subject} of its chain`, nowMs);
  });
  return problems.find((problem) => problem !== null) ?? null;
}

function problemOf({ validFromDate, validToDate }: X509Certificate, what: string, nowMs: number) {
  const [fromMs, toMs] = [validFromDate.getTime(), validToDate.getTime()];
  const end = formatTime(toMs);
  if (nowMs < fromMs) return `${what} is good from ${formatTime(fromMs)} on: callers refuse it until then`;
  if (nowMs > toMs) return `${what} ended at ${end}: callers refuse it. Put a new one in its place`;
  return toMs - nowMs < endsSoonMs ? `${what} ends at ${end}: have a new one in its place before` : null;
}

/** Throws `tls_client_ca_unreadable`, also for a file without a certificate: it would let nobody in. */
function callersOf(clientCa: string): Pick<TlsOptions, 'ca' | 'requestCert' | 'rejectUnauthorized'> {
  try {
    const ca = readFileSync(clientCa, 'utf8');
    new X509Certificate(ca);
    return { ca, requestCert: true, rejectUnauthorized: true };
  } catch (error) {
    throw fail('tls_client_ca_unreadable', { clientCa, problem: (error as Error).message }, error);
  }
}

function read(paths: TlsPaths): Files {
  const callers = paths.clientCa === undefined ? {} : callersOf(paths.clientCa);
  try {
    const cert = readFileSync(paths.cert, 'utf8');
    const key = readFileSync(paths.key, 'utf8');
    told(`${paths.cert} holds no certificate`, () => new X509Certificate(cert));
    told(`${paths.key} holds no private key without a passphrase`, () => createPrivateKey(key));
    const files = { cert, key, minVersion: 'TLSv1.2' as const, ...callers };
    createSecureContext(files);
    return files;
  } catch (error) {
    throw fail('tls_files_unreadable', { ...paths, problem: (error as Error).message }, error);
  }
}

/** Puts what is wrong before what OpenSSL says of it, which names no file. */
function told(problem: string, parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    throw new Error(`${problem} (${(error as Error).message})`, { cause: error });
  }
}
