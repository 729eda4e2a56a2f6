/**
 * Why an address is not called: it is no URL, its scheme is not allowed, it names no host, the host has no
 * address, or one that is not public.
 */
export type RefusalKind = 'malformed' | 'scheme' | 'no-host' | 'unresolvable' | 'not-public';

/** An address that others gave and that is not called. Trying again by itself does not help. */
export class OutboundRefused extends Error {
  override readonly name = 'OutboundRefused';
  readonly kind: RefusalKind;
  /** The scheme, the host, or what was wrong with the URL. */
  readonly subject: string;
  /** The address that is not public, or what the resolver said. */
  readonly found: string;

  constructor(kind: RefusalKind, subject: string, found: string, message: string) {
    super(message);
    this.kind = kind;
    this.subject = subject;
    this.found = found;
  }
}
