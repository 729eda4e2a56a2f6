import { useQuery } from '@tanstack/react-query';
import type { Replay } from '../../../../src/lifecycle/feedback/contract.ts';
import { replaysQuery } from '../../api/queries.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { Empty } from '../../kit/empty.tsx';
import { formatCount, formatNumber, formatPercent, plural } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago, EventTime } from '../../kit/time.tsx';
import type { PredictionsSearch, SearchChange } from './search.ts';

export const REPLAY_STATE: Readonly<Record<Replay['status'], State>> = {
  queued: 'none',
  running: 'running',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'none',
};

/** What other versions would have said, newest replay first. */
export function ReplaysView(props: {
  readonly endpoint: string;
  readonly search: PredictionsSearch;
  readonly set: (change: SearchChange) => void;
}) {
  const { endpoint, search, set } = props;
  const replays = useQuery(replaysQuery(endpoint));
  const rows = replays.data?.items ?? [];
  return (
    <QueryView
      query={replays}
      rows={6}
      isEmpty={() => rows.length === 0}
      empty={
        <Empty title="Nothing was replayed yet">
          A replay has another version answer what {endpoint} was asked in a span of time, without anybody
          hearing it: how far the answers differ, how many decisions change, and which is nearer to the truth.
        </Empty>
      }
    >
      {() => (
        <Card flush>
          <Grid
            label="Replays"
            rows={rows}
            columns={COLUMNS}
            rowKey={(replay) => replay.id}
            openKey={search.replay ?? null}
            onOpen={(replay) => set({ replay: replay.id })}
            footer={plural(rows.length, 'replay')}
          />
        </Card>
      )}
    </QueryView>
  );
}

const None = () => <span className="text-faint">–</span>;

const COLUMNS: readonly GridColumn<Replay>[] = [
  {
    id: 'state',
    head: 'State',
    width: 'minmax(96px, 120px)',
    cell: (replay) => <StateLabel state={REPLAY_STATE[replay.status]}>{replay.status}</StateLabel>,
  },
  {
    id: 'version',
    head: 'Version',
    width: '72px',
    cell: (replay) => <span className="font-strong">v{replay.modelVersion}</span>,
  },
  {
    id: 'span',
    head: 'Event time, UTC',
    width: 'minmax(150px, 1fr)',
    cell: (replay) => (
      <span className="flex flex-wrap gap-x-1.5 leading-4">
        <EventTime at={replay.from} precise /> to <EventTime at={replay.to} precise />
      </span>
    ),
  },
  {
    id: 'rows',
    head: 'Rows',
    width: '80px',
    align: 'right',
    wideOnly: true,
    cell: (replay) => formatCount(replay.rows),
  },
  {
    id: 'difference',
    head: 'Mean difference',
    width: '120px',
    align: 'right',
    wideOnly: true,
    cell: (replay) => (replay.result?.difference ? formatNumber(replay.result.difference.mean, 4) : <None />),
  },
  {
    id: 'decisions',
    head: 'Decisions changed',
    width: '130px',
    align: 'right',
    wideOnly: true,
    cell: ({ result }) =>
      result && result.compared > 0 ? formatPercent(result.changedDecisions / result.compared) : <None />,
  },
  {
    id: 'loss',
    head: 'Log loss then → now',
    width: '150px',
    align: 'right',
    wideOnly: true,
    cell: ({ result }) =>
      result?.replayed.logLoss != null && result.logged.logLoss != null ? (
        `${formatNumber(result.logged.logLoss, 4)} → ${formatNumber(result.replayed.logLoss, 4)}`
      ) : (
        <None />
      ),
  },
  {
    id: 'at',
    head: 'Asked',
    width: '90px',
    align: 'right',
    cell: (replay) => <Ago at={replay.createdAt} className="text-muted" />,
  },
];
