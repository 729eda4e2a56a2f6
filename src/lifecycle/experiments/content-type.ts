import { extname } from 'node:path';

/** What browsers show, by ending. */
const shown: Readonly<Record<string, string>> = {
  '.json': 'application/json; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
};

const binary: Readonly<Record<string, string>> = {
  '.avif': 'image/avif',
  '.bmp': 'image/bmp',
  '.gif': 'image/gif',
  '.ico': 'image/vnd.microsoft.icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.webp': 'image/webp',
  '.aac': 'audio/x-aac',
  '.flac': 'audio/flac',
  '.m4a': 'audio/mp4',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.opus': 'audio/opus',
  '.wav': 'audio/x-wav',
  '.avi': 'video/x-msvideo',
  '.mov': 'video/quicktime',
  '.mp4': 'video/mp4',
  '.mpeg': 'video/mpeg',
  '.webm': 'video/webm',
  '.pdf': 'application/pdf',
  '.tar': 'application/x-tar',
  '.zip': 'application/zip',
  '.htm': 'text/html',
  '.html': 'text/html',
  '.css': 'text/css',
};

/** What MLflow calls plain text (mlflow/utils/mime_type_utils.py), without the dot; names without an ending too. */
const text: ReadonlySet<string> = new Set(
  'txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst ipynb MLmodel MLproject mlproject'.split(
    ' ',
  ),
);

/** The content type of an artifact by its name, as MLflow's server tells it. */
export function downloadType(name: string): string {
  const ending = extname(name).slice(1) || name;
  return text.has(ending)
    ? 'text/plain'
    : (binary[extname(name).toLowerCase()] ?? 'application/octet-stream');
}

/** The content type of an artifact by its name, as a browser shows it best. */
export function previewType(name: string): string {
  const known = shown[extname(name).toLowerCase()];
  if (known) return known;
  const type = downloadType(name);
  return type === 'text/plain' ? 'text/plain; charset=utf-8' : type;
}
