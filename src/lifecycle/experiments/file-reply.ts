import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import type { ByteRange } from '../../platform/blobs/index.ts';
import type { FastifyReply, FastifyRequest } from '../../platform/http/index.ts';
import type { ArtifactFile } from './contract.ts';

const types: Readonly<Record<string, string>> = {
  '.txt': 'text/plain; charset=utf-8',
  '.log': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.py': 'text/plain; charset=utf-8',
  '.yaml': 'text/plain; charset=utf-8',
  '.yml': 'text/plain; charset=utf-8',
  '.csv': 'text/plain; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
};

/**
 * Sends a file with its type, length and digest, or the part that a Range header asks for. The file comes from
 * somebody's script, so it may not run scripts in our origin.
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: ArtifactFile,
  read: (range?: ByteRange) => Promise<Readable>,
): Promise<Readable | undefined> {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  void reply.headers({
    'content-type': types[extname(name).toLowerCase()] ?? 'application/octet-stream',
    'content-disposition': `inline; filename*=UTF-8''${encodeURIComponent(name)}`,
    'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    etag: `"${file.digest}"`,
  });
  if (request.headers['if-none-match'] === `"${file.digest}"`) {
    void reply.code(304).send();
    return undefined;
  }
  const range = rangeOf(request.headers.range, file.sizeBytes);
  if (range === 'unsatisfiable') {
    void reply.code(416).header('content-range', `bytes */${file.sizeBytes}`).send();
    return undefined;
  }
  if (range === null) {
    void reply.header('content-length', file.sizeBytes);
    return read();
  }
  void reply.code(206).headers({
    'content-length': range.end - range.start + 1,
    'content-range': `bytes ${range.start}-${range.end}/${file.sizeBytes}`,
  });
  return read(range);
}

/** One byte range of RFC 9110 section 14; anything else is ignored, as that section allows. */
function rangeOf(
  header: string | undefined,
  sizeBytes: number,
): { readonly start: number; readonly end: number } | null | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const [first, last] = [match[1] ?? '', match[2] ?? ''];
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start >= sizeBytes || start > end) return 'unsatisfiable';
  return { start, end };
}
