import { Download } from 'lucide-react';
import { lazy, type ReactNode, Suspense } from 'react';
import type { ArtifactEntry } from '../../../../../src/lifecycle/experiments/contract.ts';
import { formatBytes } from '../../../kit/format.ts';
import { Card, Skeleton } from '../../../kit/panel.tsx';
import { CopyButton } from '../../../kit/snippet.tsx';
import { type FileOwner, fileName, fileUrl, previewKind } from './files.ts';
import { HtmlFrame } from './html-frame.tsx';

const TextPreview = lazy(() =>
  import('./text-preview.tsx').then((module) => ({ default: module.TextPreview })),
);
const JsonPreview = lazy(() =>
  import('./json-preview.tsx').then((module) => ({ default: module.JsonPreview })),
);
const TablePreview = lazy(() =>
  import('./table-preview.tsx').then((module) => ({ default: module.TablePreview })),
);
const ParquetPreview = lazy(() =>
  import('./parquet-preview.tsx').then((module) => ({ default: module.ParquetPreview })),
);
const MarkdownPreview = lazy(() =>
  import('./markdown-preview.tsx').then((module) => ({ default: module.MarkdownPreview })),
);
const BytesPreview = lazy(() =>
  import('./bytes-preview.tsx').then((module) => ({ default: module.BytesPreview })),
);

/** A file as far as a browser can show it, with its size and the way to all of it. */
export function FilePreview(props: { readonly owner: FileOwner; readonly entry: ArtifactEntry }) {
  const { owner, entry } = props;
  const name = fileName(entry.path);
  const url = fileUrl(owner, entry.path);
  return (
    <Card
      title={<span className="break-all">{name}</span>}
      note={
        <span className="inline-flex items-center gap-1">
          {formatBytes(entry.sizeBytes)}
          <CopyButton text={entry.path} label={`Copy the path ${entry.path}`} />
        </span>
      }
      actions={
        <a
          href={url}
          download={name}
          className="inline-flex h-7 items-center gap-1.5 rounded-control border border-line-strong px-2.5 hover:bg-sunken pointer-coarse:h-9"
        >
          <Download size={14} aria-hidden />
          Download
        </a>
      }
    >
      <Suspense fallback={<Skeleton rows={6} />}>{bodyOf(owner, entry, url)}</Suspense>
    </Card>
  );
}

function bodyOf(owner: FileOwner, entry: ArtifactEntry, url: string): ReactNode {
  const name = fileName(entry.path);
  const sizeBytes = entry.sizeBytes ?? 0;
  if (sizeBytes === 0) return <p className="text-muted">The file is empty.</p>;
  switch (previewKind(entry.path)) {
    case 'image':
      return (
        <a href={url} target="_blank" rel="noreferrer" className="block">
          <img src={url} alt={name} className="max-h-[70vh] max-w-full bg-sunken object-contain" />
        </a>
      );
    case 'audio':
      return (
        // biome-ignore lint/a11y/useMediaCaption: a logged sound has no captions.
        <audio controls preload="metadata" src={url} aria-label={name} className="w-full max-w-xl" />
      );
    case 'video':
      return (
        // biome-ignore lint/a11y/useMediaCaption: a logged film has no captions.
        <video controls preload="metadata" src={url} aria-label={name} className="max-h-[70vh] max-w-full" />
      );
    case 'html':
      return <HtmlFrame url={url} name={name} />;
    case 'markdown':
      return <MarkdownPreview owner={owner} path={entry.path} url={url} sizeBytes={sizeBytes} />;
    case 'json':
      return <JsonPreview url={url} name={name} sizeBytes={sizeBytes} />;
    case 'table':
      return <TablePreview url={url} name={name} sizeBytes={sizeBytes} />;
    case 'parquet':
      return <ParquetPreview owner={owner} path={entry.path} />;
    case 'text':
      return <TextPreview url={url} name={name} sizeBytes={sizeBytes} />;
    case 'pdf':
      // The file's own policy closes it in; the browser's viewer is no part of this page.
      return (
        <div className="flex flex-col gap-2">
          <a href={url} target="_blank" rel="noreferrer" className="self-start text-accent">
            Open it in a tab of its own
          </a>
          <iframe src={url} title={name} className="h-[75vh] w-full rounded-control border border-line" />
        </div>
      );
    case 'download':
      return (
        <p className="text-muted">
          This kind of file is not shown here: download it to open it with a program that you trust.
        </p>
      );
    default:
      return <BytesPreview url={url} name={name} sizeBytes={sizeBytes} digest={entry.digest} />;
  }
}
