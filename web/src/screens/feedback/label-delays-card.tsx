import { useQuery } from '@tanstack/react-query';
import type { LabelDelays } from '../../../../src/lifecycle/feedback/contract.ts';
import { facetsQuery, labelDelaysQuery } from '../../api/queries.ts';
import { Chooser } from '../../kit/chooser.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatCount, formatDuration, formatPercent } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { Table, type TableColumn } from '../../kit/table.tsx';
import type { PredictionsSearch, SearchChange } from './search.ts';

const AGAIN_MS = 12_000;

export type ViewProps = {
  readonly endpoint: string;
  readonly search: PredictionsSearch;
  readonly set: (change: SearchChange) => void;
};

export function DelaysCard(props: ViewProps) {
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
          <Chooser
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
    id,
    head,
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
