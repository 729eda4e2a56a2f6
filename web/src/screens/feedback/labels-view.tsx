import { useQuery } from '@tanstack/react-query';
import type { FeedbackSummary, LabelDelays } from '../../../../src/lifecycle/feedback/contract.ts';
import {
  facetsQuery,
  feedbackQuery,
  labelConflictsQuery,
  labelDelaysQuery,
  labelUploadsQuery,
  waitingLabelsQuery,
} from '../../api/queries.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { Select } from '../../kit/fields.tsx';
import { formatCount, formatDuration, formatPercent } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Table, type TableColumn } from '../../kit/table.tsx';
import { Ago, EventTime } from '../../kit/time.tsx';
import { LabelDaysCard } from './label-days-card.tsx';
import type { PredictionsSearch, SearchChange } from './search.ts';

const SHOWN_DAYS = 60;
const AGAIN_MS = 12_000;

type ViewProps = {
  readonly endpoint: string;
  readonly search: PredictionsSearch;
  readonly set: (change: SearchChange) => void;
};

/** How the truth comes in: how late, for whom it is missing, what contradicts itself, what fits nothing. */
export function LabelsView(props: ViewProps) {
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <LabelDaysCard endpoint={props.endpoint} />
      <DelaysCard {...props} />
      <DaysCard endpoint={props.endpoint} />
      <div className="flex min-w-0 flex-col gap-4">
        <ConflictsCard {...props} />
        <WaitingCard endpoint={props.endpoint} />
      </div>
      <UploadsCard endpoint={props.endpoint} />
    </div>
  );
}

function DelaysCard(props: ViewProps) {
  const { endpoint, search, set } = props;
  // The server measures them at most every ten seconds: what an event asked for may have been an older answer.
  const delays = useQuery({ ...labelDelaysQuery(endpoint, search.feature), refetchInterval: AGAIN_MS });
  const facets = useQuery(facetsQuery(endpoint));
  const features = facets.data?.features ?? [];
  return (
    <QueryCard
      title="Delays"
      note="from a prediction to its truth, in event time"
      query={delays}
      actions={
        features.length > 0 && (
          <Select
            label="Split by"
            value={search.feature ?? ''}
            all="All together"
            options={features.map((name) => [name, `by ${name}`] as const)}
            onChange={(feature) => set({ feature, value: undefined })}
          />
        )
      }
      rows={4}
      flush
      className="overflow-hidden lg:col-span-2"
      isEmpty={(data) => data.total.predictions === 0}
      empty={
        <div className="px-4 pb-3">
          <EmptyLine>Nothing was predicted yet.</EmptyLine>
        </div>
      }
    >
      {(data) => <DelayTable delays={data} />}
    </QueryCard>
  );
}

function DelayTable(props: { readonly delays: LabelDelays }) {
  const { total, segments, feature } = props.delays;
  const rows = [
    { ...total, key: 'total', name: 'All predictions' },
    ...segments.map((each) => ({ ...each, key: `of ${each.segment}`, name: each.segment ?? 'missing' })),
  ];
  type Row = (typeof rows)[number];
  const within = (id: 'p50' | 'p90' | 'p99' | 'max', head: string): TableColumn<Row> => ({
    ...{ id, head },
    cell: (row) => formatDuration(row.delayMs?.[id]),
  });
  return (
    <Table
      flush
      label="Delays of labels"
      className="max-h-[480px]"
      rows={rows}
      rowKey={(row) => row.key}
      columns={[
        {
          id: 'name',
          head: feature ?? 'Segment',
          cell: (row) => <span className={row.key === 'total' ? 'font-strong' : ''}>{row.name}</span>,
        },
        { id: 'predictions', head: 'Predictions', cell: (row) => formatCount(row.predictions) },
        { id: 'labelled', head: 'Labelled', cell: (row) => formatCount(row.labelled) },
        { id: 'missing', head: 'Without a label', cell: (row) => <MissingShare ratio={row.missingRatio} /> },
        within('p50', 'Half within'),
        within('p90', '90\u202f% within'),
        within('p99', '99\u202f% within'),
        within('max', 'Longest'),
        {
          id: 'received',
          head: 'Half received within',
          headTip: 'From the prediction until its label was received, by the clock on the wall',
          muted: true,
          cell: (row) => formatDuration(row.receiptDelayMs?.p50),
        },
      ]}
    />
  );
}

function MissingShare(props: { readonly ratio: number }) {
  return (
    <span className="inline-flex items-center gap-2">
      <span className="h-1.5 w-14 overflow-hidden rounded-full bg-sunken">
        <span className="block h-full bg-watch" style={{ width: `${Math.min(1, props.ratio) * 100}%` }} />
      </span>
      {formatPercent(props.ratio)}
    </span>
  );
}

function DaysCard(props: { readonly endpoint: string }) {
  const feedback = useQuery(feedbackQuery(props.endpoint));
  return (
    <QueryCard
      title="What arrived by day"
      note="a label counts on the day of its own event time"
      query={feedback}
      rows={4}
      flush
      className="overflow-hidden"
      isEmpty={(data) => data.days.length === 0}
      empty={
        <div className="px-4 pb-3">
          <EmptyLine>No day has a prediction or a label yet.</EmptyLine>
        </div>
      }
    >
      {(data) => <DayTable days={data.days} />}
    </QueryCard>
  );
}

function DayTable(props: { readonly days: FeedbackSummary['days'] }) {
  const days = props.days.toSorted((a, b) => b.day.localeCompare(a.day));
  return (
    <>
      <Table
        flush
        label="Predictions and labels by day"
        className="max-h-[360px]"
        rows={days.slice(0, SHOWN_DAYS)}
        rowKey={({ day }) => day}
        columns={DAY_COLUMNS}
      />
      {days.length > SHOWN_DAYS && (
        <p className="border-line border-t px-4 py-2 text-label text-muted">
          The newest {SHOWN_DAYS} of {formatCount(days.length)} days.
        </p>
      )}
    </>
  );
}

const DAY_COLUMNS: readonly TableColumn<FeedbackSummary['days'][number]>[] = [
  { id: 'day', head: 'Day, UTC', cell: ({ day }) => day },
  { id: 'predictions', head: 'Predictions', cell: (row) => formatCount(row.predictions) },
  {
    id: 'joined',
    head: 'With label',
    cell: ({ joined, predictions }) => (
      <span>
        {formatCount(joined)}
        {predictions > 0 && <span className="text-muted"> ({formatPercent(joined / predictions)})</span>}
      </span>
    ),
  },
  { id: 'labels', head: 'Labels', cell: (row) => formatCount(row.labelsReceived) },
  {
    id: 'again',
    head: 'Again',
    headTip: 'Labels sent more than once',
    cell: (row) => formatCount(row.duplicateLabels),
  },
  {
    id: 'orphans',
    head: 'Fit none',
    headTip: 'Labels of no prediction',
    cell: (row) => formatCount(row.orphans),
  },
];

function ConflictsCard(props: ViewProps) {
  const conflicts = useQuery(labelConflictsQuery(props.endpoint));
  return (
    <QueryCard
      title="Labelled differently"
      note="the last by event time counts"
      query={conflicts}
      isEmpty={(page) => page.items.length === 0}
      empty={<EmptyLine>No prediction has labels that contradict each other.</EmptyLine>}
    >
      {(page) => (
        <Scroll label="Conflicting labels" className="max-h-80">
          <ul className="flex flex-col">
            {page.items.map((conflict) => (
              <li
                key={conflict.predictionId}
                className="flex items-baseline gap-3 border-line border-b py-1.5 last:border-b-0"
              >
                <button
                  type="button"
                  onClick={() => props.set({ id: conflict.predictionId })}
                  className="min-w-0 truncate font-mono text-accent text-label"
                >
                  {conflict.predictionId}
                </button>
                <span className="ml-auto whitespace-nowrap text-muted">
                  {conflict.values.map(String).join(', ')} of {formatCount(conflict.labels)} labels
                </span>
                <span className="whitespace-nowrap">{String(conflict.counts)} counts</span>
              </li>
            ))}
          </ul>
        </Scroll>
      )}
    </QueryCard>
  );
}

function WaitingCard(props: { readonly endpoint: string }) {
  const waiting = useQuery(waitingLabelsQuery(props.endpoint));
  return (
    <QueryCard
      title="Fit no prediction"
      note="kept, and joined as soon as the prediction is there"
      query={waiting}
      isEmpty={(page) => page.items.length === 0}
      empty={<EmptyLine>Every label found its prediction.</EmptyLine>}
    >
      {(page) => (
        <Scroll label="Labels that wait" className="max-h-80">
          <ul className="flex flex-col">
            {page.items.map((label) => (
              <li
                key={label.id}
                className="flex flex-wrap items-baseline gap-x-3 border-line border-b py-1.5 last:border-b-0"
              >
                <span className="min-w-0 break-all font-mono text-label">
                  {label.predictionId ?? `entity ${label.entity}`}
                </span>
                <span className="text-muted">
                  {label.signal ?? 'label'} {String(label.value)}, {label.source}
                </span>
                <EventTime at={label.eventTime} precise className="ml-auto text-label text-muted" />
              </li>
            ))}
          </ul>
        </Scroll>
      )}
    </QueryCard>
  );
}

function UploadsCard(props: { readonly endpoint: string }) {
  const uploads = useQuery(labelUploadsQuery(props.endpoint));
  return (
    <QueryCard
      title="Files of labels"
      query={uploads}
      className="lg:col-span-2"
      isEmpty={(page) => page.items.length === 0}
      empty={
        <EmptyLine>
          None yet: <code>millrace labels {props.endpoint} truth.parquet</code> sends one.
        </EmptyLine>
      }
    >
      {(page) => (
        <ul className="flex flex-col">
          {page.items.map((upload) => (
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
      )}
    </QueryCard>
  );
}

const UPLOAD_STATE = { running: 'running', done: 'good', failed: 'bad' } as const;
