import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import type { BatchPrediction } from '../../../../../src/lifecycle/serving/batch/contract.ts';
import { apiUrl } from '../../../api/client.ts';
import { batchQuery } from '../../../api/queries.ts';
import { Act } from '../../../kit/act.tsx';
import { useNow } from '../../../kit/clock.ts';
import { Facts } from '../../../kit/facts.tsx';
import { formatBytes, formatCount, formatDuration, plural, shortId } from '../../../kit/format.ts';
import { QueryView } from '../../../kit/panel.tsx';
import { SidePanel } from '../../../kit/side-panel.tsx';
import { Id } from '../../../kit/snippet.tsx';
import { StateLabel } from '../../../kit/state-mark.tsx';
import { Ago } from '../../../kit/time.tsx';
import { BATCH_STATE, canGoOn, doneShare, isOpen, progressText, rowsPerSecond } from './batch-text.ts';

const POLL_MS = 2000;

/** One batch: how far it is, what it made, what went wrong. */
export function BatchPanel(props: {
  readonly id: string;
  readonly onClose: () => void;
  /** Shows another one: what goes on is a batch of its own. */
  readonly onOpen: (id: string) => void;
}) {
  const batch = useQuery({
    ...batchQuery(props.id),
    // Parts come without events; only what runs is asked for again.
    refetchInterval: ({ state }) => (state.data && isOpen(state.data) ? POLL_MS : false),
  });
  return (
    <SidePanel title="Batch" label="Batch" onClose={props.onClose}>
      <QueryView query={batch} rows={8}>
        {(data) => <BatchBody batch={data} onOpen={props.onOpen} onDeleted={props.onClose} />}
      </QueryView>
    </SidePanel>
  );
}

/** The share that is done, as a bar; without a known number of rows nothing is promised. */
export function ProgressBar(props: { readonly batch: BatchPrediction }) {
  const share = doneShare(props.batch) ?? 0;
  return (
    <span className="block h-1.5 min-w-0 overflow-hidden rounded-full bg-sunken">
      <span
        className={`block h-full ${props.batch.status === 'failed' ? 'bg-bad' : props.batch.status === 'cancelled' ? 'bg-line-strong' : 'bg-accent'}`}
        style={{ width: `${share * 100}%` }}
      />
    </span>
  );
}

function BatchBody(props: {
  readonly batch: BatchPrediction;
  readonly onOpen: (id: string) => void;
  readonly onDeleted: () => void;
}) {
  const { batch } = props;
  const now = useNow();
  const speed = rowsPerSecond(batch, now);
  const own = `/batch-predictions/${encodeURIComponent(batch.id)}`;
  return (
    <div className="flex flex-col gap-5">
      <div className="flex flex-col gap-2">
        <div className="flex items-baseline justify-between gap-3">
          <StateLabel state={BATCH_STATE[batch.status]}>{batch.status}</StateLabel>
          <span>{progressText(batch)}</span>
        </div>
        <ProgressBar batch={batch} />
      </div>
      {batch.error && batch.status !== 'cancelled' && (
        <div className="flex flex-col gap-1 rounded-control bg-bad-quiet px-3 py-2" role="alert">
          <p className="font-strong">{batch.error.message}</p>
          <p className="text-muted">{batch.error.next}</p>
        </div>
      )}
      {batch.output && (
        <a
          href={apiUrl(`${own}/output`)}
          download
          className="inline-flex h-9 items-center justify-center gap-2 rounded-control border border-accent bg-accent px-3 text-on-accent hover:brightness-95"
        >
          <Download size={14} aria-hidden /> Download the {batch.format === 'csv' ? 'CSV' : 'Parquet'} file,{' '}
          {formatBytes(batch.output.sizeBytes)}
        </a>
      )}
      <div className="flex flex-wrap gap-2 empty:hidden">
        {isOpen(batch) && (
          <Act
            verb="Cancel"
            look="danger"
            title="Cancel the batch"
            path={`${own}/cancel`}
            effect="It stops. What is finished is kept, so that it can be gone on with."
          />
        )}
        {canGoOn(batch) && (
          <Act<BatchPrediction>
            verb={batch.progress.rows === 0 ? 'Begin again' : 'Go on'}
            look={batch.progress.rows === 0 ? 'plain' : 'primary'}
            title={batch.progress.rows === 0 ? 'Begin the batch again' : 'Go on with the batch'}
            path={`${own}/resume`}
            effect={
              batch.progress.rows === 0
                ? 'A new batch of the same rows begins; none was finished.'
                : `A new batch begins with what is finished: ${plural(batch.progress.rows, 'row')}.`
            }
            onDone={(begun) => props.onOpen(begun.id)}
          />
        )}
        {!isOpen(batch) && (
          <Act
            verb="Delete"
            look="danger"
            title="Delete the batch"
            path={own}
            method="DELETE"
            effect={`Its entry, its log and the files that it made go for good. ${whatStays(batch)}`}
            onDone={props.onDeleted}
          />
        )}
      </div>
      <Facts
        facts={[
          [
            'Scored by',
            <Link
              key="version"
              to="/models/$model/versions/$version"
              params={{ model: batch.model, version: batch.modelVersion }}
              className="text-accent"
            >
              {batch.model} v{batch.modelVersion}
            </Link>,
          ],
          batch.endpoint !== null && [
            'Of the endpoint',
            <Link
              key="endpoint"
              to="/endpoints/$endpoint"
              params={{ endpoint: batch.endpoint }}
              className="text-accent"
            >
              {batch.endpoint}
            </Link>,
          ],
          [
            batch.source.kind === 'dataset' ? 'Dataset' : batch.source.kind === 'log' ? 'Rows' : 'File',
            batch.source.name,
          ],
          [
            'Rows with an error',
            batch.progress.failedRows === 0
              ? 'none'
              : `${formatCount(batch.progress.failedRows)}; the column “error” tells why`,
          ],
          speed !== null && ['Speed', `${formatCount(speed)} rows/s`],
          batch.startedAt !== null && [
            batch.finishedAt === null ? 'Has run for' : 'Took',
            formatDuration(
              (batch.finishedAt ? Date.parse(batch.finishedAt) : now) - Date.parse(batch.startedAt),
            ),
          ],
          ['Asked', <Ago key="asked" at={batch.createdAt} />],
          batch.resumes !== null && [
            'Goes on with',
            <Link key="resumes" to="/batches" search={{ batch: batch.resumes }} className="text-accent">
              {shortId(batch.resumes)}
            </Link>,
          ],
          batch.status === 'cancelled' &&
            batch.error !== null && ['Why', batch.error.message.replace(/^cancelled: /, '')],
          batch.attempts > 1 && ['Attempts', String(batch.attempts)],
          ['In the prediction log', batch.log ? 'yes' : 'no'],
          ['Package', <Id key="package" id={batch.packageDigest} text={shortId(batch.packageDigest)} />],
          [
            'Step',
            <Link key="step" to="/steps" search={{ step: batch.id }} className="text-accent">
              its log
            </Link>,
          ],
        ]}
      />
    </div>
  );
}

function whatStays({ source, log }: BatchPrediction): string {
  const stay = [
    source.kind === 'dataset' ? 'the dataset' : source.kind === 'file' ? 'the file that it read' : null,
    log || source.kind === 'log' ? 'rows in the prediction log' : null,
  ].filter((part) => part !== null);
  return stay.length === 0 ? '' : `What stays: ${stay.join(', ')}.`;
}
