import { formatBytes, formatCount } from '../../../kit/format.ts';
import { QueryView } from '../../../kit/panel.tsx';
import { RowsView } from './rows-view.tsx';
import { parseSeparated, separatorOf } from './table-text.ts';
import { useHeadText } from './use-head.ts';

const MOST_BYTES = 2_000_000;

/** Separated values as a table; of a long file its first rows. */
export function TablePreview(props: {
  readonly url: string;
  readonly name: string;
  readonly sizeBytes: number;
}) {
  const { url, name, sizeBytes } = props;
  const head = useHeadText(url, MOST_BYTES);
  return (
    <QueryView query={head} rows={8}>
      {(text) => {
        const isCut = sizeBytes > MOST_BYTES;
        const table = parseSeparated(text, separatorOf(text, /\.tsv$/i.test(name)), isCut);
        return (
          <RowsView
            table={table}
            label={`Table ${name}`}
            {...(isCut
              ? {
                  note: `The first ${formatCount(table.rows.length)} rows, ${formatBytes(MOST_BYTES)} of ${formatBytes(sizeBytes)}`,
                }
              : {})}
          />
        );
      }}
    </QueryView>
  );
}
