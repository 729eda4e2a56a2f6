import { STATUS_CODES } from 'node:http';
import type { HttpAnswer } from './answer.ts';

/** A body of which a copy is cheaper than a second write. */
export const smallBodyBytes = 64 * 1024;

/**
 * The body as text with a byte for each character, which can be written in one piece with the headers and needs no
 * counting of bytes; null where it is none, or too long for a copy.
 */
export function latin1Body({ body }: HttpAnswer): string | null {
  if (typeof body === 'string') return /[^ -~\n]/.test(body) ? null : body;
  return body.length <= smallBodyBytes ? body.toString('latin1') : null;
}

/** Writes heads of answers as HTTP/1.1 has them (RFC 9112, section 4). */
export class ResponseHeads {
  #date = '';

  /**
   * A head with the empty line at its end.
   *
   * @param connection what becomes of the connection, as whole headers
   */
  write({ status, contentType, headers }: HttpAnswer, bodyBytes: number, connection: string): string {
    const reason = STATUS_CODES[status] ?? 'Unknown';
    let head = `HTTP/1.1 ${status} ${reason}\r\ncontent-type: ${contentType}\r\ncontent-length: ${bodyBytes}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    return `${head}date: ${this.#now()}\r\n${connection}\r\n\r\n`;
  }

  /** The time as headers have it, made once a second: a look at the clock costs more than the rest of a head. */
  #now(): string {
    if (this.#date === '') {
      const now = new Date();
      this.#date = now.toUTCString();
      setTimeout(() => (this.#date = ''), 1000 - now.getMilliseconds()).unref();
    }
    return this.#date;
  }
}
