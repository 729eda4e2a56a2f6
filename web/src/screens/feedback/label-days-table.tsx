import { useQuery } from '@tanstack/react-query';
import type { FeedbackSummary } from '../../../../src/lifecycle/feedback/contract.ts';
import { feedbackQuery } from '../../api/queries.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatCount, formatPercent } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { Table, type TableColumn } from '../../kit/table.tsx';

const SHOWN_DAYS = 60;

export function DaysCard(props: { readonly endpoint: string }) {
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
