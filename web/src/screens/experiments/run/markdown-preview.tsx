import { formatBytes } from '../../../kit/format.ts';
import { Markdown } from '../../../kit/markdown.tsx';
import { QueryView } from '../../../kit/panel.tsx';
import { type FileOwner, fileUrl, folderOf } from './files.ts';
import { useHeadText } from './use-head.ts';

const MOST_BYTES = 400_000;

/** Markdown as it reads; pictures that lie beside the file are shown. */
export function MarkdownPreview(props: {
  readonly owner: FileOwner;
  readonly path: string;
  readonly url: string;
  readonly sizeBytes: number;
}) {
  const { owner, path, url, sizeBytes } = props;
  const head = useHeadText(url, MOST_BYTES);
  return (
    <QueryView query={head} rows={8}>
      {(text) => (
        <>
          <Markdown text={text} resolve={(address) => besides(owner, path, address)} />
          {sizeBytes > MOST_BYTES && (
            <p className="pt-3 text-label text-muted">
              The first {formatBytes(MOST_BYTES)} of {formatBytes(sizeBytes)}.
            </p>
          )}
        </>
      )}
    </QueryView>
  );
}

/** Address of a file named relative to another; null where it would lead out of the run's files. */
function besides(owner: FileOwner, path: string, address: string): string | null {
  if (/^([a-z][\w+.-]*:|\/|#)/i.test(address)) return null;
  const parts: string[] = [];
  for (const part of [...folderOf(path).split('/'), ...decoded(address).split('/')]) {
    if (part === '..') {
      if (parts.length === 0) return null;
      parts.pop();
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  return fileUrl(owner, parts.join('/'));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
