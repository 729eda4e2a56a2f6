import { Readable } from 'node:stream';

/**
 * The part of a request that sends a body as it comes. The types of Node's streams and of `fetch` do not know each
 * other, and those of `fetch` lack `duplex`, without which it refuses a stream.
 */
export function streamed(body: Readable | Uint8Array): RequestInit {
  const init = { body: body instanceof Readable ? Readable.toWeb(body) : body, duplex: 'half' };
  return init as unknown as RequestInit;
}

/** The bytes of an answer as they come; none for an answer without a body. */
export function bytesOf(response: Response): Readable {
  return response.body ? Readable.fromWeb(response.body as never) : Readable.from([]);
}
