import { formatBytes } from '../../../kit/format.ts';
import { JsonTree } from '../../../kit/json-tree.tsx';
import { QueryView } from '../../../kit/panel.tsx';
import { RowsView } from './rows-view.tsx';
import { loggedTable } from './table-text.ts';
import { TextPreview } from './text-preview.tsx';
import { useHeadText } from './use-head.ts';

const MOST_BYTES = 4_000_000;

/** JSON as a tree, a logged table as a table, and what is too long or no JSON as text. */
export function JsonPreview(props: {
  readonly url: string;
  readonly name: string;
  readonly sizeBytes: number;
}) {
  const { url, name, sizeBytes } = props;
  if (sizeBytes > MOST_BYTES)
    return (
      <>
        <p className="pb-2 text-label text-muted">
          Files above {formatBytes(MOST_BYTES)} are not folded; this is the beginning as text.
        </p>
        <TextPreview {...props} />
      </>
    );
  return <SmallJson url={url} name={name} sizeBytes={sizeBytes} />;
}

function SmallJson(props: { readonly url: string; readonly name: string; readonly sizeBytes: number }) {
  const head = useHeadText(props.url, MOST_BYTES);
  return (
    <QueryView query={head} rows={8}>
      {(text) => {
        const value = parsed(text);
        if (value === undefined)
          return (
            <>
              <p className="pb-2 text-label text-muted">This is no valid JSON; here it is as text.</p>
              <TextPreview {...props} />
            </>
          );
        const table = loggedTable(value);
        return table ? (
          <RowsView table={table} label={`Table ${props.name}`} />
        ) : (
          <JsonTree value={value} label={`Content of ${props.name}`} className="max-h-[65vh]" />
        );
      }}
    </QueryView>
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Python writes NaN and infinities, which JSON does not know.
    try {
      return JSON.parse(text.replace(/(?<=[[,:]\s*)(-?Infinity|NaN)(?=\s*[\],}])/g, '"$1"')) as unknown;
    } catch {
      return undefined;
    }
  }
}
