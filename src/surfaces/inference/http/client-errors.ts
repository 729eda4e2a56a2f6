import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { fail, type MillraceError } from '../../../core/errors.ts';
import { errorAnswer } from './error-answer.ts';

const allowed = 'GET, HEAD, POST, OPTIONS';
/** The first line of a request whose method node does not know. */
const requestLine = /^([A-Z]{1,32}) (\S{1,2000}) HTTP\/1\.[01]\r\n/;

/**
 * Answers bytes that are no HTTP request, or one that takes too long: one clear answer, then the connection ends,
 * because nobody knows where the next request would begin. An answer that is under way on the connection ends first.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex, headerBytes: number): void {
  if (error.code === 'ERR_SSL_HTTP_REQUEST') {
    // It is in no TLS, so the answer is not either.
    beneath(socket)?.end(rawAnswer(fail('tls_needed', {})));
    return;
  }
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const pending = underWay(socket);
  const send = () => socket.end(rawAnswer(toProblem(error, headerBytes)));
  // A request that is not complete is the one that is at fault: it has no answer but this one.
  const isItself = pending !== null && !pending.req.complete && !pending.headersSent;
  if (!pending || pending.writableFinished || isItself) send();
  else if (pending.headersSent) pending.once('close', () => socket.destroy());
  else pending.once('finish', send);
}

/**
 * Ends a connection of a server that stops unless a whole request is being answered on it: half of one is answered with
 * what it was too slow for, and one whose headers are not there with nothing.
 */
export function endUnlessAnswering(socket: Duplex): void {
  const pending = underWay(socket);
  if (pending?.req.complete) return;
  if (!pending || pending.headersSent || !socket.writable) socket.destroy();
  else socket.end(rawAnswer(fail('request_too_slow', {})), () => socket.destroy());
}

/** Ends a connection that asks to be turned into something else (CONNECT). */
export function refuseTunnel(socket: Duplex, method: string, path: string): void {
  // Node has let go of the connection: an error of it that nobody hears would end the process.
  socket.on('error', () => socket.destroy());
  socket.end(rawAnswer(fail('method_not_allowed', { method, path, allowed })));
}

/** The connection below a TLS one whose handshake failed; node ends it after this turn. Its type does not tell. */
function beneath(socket: Duplex): Duplex | null {
  return (socket as Duplex & { readonly _parent?: Duplex | null })._parent ?? null;
}

/** The response that node writes at the moment; a connection knows it though its type does not tell. */
function underWay(socket: Duplex): ServerResponse | null {
  return (socket as Duplex & { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? null;
}

function toProblem(error: NodeJS.ErrnoException, headerBytes: number): MillraceError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return fail('headers_too_large', { limitBytes: headerBytes });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return fail('request_too_slow', {});
    case 'HPE_INVALID_METHOD': {
      const [, method, path] = requestLine.exec(firstBytes(error)) ?? [];
      if (method && path) return fail('method_not_allowed', { method, path, allowed });
      return fail('http_malformed', { problem: 'Invalid method encountered' });
    }
    default:
      return fail('http_malformed', { problem: error.message.replace(/^Parse Error: /, '') });
  }
}

/** What node could not read; its type does not tell. */
function firstBytes(error: NodeJS.ErrnoException & { readonly rawPacket?: unknown }): string {
  return error.rawPacket instanceof Uint8Array
    ? Buffer.from(error.rawPacket).toString('latin1', 0, 2100)
    : '';
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function rawAnswer(error: MillraceError): string {
  const { body } = errorAnswer('/', error, false);
  return [
    `HTTP/1.1 ${error.status} ${reasons[error.status] ?? 'Error'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-millrace-error: ${error.code}`,
    ...(error.code === 'method_not_allowed' ? [`allow: ${allowed}`] : []),
    'connection: close',
    '',
    String(body),
  ].join('\r\n');
}
