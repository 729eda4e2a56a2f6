/** What of HTTP itself is bounded. */
export interface HttpLimits {
  /** Largest body, as it comes and after unpacking. */
  readonly bodyBytes: number;
  /** All headers of a request together. */
  readonly headerBytes: number;
  /** Until when the headers of a request have to be there, and the whole request. 0: for ever. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long open connections have, once the server drains, to come with a last request. */
  readonly drainMs: number;
  /** How long requests that are not complete have, once the server takes no new ones, to become so. */
  readonly halfSentMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  bodyBytes: 64 * 1024 * 1024,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  drainMs: 250,
  halfSentMs: 3_000,
};

/** How often connections are looked at for timeouts: a slow one is cut at most so much late. */
export const timeoutCheckMs = 1_000;
