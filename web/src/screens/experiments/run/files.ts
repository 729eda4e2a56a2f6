/** Which file is meant, where its bytes are, and how it can be shown. Pure. */
import { apiUrl } from '../../../api/client.ts';

/** Files belong to a run or to a model that it logged. */
export type FileOwner = { readonly runId: string; readonly modelId?: string | undefined };

/** Path of the owner's files below /api/v1. */
export function ownerPath(owner: FileOwner): string {
  return owner.modelId === undefined
    ? `/runs/${encodeURIComponent(owner.runId)}`
    : `/logged-models/${encodeURIComponent(owner.modelId)}`;
}

/** Address of a file's bytes. */
export const fileUrl = (owner: FileOwner, path: string): string =>
  apiUrl(`${ownerPath(owner)}/artifact-content`, { path });

export const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

type PreviewKind =
  | 'image'
  | 'audio'
  | 'video'
  | 'markdown'
  | 'html'
  | 'json'
  | 'table'
  | 'parquet'
  | 'text'
  | 'pdf'
  | 'download'
  | 'unknown';

const KINDS: Readonly<Record<Exclude<PreviewKind, 'unknown'>, string>> = {
  image: 'png jpg jpeg gif webp svg bmp avif ico',
  audio: 'wav mp3 ogg oga flac m4a aac opus weba',
  video: 'mp4 webm mov ogv m4v',
  markdown: 'md markdown',
  html: 'html htm',
  json: 'json ipynb geojson',
  table: 'csv tsv',
  parquet: 'parquet pq',
  text:
    'txt log py js ts tsx jsx r java scala sh bash sql yaml yml toml ini cfg conf xml rst tex diff patch jsonl ndjson ' +
    'dockerfile gitignore env properties c h cpp hpp rs go jl css proto',
  pdf: 'pdf',
  download: 'zip gz tar tgz 7z arrow feather',
};
const BY_EXTENSION: ReadonlyMap<string, PreviewKind> = new Map(
  Object.entries(KINDS).flatMap(([kind, list]) =>
    list.split(' ').map((extension) => [extension, kind as PreviewKind] as const),
  ),
);
const TEXT_NAMES = /^(MLmodel|Dockerfile|Makefile|LICENSE|README|requirements|python_env|conda)$/i;

/** How a file is shown, by its name: what is inside is never run in this page. */
export function previewKind(path: string): PreviewKind {
  const name = fileName(path);
  if (TEXT_NAMES.test(name)) return 'text';
  const dot = name.lastIndexOf('.');
  return BY_EXTENSION.get(name.slice(dot + 1).toLowerCase()) ?? 'unknown';
}
