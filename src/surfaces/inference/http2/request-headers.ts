import { errorCode, Http2Error } from './frames.ts';
import { type HeaderDecoder, type HeaderField, sizeOf } from './header-decoder.ts';

/** Header fields of a request by name, pseudo-headers with them; a name that came several times has its values joined. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** Bytes that the header fields of a request may have together, counted as HPACK does. */
export const mostHeaderBytes = 65_536;
/**
 * Bytes of a header block that are read at all. One with too many fields is read to its end, for the table that all
 * blocks of the connection share: it ends its own stream then, and not those beside it.
 */
export const mostBlockBytes = 1_048_576;

const required = [':method', ':scheme', ':path'] as const;
const pseudo: ReadonlySet<string> = new Set([...required, ':authority']);
/** These speak of a connection, which has no headers in HTTP/2 (RFC 9113, section 8.2.2). */
const ofConnections: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Reads the header block of a request. Throws Http2Error: COMPRESSION_ERROR for the connection; for the stream
 * PROTOCOL_ERROR where the request is malformed, ENHANCE_YOUR_CALM where there is too much of it.
 */
export function readRequestHeaders(decoder: HeaderDecoder, block: Buffer, streamId: number): RequestHeaders {
  const headers: Record<string, string | undefined> = Object.create(null) as Record<string, undefined>;
  let problem: string | null = null;
  let sizeBytes = 0;
  let hasRegular = false;
  decoder.decode(block, (field) => {
    sizeBytes += sizeOf(field);
    if (sizeBytes > mostHeaderBytes || problem !== null) return;
    const { name, value } = field;
    const isPseudo = name.startsWith(':');
    problem = problemOf(field, isPseudo, hasRegular, headers);
    hasRegular ||= !isPseudo;
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  });
  if (sizeBytes > mostHeaderBytes) {
    const text = `the headers have ${sizeBytes} bytes; ${mostHeaderBytes} are read`;
    throw new Http2Error(errorCode.enhanceYourCalm, text, streamId);
  }
  const missing = required.find((name) => !headers[name]);
  if (missing !== undefined) problem ??= `${missing} is missing`;
  if (problem !== null) throw new Http2Error(errorCode.protocol, problem, streamId);
  return headers;
}

/** Reads what follows a request's body, of which nothing is used. Errors: those of `readRequestHeaders`. */
export function skipTrailers(decoder: HeaderDecoder, block: Buffer, streamId: number): void {
  let problem: string | null = null;
  decoder.decode(block, ({ name, isFine }) => {
    if (!isFine || name.startsWith(':')) problem = `"${name}" cannot be a trailer`;
  });
  if (problem !== null) throw new Http2Error(errorCode.protocol, problem, streamId);
}

function problemOf(
  { name, value, isFine }: HeaderField,
  isPseudo: boolean,
  hasRegular: boolean,
  before: RequestHeaders,
): string | null {
  if (!isFine) return `the header "${name}" has characters that must not be there`;
  if (isPseudo) {
    if (!pseudo.has(name)) return `"${name}" is no header of a request`;
    if (hasRegular) return `"${name}" comes behind other headers`;
    return before[name] === undefined ? null : `"${name}" comes twice`;
  }
  if (ofConnections.has(name)) return `"${name}" has no place in HTTP/2`;
  if (name === 'te' && value !== 'trailers') return '"te" may only be trailers';
  return null;
}
