import { useState } from 'react';
import { formatBytes, formatCount } from '../../../kit/format.ts';
import { QueryView } from '../../../kit/panel.tsx';
import { placed } from '../../../kit/placed.ts';
import { Scroll } from '../../../kit/scroll.tsx';
import { useHeadText } from './use-head.ts';

const MOST_BYTES = 262_144;

/** Text with line numbers; of a long file its beginning. */
export function TextPreview(props: {
  readonly url: string;
  readonly name: string;
  readonly sizeBytes: number;
}) {
  const { url, name, sizeBytes } = props;
  const head = useHeadText(url, MOST_BYTES);
  const [wrap, setWrap] = useState(false);
  return (
    <QueryView query={head} rows={8}>
      {(text) => {
        const lines = text.split('\n');
        const isDiff = /\.(diff|patch)$/.test(name);
        return (
          <div className="flex flex-col gap-2">
            <div className="flex flex-wrap items-center gap-x-4 text-label text-muted">
              <span>
                {sizeBytes > MOST_BYTES
                  ? `The first ${formatBytes(MOST_BYTES)} of ${formatBytes(sizeBytes)}; download the file for the rest`
                  : `${formatCount(lines.length - (text.endsWith('\n') ? 1 : 0))} lines`}
              </span>
              <label className="ml-auto inline-flex items-center gap-1.5">
                <input
                  type="checkbox"
                  checked={wrap}
                  onChange={(event) => setWrap(event.target.checked)}
                  className="size-3.5 accent-accent"
                />
                Wrap lines
              </label>
            </div>
            <Scroll
              label={`Text of ${name}`}
              className="max-h-[65vh] rounded-control border border-line bg-sunken"
            >
              <div className="flex min-w-fit py-2 font-mono text-label leading-5">
                {!wrap && (
                  <pre
                    aria-hidden
                    className="sticky left-0 select-none border-line border-r bg-sunken px-3 text-right text-faint leading-5"
                  >
                    {lines.map((_, index) => index + 1).join('\n')}
                  </pre>
                )}
                {isDiff ? (
                  <DiffText lines={lines} />
                ) : (
                  <pre className={`px-3 leading-5 ${wrap ? 'whitespace-pre-wrap break-all' : ''}`}>
                    {text}
                  </pre>
                )}
              </div>
            </Scroll>
          </div>
        );
      }}
    </QueryView>
  );
}

function DiffText(props: { readonly lines: readonly string[] }) {
  const ink = (line: string): string =>
    /^(\+\+\+|---|diff |index )/.test(line)
      ? 'font-strong'
      : line.startsWith('+')
        ? 'bg-good-quiet'
        : line.startsWith('-')
          ? 'bg-bad-quiet'
          : line.startsWith('@@')
            ? 'text-accent'
            : '';
  return (
    <pre className="flex-1 px-3 leading-5">
      {placed(props.lines).map(({ item: line, place }) => (
        <span key={place} className={`block min-h-5 ${ink(line)}`}>
          {line}
        </span>
      ))}
    </pre>
  );
}
