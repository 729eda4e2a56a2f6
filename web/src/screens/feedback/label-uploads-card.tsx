import { useInfiniteQuery } from '@tanstack/react-query';
import { labelUploadsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatCount } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { SendLabels } from './send-labels.tsx';

export function UploadsCard(props: { readonly endpoint: string }) {
  const uploads = useInfiniteQuery(labelUploadsQuery(props.endpoint));
  return (
    <QueryCard
      title="Files of labels"
      query={uploads}
      className="lg:col-span-2"
      isEmpty={({ pages }) => pages[0]?.items.length === 0}
      empty={
        <div className="flex flex-col gap-3">
          <SendLabels endpoint={props.endpoint} />
          <EmptyLine>
            None yet. From a terminal: <code>millrace labels {props.endpoint} truth.parquet</code>
          </EmptyLine>
        </div>
      }
    >
      {({ pages }) => (
        <div className="flex flex-col gap-3">
          <SendLabels endpoint={props.endpoint} />
          <ul className="flex flex-col">
            {pages
              .flatMap(({ items }) => items)
              .map((upload) => (
                <li key={upload.id} className="flex flex-col gap-1 border-line border-b py-2 last:border-b-0">
                  <span className="flex flex-wrap items-baseline gap-x-3">
                    <StateLabel state={UPLOAD_STATE[upload.state]}>
                      {upload.state === 'running' ? 'being read' : upload.state}
                    </StateLabel>
                    <span className="text-muted">
                      {formatCount(upload.rowsRead)} rows of {upload.format} read,{' '}
                      {formatCount(upload.rowsAccepted)} taken, {formatCount(upload.rowsRefused)} refused
                    </span>
                    <Ago at={upload.createdAt} className="ml-auto text-label text-muted" />
                  </span>
                  {upload.errors.length > 0 && (
                    <details>
                      <summary className="text-accent text-label">what was refused</summary>
                      <ul className="max-h-48 overflow-y-auto pt-1 text-label text-muted">
                        {upload.errors.map((error) => (
                          <li key={`${error.row} ${error.problem}`}>
                            Row {formatCount(error.row)}: {error.problem}
                          </li>
                        ))}
                      </ul>
                    </details>
                  )}
                </li>
              ))}
          </ul>
          {uploads.hasNextPage && (
            <Button
              className="self-start"
              disabled={uploads.isFetchingNextPage}
              onClick={() => void uploads.fetchNextPage()}
            >
              Show older files
            </Button>
          )}
        </div>
      )}
    </QueryCard>
  );
}

const UPLOAD_STATE = { running: 'running', done: 'good', failed: 'bad' } as const;
