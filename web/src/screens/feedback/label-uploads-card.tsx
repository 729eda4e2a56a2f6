import { useInfiniteQuery } from '@tanstack/react-query';
import type { LabelUpload } from '../../../../src/lifecycle/feedback/contract.ts';
import { labelUploadsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatCount, plural } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { RefusedRows, useNamed } from './refused-rows.tsx';
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
                <UploadRow key={upload.id} upload={upload} />
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

function UploadRow(props: { readonly upload: LabelUpload }) {
  const { upload } = props;
  const { id, state, format, rowsRead, rowsAccepted, rowsRefused, errors } = upload;
  const named = useNamed(`file-${id}`);
  // Of row 0: the file as a whole.
  const ofFile = errors.filter(({ row }) => row === 0);
  const ofRows = errors.filter(({ row }) => row > 0);
  return (
    <li
      {...named}
      className="flex flex-col gap-1 border-line border-b py-2 last:border-b-0 target:bg-accent-quiet"
    >
      <span className="flex flex-wrap items-baseline gap-x-3">
        <StateLabel state={UPLOAD_STATE[state]}>{state === 'running' ? 'being read' : state}</StateLabel>
        <span className="text-muted">
          {FORMAT[format]}: {plural(rowsRead, 'row')} read, {formatCount(rowsAccepted)} taken,{' '}
          {formatCount(rowsRefused)} refused
        </span>
        <Ago at={upload.createdAt} className="ml-auto text-label text-muted" />
      </span>
      {ofFile.map(({ problem }) => (
        <span key={problem} className="wrap-anywhere text-label text-muted">
          {problem}
        </span>
      ))}
      {ofRows.length > 0 && <RefusedRows errors={ofRows} refused={rowsRefused} />}
    </li>
  );
}

const FORMAT = { csv: 'CSV', parquet: 'Parquet' } as const;
const UPLOAD_STATE = { running: 'running', done: 'good', failed: 'bad' } as const;
