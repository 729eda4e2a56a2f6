import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from '../../platform/http/index.ts';
import type { StoredArtifact } from './artifact-roots/index.ts';
import { downloadType, previewType } from './content-type.ts';

const stillFile = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:";

/**
 * Logged pages may run what they bring along (plots, tables), but in an origin of their own that is no server's: they
 * read nothing of ours, send nothing anywhere and load nothing. A frame without `allow-scripts` keeps them still.
 */
const scriptedPage = [
  'sandbox allow-scripts',
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' blob:",
  "style-src 'unsafe-inline'",
  'img-src data: blob:',
  'media-src data: blob:',
  'font-src data:',
  "form-action 'none'",
  "base-uri 'none'",
].join('; ');

/**
 * Sends a file with its type, length and tag, or the part that a Range header asks for. The file comes from
 * somebody's script, so it may not run scripts in our origin.
 *
 * @param disposition `inline` for our own screens; `attachment` as MLflow's server sends files
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: StoredArtifact,
  disposition: 'inline' | 'attachment',
): Promise<Readable | undefined> {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  const etag = `"${file.etag}"`;
  void reply.headers({
    'content-type': disposition === 'inline' ? previewType(name) : downloadType(name),
    'content-disposition': `${disposition}; ${fileNames(name)}`,
    'content-security-policy': name.match(/\.html?$/i) ? scriptedPage : stillFile,
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    'cache-control': 'no-cache',
    etag,
  });
  if (tagsOf(request.headers['if-none-match']).has(etag)) {
    void reply.code(304).send();
    return undefined;
  }
  const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const range = isSame ? rangeOf(request.headers.range, file.sizeBytes) : null;
  if (range === 'unsatisfiable') {
    void reply.code(416).header('content-range', `bytes */${file.sizeBytes}`).send();
    return undefined;
  }
  if (range === null) {
    void reply.header('content-length', file.sizeBytes);
    // A stream, since Fastify takes the length of anything else for that of the file.
    return request.method === 'HEAD' ? Readable.from([]) : file.read();
  }
  void reply.code(206).headers({
    'content-length': range.end - range.start + 1,
    'content-range': `bytes ${range.start}-${range.end}/${file.sizeBytes}`,
  });
  return file.read(range);
}

/** The name for old clients as far as it is ASCII, and whole (RFC 6266). */
function fileNames(name: string): string {
  const isToken = /^[\w!#$&+.^`|~-]+$/.test(name);
  if (isToken) return `filename=${name}`;
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  const ascii = name
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '')
    .replace(/["\\]/g, '_');
  return `filename="${ascii || 'download'}"; filename*=UTF-8''${encoded}`;
}

function tagsOf(header: string | undefined): ReadonlySet<string> {
  return new Set((header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, '')));
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
