import type { IncomingHttpHeaders } from 'node:http';

/** The head of a request that is as plain as requests get. */
export interface RequestHead {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly bodyBytes: number;
  /** The caller wants the connection to end with the answer. */
  readonly closes: boolean;
}

const requestLine = /^(GET|POST) (\/[!-"$->@-~]*) HTTP\/1\.1$/;
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~]*)$/;
/**
 * Headers that change how a message is read or what becomes of its connection, that a span is made for, or that make a
 * small body a large one.
 */
const unusual = new Set([
  'transfer-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
  'traceparent',
  'content-encoding',
]);
const mostKept = 1000;
const longestKept = 2000;

/**
 * Reads heads of requests that leave nothing to interpretation: GET or POST of a path without a query, HTTP/1.1, ASCII,
 * each header once and on a line of its own, a body of a given length, a connection that stays or ends. All others are null and
 * for a complete parser to judge (RFC 9112). Heads that were seen lately are only looked up, since clients
 * repeat themselves.
 */
export class RequestHeads {
  readonly #seen = new Map<string, RequestHead | null>();

  /** @param text the head without the empty line at its end, a character for each byte */
  read(text: string): RequestHead | null {
    const seen = this.#seen.get(text);
    if (seen !== undefined) return seen;
    const head = readHead(text);
    if (text.length <= longestKept) {
      if (this.#seen.size >= mostKept) this.#seen.clear();
      this.#seen.set(text, head);
    }
    return head;
  }
}

function readHead(text: string): RequestHead | null {
  const [first = '', ...lines] = text.split('\r\n');
  const request = requestLine.exec(first);
  if (!request) return null;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const header = headerLine.exec(line);
    const name = header?.[1]?.toLowerCase();
    if (name === undefined || Object.hasOwn(headers, name) || unusual.has(name)) return null;
    headers[name] = (header?.[2] ?? '').trimEnd();
  }
  const length = headers['content-length'];
  const bodyBytes = length === undefined ? 0 : /^\d{1,15}$/.test(length) ? Number(length) : Number.NaN;
  const method = request[1] as RequestHead['method'];
  const connection = headers.connection?.toLowerCase() ?? 'keep-alive';
  const closes = connection === 'close';
  const isPlain =
    headers.host !== undefined &&
    (closes || connection === 'keep-alive') &&
    (method === 'POST' ? length !== undefined && !Number.isNaN(bodyBytes) : bodyBytes === 0);
  return isPlain ? { method, path: request[2] ?? '/', headers, bodyBytes, closes } : null;
}
