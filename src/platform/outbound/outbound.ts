import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import { errorMessage } from '../../core/error-message.ts';
import { shownAddress } from '../../core/shown-address.ts';
import { isPublicAddress } from './address.ts';
import { OutboundRefused } from './outbound-refused.ts';
import { type Resolve, systemResolve } from './resolve.ts';

/** Where this server may go for others. */
export interface OutboundPolicy {
  /** Lower case, without the colon. */
  readonly allowedSchemes: readonly string[];
  /** Also addresses on this machine and in private networks. */
  readonly allowPrivateAddresses: boolean;
}

/** A POST to an address that a user gave. */
interface OutboundPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What that address answered, whatever its status. */
export interface OutboundAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** The beginning of the answer's body, 64 KiB at most. */
  readonly body: string;
}

interface Target {
  readonly url: URL;
  /** What is resolved and called: the host in its one form, so that 0x7f.1 is 127.0.0.1. */
  readonly host: string;
  /** The host as it was written. */
  readonly written: string;
}

const longestAnswerBytes = 64 * 1024;

/**
 * Calls addresses that people or programs have given, without becoming their way into the network: the scheme
 * must be allowed, the host is resolved once, every address of it must be public, and the connection goes to the
 * addresses that were checked, so that a name cannot point elsewhere a moment later. Redirects are not followed
 * and proxies of the environment are not used. TLS is checked against the host's name as ever.
 */
export class Outbound {
  readonly #policy: OutboundPolicy;
  readonly #resolve: Resolve;

  constructor(policy: OutboundPolicy, resolve: Resolve = systemResolve) {
    this.#policy = policy;
    this.#resolve = resolve;
  }

  /** Checks an address without calling it. Throws `OutboundRefused`. */
  async check(url: string): Promise<void> {
    const target = this.#target(url);
    if (!this.#policy.allowPrivateAddresses) await this.#addresses(target);
  }

  /**
   * Posts a body. Every answer is an answer, redirects and errors too.
   *
   * @throws `OutboundRefused`; any other error when there was no answer in time
   */
  async post(url: string, post: OutboundPost): Promise<OutboundAnswer> {
    const target = this.#target(url);
    const signal = AbortSignal.any([
      AbortSignal.timeout(post.timeoutMs),
      ...(post.signal ? [post.signal] : []),
    ]);
    const addresses = await this.#addresses(target);
    const { username, password, port, pathname, search } = target.url;
    const body = Buffer.from(post.body);
    const options: RequestOptions = {
      method: 'POST',
      // The host as it was checked, which for a literal is the address itself; names get the checked addresses.
      host: target.host,
      port: port === '' ? undefined : port,
      path: `${pathname}${search}`,
      headers: { ...post.headers, 'content-length': body.length },
      lookup: pinned(addresses),
      agent: false,
      signal,
      ...(username ? { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` } : {}),
    };
    if (target.url.protocol !== 'https:') return exchange(httpRequest, options, body, signal);
    // Loaded here: most servers call nobody.
    const { request } = await import('node:https');
    return exchange(request, options, body, signal);
  }

  #target(text: string): Target {
    const [, scheme = '', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):)?(.*)$/is.exec(text) ?? [];
    const authority = /^\/\/([^/?#]*)/.exec(rest)?.[1] ?? '';
    // Messages are kept with deliveries, and shown.
    const shown = shownAddress(text);
    const malformed = (problem: string) =>
      new OutboundRefused('malformed', problem, '', `"${shown}" is not a URL: ${problem}`);
    if (authority.includes('[') !== authority.includes(']')) throw malformed('Invalid IPv6 URL');
    const { allowedSchemes } = this.#policy;
    if (!allowedSchemes.includes(scheme.toLowerCase())) {
      const message = `the scheme of "${shown}" is not allowed; allowed are ${allowedSchemes.join(', ')}`;
      throw new OutboundRefused('scheme', scheme.toLowerCase(), allowedSchemes.join(', '), message);
    }
    if (/^([^@]*@)?(:\d*)?$/.test(authority)) {
      throw new OutboundRefused('no-host', text, '', `"${shown}" names no host`);
    }
    if (!URL.canParse(text)) throw malformed('it cannot be read');
    const url = new URL(text);
    const written = authority
      .replace(/^.*@/, '')
      .replace(/:\d*$/, '')
      .replace(/^\[|\]$/g, '');
    return { url, host: url.hostname.replace(/^\[|\]$/g, ''), written: written.toLowerCase() };
  }

  /** The addresses of a host, all of them allowed. */
  async #addresses({ host, written }: Target): Promise<readonly string[]> {
    const addresses = isIP(host) === 0 ? await this.#resolved(host, written) : [host];
    const refused = this.#policy.allowPrivateAddresses
      ? undefined
      : addresses.find((address) => !isPublicAddress(address));
    if (refused !== undefined) {
      const message = `${written} is at ${refused}, which is not a public address`;
      throw new OutboundRefused('not-public', written, refused, message);
    }
    return addresses;
  }

  async #resolved(host: string, written: string): Promise<readonly string[]> {
    const refuse = (why: string) =>
      new OutboundRefused('unresolvable', written, why, `${written} cannot be resolved: ${why}`);
    let addresses: readonly string[];
    try {
      addresses = await this.#resolve(host);
    } catch (error) {
      throw refuse(errorMessage(error));
    }
    if (addresses.length === 0) throw refuse('it has no address');
    return addresses;
  }
}

/** A resolver that knows these addresses only. */
function pinned(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    const [first] = found;
    if (options.all) callback(null, found);
    else callback(null, first?.address ?? '', first?.family);
  };
}

function exchange(
  request: typeof httpRequest,
  options: RequestOptions,
  body: Buffer,
  signal: AbortSignal,
): Promise<OutboundAnswer> {
  return new Promise((resolve, reject) => {
    // The abort's own error says only that it was aborted; its reason says why.
    const fail = (error: Error): void =>
      reject(signal.aborted && signal.reason instanceof Error ? signal.reason : error);
    const sending = request(options, (answer) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      const end = (): void => {
        const text = Buffer.concat(chunks).subarray(0, longestAnswerBytes).toString('utf8');
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text });
      };
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        sizeBytes += chunk.length;
        if (sizeBytes < longestAnswerBytes) return;
        end();
        sending.destroy();
      });
      answer.once('end', end);
      answer.on('error', fail);
    });
    sending.on('error', fail);
    sending.end(body);
  });
}
